"""LMI, AWS's Large Model Inference containers (djl-inference): a model server of AWS with vLLM inside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from replicas.engines.arguments import ArgumentFault, ArgumentVariables
from replicas.engines.containers import ContainerVariables
from replicas.engines.dialect import Dialect
from replicas.engines.kind import EngineKind
from replicas.engines.lmi.dialect import LmiDialect
from replicas.engines.lmi.variables import with_arguments
from replicas.engines.lmi.versions import LmiVersion
from replicas.engines.vllm import ENGINE as VLLM

_BATCHES_OF_VLLM = ("vllm", "lmi-dist")
"""Values of OPTION_ROLLING_BATCH that select vLLM; `lmi-dist` does since 0.33.0 (LmiConfigRecommender)."""
_ROLLING_BATCH_SIZE = "256"
"""Default number of requests in vLLM's rolling batch (LmiConfigRecommender, setRollingBatchSize)."""


class Lmi(EngineKind):
    """LMI. Versions from 15.0.0 on can be planned, because they run only vLLM's V1 core.

    A variable `OPTION_<NAME>` is a setting of the server, or an argument that the server passes on to vLLM. The entry
    point sets some of them from TGI's variables (serving/docker/dockerd-entrypoint.sh in djl-serving).
    """

    name = "lmi"
    title = "LMI"
    folder = Path(__file__).parent
    image_name = re.compile(r"djl-inference|(?<![a-z])lmi(?![a-z])")
    published_images = re.compile("djl-inference")
    version_in_tag = re.compile(r"lmi(\d+(?:\.\d+)+)")
    settings_file = "serving.properties"
    variables = ContainerVariables(
        model=("HF_MODEL_ID", "OPTION_MODEL_ID"),
        revision=("OPTION_REVISION", "HF_REVISION"),
        hub_token=("HF_TOKEN",),
        quantization=("OPTION_QUANTIZE", "OPTION_QUANTIZATION", "HF_MODEL_QUANTIZE"),
        tensor_parallel=("OPTION_TENSOR_PARALLEL_DEGREE", "TENSOR_PARALLEL_DEGREE", "SM_NUM_GPUS"),
        tensor_parallel_all="max",
        parallel_factors=("OPTION_PIPELINE_PARALLEL_DEGREE", "PIPELINE_PARALLEL_DEGREE"),
        fills_accelerators=True,
        max_total_tokens=("OPTION_MAX_MODEL_LEN",),
        prefill_tokens=(
            *("OPTION_MAX_ROLLING_BATCH_PREFILL_TOKENS", "OPTION_MAX_NUM_BATCHED_TOKENS"),
            "MAX_BATCH_PREFILL_TOKENS",
        ),
        sequences=("OPTION_MAX_ROLLING_BATCH_SIZE", "MAX_BATCH_SIZE"),
        memory_share=("OPTION_GPU_MEMORY_UTILIZATION", "CUDA_MEMORY_FRACTION"),
        concurrent_requests=("SERVING_JOB_QUEUE_SIZE", "MAX_CONCURRENT_REQUESTS"),
        prefix_caching=("OPTION_ENABLE_PREFIX_CACHING",),
        weight_precision=("OPTION_DTYPE",),
        cache_precision=("OPTION_KV_CACHE_DTYPE",),
        without_graphs=("OPTION_ENFORCE_EAGER",),
        block_tokens=("OPTION_BLOCK_SIZE",),
        longer_context=("VLLM_ALLOW_LONG_MAX_MODEL_LEN",),
        serves_adapters=("OPTION_ENABLE_LORA",),
        adapter_slots=("OPTION_MAX_LORAS",),
        adapter_rank=("OPTION_MAX_LORA_RANK",),
    )
    arguments = ArgumentVariables(
        prefix="OPTION_", drops_unknown=True, needs_value=False, parsed=frozenset({"switch", "object"})
    )
    versions = LmiVersion
    dialects = (LmiDialect(),)

    def dialect(self, environment: Mapping[str, str], tag: str | None = None) -> Dialect | None:
        """Return the dialect of LMI; None for other containers of djl-inference (DeepSpeed, TensorRT-LLM), whose
        requests are not known.
        """
        del environment
        return self.dialects[0] if "lmi" in (tag or "") else None

    def quantization(self, environment: Mapping[str, str]) -> str | None:
        """Return the quantization method that the variables set; LMI uses vLLM's names."""
        return VLLM.method(super().quantization(environment))

    def completed(self, environment: Mapping[str, str]) -> Mapping[str, str]:
        """Return the variables. If vLLM's rolling batch is selected, its default batch size is added.

        The size is added because the default of the async handler is different.
        """
        batch = environment.get("OPTION_ROLLING_BATCH")
        if batch not in _BATCHES_OF_VLLM or any(name in environment for name in self.variables.sequences):
            return environment
        return {**environment, self.variables.sequences[0]: _ROLLING_BATCH_SIZE}

    def unsized(self, environment: Mapping[str, str]) -> Mapping[str, str]:
        """Return `OPTION_ROLLING_BATCH=disable` unless vLLM's async handler is requested.

        Without that handler, another library loads the model.
        """
        is_async = environment.get("OPTION_ASYNC_MODE", "").lower() == "true"
        names_handler = environment.get("OPTION_ENTRYPOINT", "").endswith("vllm_async_service")
        if environment.get("OPTION_ROLLING_BATCH") != "disable" or is_async or names_handler:
            return {}
        return {
            "OPTION_ROLLING_BATCH": "without OPTION_ASYNC_MODE=true, another library loads the model instead of vLLM, "
            "and its memory is not known"
        }

    def argument_faults(self, version: str | None, environment: Mapping[str, str]) -> Iterator[ArgumentFault]:
        """Yield the variables that the parser of the vLLM inside refuses, except those that LMI reads itself."""
        inside = self.facts()["vllm"].get(version)
        passed_on = {name: value for name, value in environment.items() if name not in own_variables(self)}
        yield from super().argument_faults(inside, passed_on)

    def facts(self, name: str = "facts") -> Mapping[str, Any]:
        """Return the content of a data file: LMI's own entries, and vLLM's entries for everything else."""
        return _facts(name)


@cache
def own_variables(kind: Lmi) -> frozenset[str]:
    """Return the variables that LMI reads itself; it translates the names of data types too (`DTYPE_MAPPER`)."""
    table = EngineKind.facts(kind, "variables")
    unsized = (entry["name"] for entry in table["not_followed"])
    return frozenset([*table["followed"], *table["no_effect"], *unsized, *kind.variables.weight_precision])


@cache
def _facts(name: str) -> Mapping[str, Any]:
    if name in ("arguments", "profiles", "starts"):
        return VLLM.facts(name)
    own = EngineKind.facts(ENGINE, name)
    if name == "variables":
        return with_arguments(VLLM.facts(name), own)
    return {**VLLM.facts(name), **own} if name == "facts" else own


ENGINE = Lmi()
