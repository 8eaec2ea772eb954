"""LMI, AWS's Large Model Inference containers (djl-inference): recognised, checked by the rules and invoked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from replicas.engines.containers import ContainerVariables
from replicas.engines.dialect import Dialect
from replicas.engines.kind import EngineKind
from replicas.engines.openai import OpenAi


class Lmi(EngineKind):
    """LMI."""

    name = "lmi"
    title = "LMI"
    folder = Path(__file__).parent
    image_name = re.compile(r"djl-inference|(?<![a-z])lmi(?![a-z])")
    version_in_tag = re.compile(r"lmi(\d+(?:\.\d+)+)")
    variables = ContainerVariables(
        model=("HF_MODEL_ID", "OPTION_MODEL_ID"),
        revision=("OPTION_REVISION", "HF_REVISION"),
        hub_token=("HF_TOKEN",),
        tensor_parallel=("OPTION_TENSOR_PARALLEL_DEGREE",),  # "max" is all accelerators of the copy
        serves_adapters=("OPTION_ENABLE_LORA",),
    )
    dialects = (OpenAi(),)

    def dialect(self, environment: Mapping[str, str], tag: str | None = None) -> Dialect | None:
        """Return the OpenAI dialect; other containers of djl-inference (DeepSpeed, TensorRT-LLM) are not known to
        support it.
        """
        del environment
        return self.dialects[0] if "lmi" in (tag or "") else None


ENGINE = Lmi()
