"""vLLM in the containers of Hugging Face and of AWS, the default engine for new deployments.

If both publish a version, Hugging Face's image is used unless `image_source` selects AWS's image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from replicas.catalogue.tasks import Task
from replicas.engines.arguments import ArgumentVariables
from replicas.engines.containers import ContainerVariables, HostCache
from replicas.engines.kind import EngineKind
from replicas.engines.openai import OpenAi
from replicas.engines.vllm.versions import VllmVersion

_TASK_OF_CONVERT: Mapping[str, Task] = {"embed": "embed", "classify": "score"}


class Vllm(EngineKind):
    """vLLM. The variable `SM_VLLM_<FLAG>` sets the server's option `--flag`."""

    name = "vllm"
    title = "vLLM"
    folder = Path(__file__).parent
    image_name = re.compile("vllm")
    published_images = re.compile(r"(?:huggingface-)?vllm")
    version_in_tag = re.compile(r"^(\d+(?:\.\d+){2,})(?:-|$)")
    image_files = MappingProxyType({"huggingface": "images", "aws": "images_aws"})
    variables = ContainerVariables(
        model=("SM_VLLM_MODEL", "HF_MODEL_ID"),
        model_without_local_weights=("HF_MODEL_ID",),
        revision=("SM_VLLM_REVISION",),
        hub_token=("HF_TOKEN",),
        quantization=("SM_VLLM_QUANTIZATION",),
        task=("SM_VLLM_RUNNER", "SM_VLLM_CONVERT", "SM_VLLM_TASK"),
        tensor_parallel=("SM_VLLM_TENSOR_PARALLEL_SIZE",),
        parallel_factors=("SM_VLLM_PIPELINE_PARALLEL_SIZE", "SM_VLLM_DATA_PARALLEL_SIZE"),
        tensor_parallel_default=1,
        max_total_tokens=("SM_VLLM_MAX_MODEL_LEN",),
        prefill_tokens=("SM_VLLM_MAX_NUM_BATCHED_TOKENS",),
        sequences=("SM_VLLM_MAX_NUM_SEQS",),
        memory_share=("SM_VLLM_GPU_MEMORY_UTILIZATION",),
        prefix_caching=("SM_VLLM_ENABLE_PREFIX_CACHING",),
        weight_precision=("SM_VLLM_DTYPE",),
        cache_precision=("SM_VLLM_KV_CACHE_DTYPE",),
        without_graphs=("SM_VLLM_ENFORCE_EAGER",),
        block_tokens=("SM_VLLM_BLOCK_SIZE",),
        longer_context=("VLLM_ALLOW_LONG_MAX_MODEL_LEN",),
        serves_adapters=("SM_VLLM_ENABLE_LORA",),
        adapter_slots=("SM_VLLM_MAX_LORAS",),
        adapter_rank=("SM_VLLM_MAX_LORA_RANK",),
        loads_adapters=("VLLM_ALLOW_RUNTIME_LORA_UPDATING",),
    )
    host_cache = HostCache(
        repository="huggingface-vllm",
        switch="HF_ENABLE_LMCACHE",
        share_variable="HF_LMCACHE_CPU_FRACTION",
        default_share=Fraction(1, 2),
    )
    arguments = ArgumentVariables(prefix="SM_VLLM_")
    versions = VllmVersion
    dialects = (OpenAi(),)

    def quantization(self, environment: Mapping[str, str]) -> str | None:
        """Return the quantization method that a container's variables set; None if no variable sets it."""
        return self.method(super().quantization(environment))

    @staticmethod
    def method(name: str | None) -> str | None:
        """Convert vLLM's name of a quantization method to the name in this project; None stays None.

        vLLM's `bitsandbytes` is the 4-bit NF4 format. The suffix `_marlin` names a kernel and is removed.
        """
        return "bitsandbytes-nf4" if name == "bitsandbytes" else name and name.removesuffix("_marlin")

    def task(self, environment: Mapping[str, str], own: Task) -> Task:
        """Return the task that --runner and --convert select.

        Without them vLLM uses the model's own task. A language model with the pooling runner embeds (`_get_runner_type`
        and `_get_default_convert_type` in vllm/config/model.py, 0.32.0).
        """
        runner, convert = environment.get("SM_VLLM_RUNNER", "auto"), environment.get("SM_VLLM_CONVERT", "auto")
        if runner == "generate":
            return "generate"
        if convert in _TASK_OF_CONVERT:
            return _TASK_OF_CONVERT[convert]
        return "embed" if runner == "pooling" and own == "generate" else own


ENGINE = Vllm()
