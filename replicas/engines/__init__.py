"""Serving engines: one folder per engine holds everything that is specific to it (docs/engines.md).

`find_engine("tgi-1.1.0")` returns one version, for plans and forecasts. `engine_of_image(repository)` returns the
engine of a container image, from any publisher; its `variables` name the environment variables that the container
reads, by purpose. A rule uses it like this:

    kind = engine_of_image(container.repository)       # None: not recognised, check against all of engine_kinds()
    kind.variables.tensor_parallel                     # ("SM_NUM_GPUS",)
    kind.conflicts_of(container.tag)                   # variables that its launcher does not accept together
"""

from replicas.engines.default import DEFAULT_ENGINE, EXAMPLE
from replicas.engines.dialect import Dialect, Generation, Piece, Pooled
from replicas.engines.engine import Engine, Settings
from replicas.engines.environment import (
    ContainerSettings,
    MemorySettings,
    NotFollowed,
    adapter_slots_by_default,
    effect_of,
    is_argument,
    read_settings,
)
from replicas.engines.kind import EngineKind
from replicas.engines.registry import (
    adapter_engines,
    dialect_of_image,
    dialects,
    engine_kinds,
    engine_names,
    engine_of_image,
    engines_of_task,
    find_engine,
    find_image,
    hub_token_variables,
    image_versions,
    model_of,
    model_variables,
    registered,
    repository_and_tag,
)

__all__ = [
    "DEFAULT_ENGINE",
    "EXAMPLE",
    "ContainerSettings",
    "Dialect",
    "Engine",
    "EngineKind",
    "Generation",
    "MemorySettings",
    "NotFollowed",
    "Piece",
    "Pooled",
    "Settings",
    "adapter_engines",
    "adapter_slots_by_default",
    "dialect_of_image",
    "dialects",
    "effect_of",
    "engine_kinds",
    "engine_names",
    "engine_of_image",
    "engines_of_task",
    "find_engine",
    "find_image",
    "hub_token_variables",
    "image_versions",
    "is_argument",
    "model_of",
    "model_variables",
    "read_settings",
    "registered",
    "repository_and_tag",
]
