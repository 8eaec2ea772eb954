"""SGLang in the containers of AWS and of Hugging Face."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from replicas.engines.arguments import ArgumentVariables
from replicas.engines.containers import ContainerVariables
from replicas.engines.kind import EngineKind
from replicas.engines.sglang.dialect import SgLangDialect
from replicas.engines.sglang.versions import SgLangVersion


class SgLang(EngineKind):
    """SGLang. The variable `SM_SGLANG_<FLAG>` sets the server's option `--flag`."""

    name = "sglang"
    title = "SGLang"
    folder = Path(__file__).parent
    image_name = re.compile("sglang")
    published_images = re.compile(r"(?:huggingface-)?sglang")
    version_in_tag = re.compile(r"^(\d+(?:\.\d+)+)-")
    image_files = MappingProxyType({"aws": "images", "huggingface": "images_huggingface"})
    variables = ContainerVariables(
        model=("SM_SGLANG_MODEL_PATH", "SM_SGLANG_MODEL"),
        revision=("SM_SGLANG_REVISION",),
        hub_token=("HF_TOKEN",),
        quantization=("SM_SGLANG_QUANTIZATION",),
        tensor_parallel=("SM_SGLANG_TP_SIZE", "SM_SGLANG_TENSOR_PARALLEL_SIZE", "SM_SGLANG_TP"),
        parallel_factors=(
            *("SM_SGLANG_PP_SIZE", "SM_SGLANG_PIPELINE_PARALLEL_SIZE"),
            *("SM_SGLANG_DP_SIZE", "SM_SGLANG_DATA_PARALLEL_SIZE"),
        ),
        tensor_parallel_default=1,
        max_total_tokens=("SM_SGLANG_CONTEXT_LENGTH",),
        prefill_tokens=("SM_SGLANG_CHUNKED_PREFILL_SIZE",),
        sequences=("SM_SGLANG_MAX_RUNNING_REQUESTS",),
        memory_share=("SM_SGLANG_MEM_FRACTION_STATIC",),
        concurrent_requests=("SM_SGLANG_MAX_QUEUED_REQUESTS",),
        without_prefix_caching=("SM_SGLANG_DISABLE_RADIX_CACHE",),
        weight_precision=("SM_SGLANG_DTYPE",),
        cache_precision=("SM_SGLANG_KV_CACHE_DTYPE",),
        longer_context=("SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN",),
        serves_adapters=("SM_SGLANG_ENABLE_LORA",),
    )
    arguments = ArgumentVariables(prefix="SM_SGLANG_")
    versions = SgLangVersion
    dialects = (SgLangDialect(),)

    def quantization(self, environment: Mapping[str, str]) -> str | None:
        """Return the quantization method without the suffix `_marlin`, which names a kernel."""
        method = super().quantization(environment)
        return method and method.removesuffix("_marlin")


ENGINE = SgLang()
