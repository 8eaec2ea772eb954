"""Speed of an engine's versions: the constants of its steps and its admission rule (`profiles.json` of its folder)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class FittedRun:
    """The one run that a constant of a profile was fitted to."""

    constant: str
    """Its name, and what it was fitted so that it equals."""
    described: str
    """The run in one line, with its source."""
    engine: str
    """With its version."""
    routing: str
    """SageMaker's strategy."""
    accelerator: str
    accelerator_memory_mib: int
    tensor_parallel: int
    quantization: str | None
    parameters: int
    kv_bytes_per_token: float
    """At two bytes an element, of the whole model."""
    input_tokens: int
    output_tokens: int
    least_users_per_copy: float
    most_users_per_copy: float
    worst_residual: float
    """Largest relative difference between the run's rates and median latencies and those of the fit."""
    shared_tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Speed and admission rule of one line of an engine's versions."""

    profile: str
    """Name of the line."""
    admission: str
    """`waiting`: groups of prompts join between decoding steps. `continuous`: chunks of prompts join every step."""
    max_waiting_tokens: int = 0
    """`waiting`: after this many decode steps without a new request, any number of waiting requests may join."""
    waiting_served_ratio: float = 0.0
    """`waiting`: before that, waiting requests join once there are this many times as many as running ones."""
    reserves_answers: bool = True
    """KV cache is set aside for the whole answer when a request starts; otherwise it is taken token by token."""
    prefix_caching: bool = False
    """The beginning that prompts have in common is computed once and found in the cache afterwards."""
    max_concurrent_requests: int | None
    """Running and waiting requests of one copy; further ones are refused. None: no bound."""
    compute_efficiency: float
    """Share of the accelerator's own efficiency that whole steps reach beside their largest products."""
    weights_efficiency: float
    """Share of the accelerator's own efficiency."""
    attention_efficiency: float
    """Share of the memory bandwidth when decoding reads its KV cache."""
    overlap: float
    """How far computing and reading overlap (`StepTimes.overlap`)."""
    few_bits_compute: float
    """Share of the compute with weights of four bits, which are unpacked first."""
    step_seconds: float
    """Host time of a step."""
    sequence_seconds: float
    """Host time of a step for each sequence in it."""
    launch_seconds_per_layer: float
    """A step takes at least this long for each layer, however little there is to compute."""
    split_launch_seconds_per_layer: float
    """The same over several accelerators: launches of exchanges, and processes that wait for each other."""
    few_bits_launch_seconds_per_layer: float
    """The same with weights of four bits, on one accelerator or several: they have kernels of their own."""
    all_reduce_seconds: float
    """Latency of one exchange between accelerators; there are two a layer."""
    link_efficiency: float
    fitted: FittedRun | None
    """None where nothing was fitted."""
    source: str

    def to_document(self) -> dict[str, Any]:
        """JSON document, as `read_profile` reads it: the fields of the profile."""
        return {"schema": "replicas.profile/1", **asdict(self)}


def read_profile(document: Mapping[str, Any]) -> Profile:
    """The profile of a JSON document. Files that were written before documents had a `schema` are read too.

    Raises:
        TypeError: a field is missing or unknown, or the document has another schema.

    """
    values = dict(document)
    schema = values.pop("schema", "replicas.profile/1")
    if schema != "replicas.profile/1":
        raise TypeError(f"schema is {schema!r}, not replicas.profile/1")
    fitted = values.get("fitted")
    return Profile(**{**values, "fitted": FittedRun(**fitted) if fitted else None})
