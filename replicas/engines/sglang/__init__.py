"""SGLang: its containers are recognised and invoked, but cannot be planned."""

from __future__ import annotations

import re
from pathlib import Path

from replicas.engines.containers import ContainerVariables
from replicas.engines.kind import EngineKind
from replicas.engines.openai import OpenAi


class SgLang(EngineKind):
    """SGLang."""

    name = "sglang"
    title = "SGLang"
    folder = Path(__file__).parent
    image_name = re.compile("sglang")
    version_in_tag = re.compile(r"^(\d+(?:\.\d+)+)-")
    variables = ContainerVariables(
        model=("SM_SGLANG_MODEL_PATH",), hub_token=("HF_TOKEN",), serves_adapters=("SM_SGLANG_ENABLE_LORA",)
    )
    dialects = (OpenAi(),)


ENGINE = SgLang()
