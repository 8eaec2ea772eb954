"""Text Generation Inference (TGI), the engine of the article that README.md names.

TGI has been in maintenance mode since December 2025. Its last image has version 3.3.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType

from replicas.engines.arguments import ArgumentFault
from replicas.engines.containers import ContainerVariables, VariableConflict, VariableOrder
from replicas.engines.dialect import Dialect
from replicas.engines.kind import EngineKind
from replicas.engines.openai import OpenAi
from replicas.engines.tgi.dialect import TgiDialect
from replicas.engines.tgi.versions import TgiVersion

_MAJOR_WITH_TWO_NAMES = 2
"""First major version whose launcher has two names for the longest prompt."""

_SWITCHES_OF_SOME = {
    "HF_MODEL_TRUST_REMOTE_CODE": "hands it on as TRUST_REMOTE_CODE",
    "MESSAGES_API_ENABLED": "reads it as a switch",
}


def _is_one_interface(hostname: str) -> bool:
    """Return whether a text is an IP address other than that of all interfaces."""
    try:
        return not ip_address(hostname).is_unspecified
    except ValueError:
        return False


class Tgi(EngineKind):
    """TGI in the containers of Hugging Face."""

    name = "tgi"
    title = "TGI"
    folder = Path(__file__).parent
    image_name = re.compile("tgi")
    published_images = re.compile(r"huggingface-pytorch-tgi-inference")
    version_in_tag = re.compile(r"tgi-?(\d+(?:\.\d+)+)")
    image_files = MappingProxyType({"huggingface": "images"})
    variables = ContainerVariables(
        model=("HF_MODEL_ID",),
        revision=("HF_MODEL_REVISION", "REVISION"),
        # The current name, and the name in TGI 0.x and 1.x.
        hub_token=("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
        quantization=("HF_MODEL_QUANTIZE", "QUANTIZE"),
        tensor_parallel=("SM_NUM_GPUS", "NUM_SHARD"),
        max_input_tokens=("MAX_INPUT_LENGTH", "MAX_INPUT_TOKENS"),
        max_total_tokens=("MAX_TOTAL_TOKENS",),
        prefill_tokens=("MAX_BATCH_PREFILL_TOKENS",),
        memory_share=("CUDA_MEMORY_FRACTION",),
        concurrent_requests=("MAX_CONCURRENT_REQUESTS",),
        prefix_caching=("PREFIX_CACHING", "USE_PREFIX_CACHING"),  # the name in TGI 3, and an older name
        waiting_served_ratio=("WAITING_SERVED_RATIO",),
        max_waiting_tokens=("MAX_WAITING_TOKENS",),
        weight_precision=("DTYPE",),
        cache_precision=("KV_CACHE_DTYPE",),
    )
    conflicts = (
        VariableConflict(
            names=frozenset({"MAX_INPUT_LENGTH", "MAX_INPUT_TOKENS"}),
            why="both set the same limit, and TGI's launcher fails if both are set",
            keep="MAX_INPUT_TOKENS",
        ),
    )
    orders = (
        VariableOrder(
            lesser="MAX_TOTAL_TOKENS",
            greater="MAX_BATCH_TOTAL_TOKENS",
            words="`max_total_tokens` must be <= `max_batch_total_tokens`",
            source="TGI, router/src/main.rs",
        ),
        VariableOrder(
            lesser="MAX_BATCH_PREFILL_TOKENS",
            greater="MAX_BATCH_TOTAL_TOKENS",
            words="`max_batch_prefill_tokens` must be <= `max_batch_total_tokens`",
            source="TGI, router/src/main.rs",
        ),
    )
    versions = TgiVersion
    dialects = (TgiDialect(), OpenAi())

    def dialect(self, environment: Mapping[str, str], tag: str | None = None) -> Dialect:
        """Return TGI's own dialect, or the OpenAI dialect if MESSAGES_API_ENABLED is set."""
        del tag
        own, openai = self.dialects
        return openai if environment.get("MESSAGES_API_ENABLED") == "true" else own

    def argument_faults(self, version: str | None, environment: Mapping[str, str]) -> Iterator[ArgumentFault]:
        """Yield an empty REVISION, which the launcher passes on to the download of the weights, switches that only some
        versions read, and an IP address of one interface as HOSTNAME (the server ignores what is no IP address).

        The entry point of the SageMaker images ignores an empty HF_MODEL_REVISION.
        """
        del version
        for name, read in _SWITCHES_OF_SOME.items():
            if environment.get(name, "true") not in ("true", "false"):
                why = f"it is not true or false, in small letters, and it is not known whether this version {read}"
                yield ArgumentFault(name=name, why=why, is_refused=False, about="choice")
        if _is_one_interface(environment.get("HOSTNAME", "")):
            why = "SageMaker connects from outside the container, possibly not to the interface with this address"
            yield ArgumentFault(name="HOSTNAME", why=why, is_refused=False, about="choice")
        if environment.get("REVISION") == "":
            why = "it is empty, and it is not known whether the download of the weights takes that"
            yield ArgumentFault(name="REVISION", why=why, is_refused=False, about="choice")

    def later_names(self, tag: str | None) -> Mapping[str, str]:
        """Return the newer name of the prompt limit, with the older name that version 1.x reads; empty from 2.0 on."""
        return {} if self._has_two_names(tag) else {"MAX_INPUT_TOKENS": "MAX_INPUT_LENGTH"}

    def conflicts_of(self, tag: str | None) -> tuple[VariableConflict, ...]:
        """Return the variable conflicts.

        Version 1.x has none, because it reads only the older name of the prompt limit.
        """
        return self.conflicts if self._has_two_names(tag) else ()

    def _has_two_names(self, tag: str | None) -> bool:
        version = self.version_of(tag)
        return not version or int(version.partition(".")[0]) >= _MAJOR_WITH_TWO_NAMES


ENGINE = Tgi()
