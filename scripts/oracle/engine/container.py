"""Converts environment variables to engine arguments like the entrypoints of AWS's and Hugging Face's vLLM images.

`SM_VLLM_<FLAG>=value` becomes `--flag value`. The value `true` gives a flag without value, and `false` gives no flag.
Without SM_VLLM_MODEL, the model is HF_MODEL_ID (aws/deep-learning-containers, `sagemaker_entrypoint.sh` of both
images).

    .oracle/bin/python -m scripts.oracle.engine.container --port 8080 [argument ...]

starts the server like those images, with the variables of the current environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

PREFIX = "SM_VLLM_"


def arguments(environment: Mapping[str, str]) -> list[str]:
    """Return the arguments of `vllm serve`."""
    return list(_arguments(environment))


def _arguments(environment: Mapping[str, str]) -> Iterator[str]:
    if not environment.get(f"{PREFIX}MODEL") and environment.get("HF_MODEL_ID"):
        yield from ("--model", environment["HF_MODEL_ID"])
    for name, value in environment.items():
        if not name.startswith(PREFIX) or value.lower() == "false":
            continue
        yield "--" + name.removeprefix(PREFIX).lower().replace("_", "-")
        if value and value.lower() != "true":
            yield value


def main() -> None:
    """Replace this process by the engine's server."""
    server = "vllm.entrypoints.launchers.api_server.entry"  # `vllm serve` needs a distribution that is named vllm
    command = [sys.executable, "-m", server, *sys.argv[1:], *arguments(os.environ)]
    os.execv(command[0], command)  # noqa: S606 (the engine itself)


if __name__ == "__main__":
    main()
