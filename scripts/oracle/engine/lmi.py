"""Converts the options of an LMI container to arguments of vLLM, as LMI's Python engine does.

`OPTION_<NAME>` sets the option `name`. LMI translates the names of its own options to the names of vLLM's arguments. It
passes other options on if vLLM has an argument of the same name, and drops them otherwise (djl-serving,
engines/python/setup/djl_python/properties_manager/vllm_rb_properties.py and properties.py, read on 28 November 2026).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

PREFIX = "OPTION_"
_RENAMED = {
    "model_id": "model",
    "tensor_parallel_degree": "tensor_parallel_size",
    "pipeline_parallel_degree": "pipeline_parallel_size",
    "max_rolling_batch_size": "max_num_seqs",
    "max_rolling_batch_prefill_tokens": "max_num_batched_tokens",
    "quantize": "quantization",
    "cpu_offload_gb_per_gpu": "cpu_offload_gb",
}
_OF_THE_SERVER = frozenset({"rolling_batch", "async_mode", "entrypoint"})
_DEFAULTS = {"max_num_seqs": "32", "max_loras": "4"}
"""Arguments that LMI always passes to vLLM."""


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings by the names of vLLM's arguments."""
    return dict(_settings(environment))


def arguments(environment: Mapping[str, str], known: Collection[str]) -> list[str]:
    """Return the arguments for vLLM's engine. `known` contains the names of all arguments that vLLM has."""
    given = {name: value for name, value in settings(environment).items() if name in known}
    return list(_arguments({**_DEFAULTS, **given}))


def dropped(environment: Mapping[str, str], known: Collection[str]) -> list[str]:
    """Return the settings that LMI drops, because vLLM has no argument of the same name."""
    return sorted(name for name in settings(environment) if name not in known)


def _settings(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if "HF_MODEL_ID" in environment:
        yield "model", environment["HF_MODEL_ID"]
    for variable, value in environment.items():
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and name not in _OF_THE_SERVER:
            yield _RENAMED.get(name, name), value


def _arguments(given: Mapping[str, str]) -> Iterator[str]:
    for name, value in given.items():
        if value.lower() == "true":
            yield f"--{name}"
        elif value.lower() != "false":
            yield f"--{name}={value}"
