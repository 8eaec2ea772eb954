"""What is known of the speed of accelerators and engines: `data/accelerators.json` and `data/engines.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from replicas.catalogue.instances import Instance
from replicas.engines import Engine
from replicas.forecast import data


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """Speed of one accelerator: what its data sheet has, and what part of it large products were measured to reach."""

    tflops: float
    """Dense half precision."""
    gb_per_second: float
    """Memory bandwidth, 1e9 bytes."""
    compute_efficiency: float
    """Part of `tflops` that a product of thousands of rows reaches."""
    read_efficiency: float
    """Part of `gb_per_second` at which a product of few rows reads its weights."""
    links: Mapping[str, float]
    """GB/s that one of so many accelerators of a copy sends to the others, one direction."""
    source: str

    def link_gb_per_second(self, degree: int) -> float:
        """To the other accelerators of a copy, one direction."""
        return next((speed for most, speed in self.links.items() if degree <= int(most)), list(self.links.values())[-1])


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
    """Of the run's rates and median latencies, part of what was measured."""
    shared_tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Speed and admission rule of one line of an engine's versions."""

    profile: str
    admission: str
    """`waiting` (TGI 1 and 2) or `continuous`."""
    max_waiting_tokens: int = 0
    """TGI: after so many decode steps without a new request, any number of waiting ones may join."""
    waiting_served_ratio: float = 0.0
    """TGI: before that only so many times the running ones may."""
    reserves_answers: bool = True
    """KV cache is set aside for the whole answer when a request starts; else taken token by token."""
    prefix_caching: bool = False
    """The beginning that prompts have in common is computed once and found in the cache afterwards."""
    max_concurrent_requests: int | None
    """Running and waiting, of one copy; more are refused. None where none are."""
    compute_efficiency: float
    """Of the accelerator's own: what whole steps reach beside their largest products."""
    weights_efficiency: float
    """Of the accelerator's own."""
    attention_efficiency: float
    """Of the memory bandwidth, when decoding reads its KV cache."""
    overlap: float
    """How far computing and reading overlap (`StepTimes.overlap`)."""
    few_bits_compute: float
    """Of the compute, with weights of four bits that are unpacked first."""
    step_seconds: float
    """Host time of a step."""
    sequence_seconds: float
    """Host time of a step for each sequence in it."""
    launch_seconds_per_layer: float
    """A step takes at least this long for each layer, however little there is to compute."""
    split_launch_seconds_per_layer: float
    """The same over several accelerators: launches of exchanges, and processes that wait for each other."""
    few_bits_launch_seconds_per_layer: float
    """The same with weights of four bits, on one accelerator or several: kernels of their own."""
    all_reduce_seconds: float
    """Latency of one exchange between accelerators; there are two a layer."""
    link_efficiency: float
    fitted: FittedRun | None
    """None where nothing was fitted."""
    source: str

    def to_document(self) -> dict[str, Any]:
        """JSON document, as `read_profile` reads it: the fields of the profile."""
        return {"schema": "replicas.profile/1", **asdict(self)}


def accelerator_of(instance: Instance) -> Accelerator:
    """The speed of one accelerator of an instance.

    Raises:
        LookupError: no speed is known of it.

    """
    wanted = (instance.accelerator, instance.accelerator_memory_mib)
    names = [field.name for field in fields(Accelerator)]
    for card in data.load("accelerators")["accelerators"]:
        if (card["name"], card["memory_mib"]) == wanted:
            return Accelerator(**{name: card[name] for name in names})
    raise LookupError(f"no speed is known of {instance.accelerator} with {instance.accelerator_memory_mib} MiB")


def profile_of(engine: Engine) -> Profile:
    """The profile of an engine's version."""
    (*_, last) = (entry for entry in data.load("engines")[engine.name] if engine.since(entry["since"]))
    return read_profile({key: value for key, value in last.items() if key != "since"})


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
