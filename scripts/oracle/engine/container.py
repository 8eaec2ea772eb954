"""Converts environment variables to engine arguments, as the entrypoints of the images of vLLM and SGLang do.

`SM_VLLM_<FLAG>=value` or `SM_SGLANG_<FLAG>=value` becomes `--flag value`. The value `true` gives a flag without
value, and `false` gives no flag. Without SM_VLLM_MODEL, the model of vLLM is HF_MODEL_ID (aws/deep-learning-containers,
`sagemaker_entrypoint.sh` of the images of AWS and of Hugging Face, docs/sglang/configuration.md).

    .oracle/bin/python -m scripts.oracle.engine.container --port 8080 [argument ...]

starts the server like those images, with the variables of the current environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

PREFIX = "SM_VLLM_"
SGLANG_PREFIX = "SM_SGLANG_"


def arguments(environment: Mapping[str, str], prefix: str = PREFIX) -> list[str]:
    """Return the arguments for the engine's server, from the variables that have the prefix."""
    return list(_arguments(environment, prefix))


def settings(environment: Mapping[str, str], prefix: str = PREFIX) -> dict[str, str]:
    """Return the settings by the names of the engine's arguments, with underscores."""
    return {name.removeprefix(prefix).lower(): value for name, value in environment.items() if name.startswith(prefix)}


def _arguments(environment: Mapping[str, str], prefix: str) -> Iterator[str]:
    if prefix == PREFIX and not environment.get(f"{PREFIX}MODEL") and environment.get("HF_MODEL_ID"):
        yield from ("--model", environment["HF_MODEL_ID"])
    for name, value in environment.items():
        if not name.startswith(prefix) or value.lower() == "false":
            continue
        yield "--" + name.removeprefix(prefix).lower().replace("_", "-")
        if value and value.lower() != "true":
            yield value


def main() -> None:
    """Replace this process by the engine's server."""
    server = "vllm.entrypoints.launchers.api_server.entry"  # `vllm serve` needs a distribution that is named vllm
    command = [sys.executable, "-m", server, *sys.argv[1:], *arguments(os.environ)]
    os.execv(command[0], command)  # noqa: S606 (the engine itself)


if __name__ == "__main__":
    main()
