"""A serving engine that exists in these tests alone: everything that is particular to it lies in this folder."""

from __future__ import annotations

import re
from pathlib import Path

from replicas.engines.containers import ContainerVariables, VariableConflict
from replicas.engines.kind import EngineKind
from tests.engines.toy.dialect import ToyDialect
from tests.engines.toy.versions import ToyVersion


class Toy(EngineKind):
    """The toy."""

    name = "toy"
    title = "Toy"
    folder = Path(__file__).parent
    image_name = re.compile("toy")
    published_images = re.compile("toy-serving")
    version_in_tag = re.compile(r"^toy(\d+(?:\.\d+)+)-")
    variables = ContainerVariables(
        model=("TOY_MODEL",),
        revision=("TOY_COMMIT",),
        hub_token=("TOY_TOKEN",),
        tensor_parallel=("TOY_SHARDS",),
        tensor_parallel_default=1,
        max_total_tokens=("TOY_LENGTH",),
        prefill_tokens=("TOY_PREFILL",),
        sequences=("TOY_SEATS",),
        memory_share=("TOY_SHARE",),
    )
    conflicts = (
        VariableConflict(
            names=frozenset({"TOY_LENGTH", "TOY_OLD_LENGTH"}),
            why="both set one limit",
            keep="TOY_LENGTH",
        ),
    )
    versions = ToyVersion
    dialects = (ToyDialect(),)


ENGINE = Toy()
