"""The JSON documents of a plan and of a refused deployment: the contract of `replicas plan --json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, NotRequired

from typing_extensions import TypedDict

from replicas.catalogue.prices import Price
from replicas.catalogue.tasks import Task
from replicas.deployment.options import Schedule, Traffic
from replicas.planning.costs import Addition, BoundName, additions, cost_bounds
from replicas.planning.data_age import data_warnings
from replicas.start.document import SpanDocument
from replicas.units import GIB

if TYPE_CHECKING:
    from replicas.planning.plans import ComponentPlan, EndpointPlan

Json = dict[str, Any]


class BoundDocument(TypedDict):
    """Copies, instances and price of an endpoint at its minimum (floor), start or maximum (ceiling)."""

    copies: dict[str, int]
    """Copies of each component."""
    instances: int
    usd_per_hour: float | None
    usd_per_month: float | None


class ScalingDocument(TypedDict):
    """Autoscaling of a component."""

    min_copies: int
    max_copies: int
    metric: Literal["concurrent_requests_per_copy", "invocations_per_copy"]
    target: float
    scale_out_cooldown_seconds: int
    scale_in_cooldown_seconds: int
    wakes: bool
    schedules: list[Schedule]


class RolloutDocument(TypedDict):
    """Rolling update of a component."""

    batch_copies: int
    accelerators_needed: int
    """Free accelerators that a batch needs."""
    wait_seconds: int
    timeout_seconds: int
    roll_back: bool


class LayoutDocument(TypedDict):
    """A compared layout: tensor-parallel degree and number of copies, at the declared or assumed traffic."""

    accelerators: int
    copies: int
    requests_at_once: int
    """Requests of the traffic's lengths that a copy can run at the same time."""
    full_requests_at_once: int
    holds_floor: bool
    requests_per_second: float | None
    usd_per_million_output_tokens: float | None
    chosen: bool


class ComponentDocument(TypedDict):
    """One component. Accelerators, CPUs, memory and tokens are per copy."""

    name: str
    model: str
    engine: str
    image: str | None
    """Repository and tag of the container image; null for a version without one."""
    task: Task
    quantization: str | None
    copies: int
    accelerators: int
    cpus: float
    memory_mib: int
    parameters: int
    """Parameters that the engine loads; 0 if only sizes are declared."""
    weights_gib_per_accelerator: float
    kv_bytes_per_token: int
    """Bytes that one more token of a long request adds to the KV cache, over all accelerators. Sliding windows and
    recurrent states add nothing. Values replicated on several accelerators count once.
    """
    kv_element_bytes: float
    """Bytes of one element of the KV cache: 1 for FP8, which an environment variable or the checkpoint selects."""
    state_bytes_per_sequence: int
    """Windows and recurrent states of one request, over all accelerators."""
    kv_cache_tokens: int
    longest_context_tokens: int
    concurrent_full_length_requests: int
    requests_at_once: int
    """Requests of `max_total_tokens` that fit in the KV cache of a copy at the same time."""
    max_input_tokens: int
    max_total_tokens: int
    prefill_tokens: int
    gpu_memory_share: float
    activations_gib: float
    context_gib: float
    collectives_gib: float
    graphs_gib: float
    adapters_gib: float
    cache_gib: float
    """Memory of the KV cache on each accelerator; 0 for a model without one."""
    outside_gib: float
    """Memory of each accelerator that the engine takes outside its share."""
    card_gib: float
    """Memory of an accelerator that a process can see."""
    startup_timeout_seconds: int
    download_timeout_seconds: int | None
    """Timeout for weights in S3; null if they come from the Hub."""
    start_seconds: SpanDocument
    """Expected start-up time of a copy on a running instance that has the image (docs/cold-start.md)."""
    scaling: ScalingDocument | None
    rollout: RolloutDocument | None
    traffic: Traffic | None
    environment: dict[str, str]
    declared: list[str]
    """Sizes that were declared by hand: `weights_gib`, `kv_bytes_per_token`."""
    reasons: dict[str, str]
    """The reason for each number, by key."""
    layouts: NotRequired[list[LayoutDocument]]
    """Layouts that were compared to choose the degree; empty if the degree was requested or only one fits. Documents of
    older versions do not have this key."""


class FittingPlanDocument(TypedDict):
    """A deployment that fits."""

    schema: Literal["replicas.plan/1"]
    name: str
    fits: Literal[True]
    instance_type: str
    instances: int
    accelerators_used: int
    accelerators_available: int
    placement: list[list[int]]
    """Copies of each component on each instance, in the order of `components`."""
    usd_per_hour: float | None
    price_region: str
    price: Price | None
    bounds: dict[BoundName, BoundDocument]
    adds: list[Addition]
    inference_ami_version: str | None
    components: list[ComponentDocument]
    problems: list[str]
    warnings: list[str]


class RefusedPlanDocument(TypedDict):
    """A deployment that cannot be planned."""

    schema: Literal["replicas.plan/1"]
    name: str
    fits: Literal[False]
    instance_type: str
    components: list[ComponentDocument]
    """Components that were resolved before the refusal."""
    problems: list[str]


PlanDocument = FittingPlanDocument | RefusedPlanDocument


class PlansDocument(TypedDict):
    """All deployments of deployments.py."""

    schema: Literal["replicas.plans/1"]
    fits: bool
    """Whether every deployment fits."""
    deployments: list[PlanDocument]


def plan_document(plan: EndpointPlan) -> Json:
    """Return the document of a deployment that fits. `warnings` depend on the date, because they name old data
    files.
    """
    return {
        "schema": "replicas.plan/1",
        "name": plan.name,
        "fits": True,
        "instance_type": plan.instance.name,
        "instances": plan.instances,
        "accelerators_used": plan.accelerators_used,
        "accelerators_available": plan.instances * plan.instance.accelerators,
        "placement": [list(counts) for counts in plan.placement],
        "usd_per_hour": plan.usd_per_hour,
        "price_region": plan.price_region,
        "price": asdict(plan.price) if plan.price else None,
        "bounds": {name: bound.to_document() for name, bound in cost_bounds(plan).items()},
        "adds": [asdict(addition) for addition in additions(plan)],
        "inference_ami_version": plan.inference_ami_version,
        "components": [component_document(component) for component in plan.components],
        "problems": [],
        "warnings": plan_warnings(plan),
    }


def plans_document(deployments: Sequence[Mapping[str, Any]]) -> Json:
    """Return one document with the documents of several deployments."""
    return {
        "schema": "replicas.plans/1",
        "fits": all(document["fits"] for document in deployments),
        "deployments": list(deployments),
    }


def component_document(component: ComponentPlan) -> Json:
    """Return the document of one component of a plan."""
    return {
        "name": component.name,
        "model": component.model.id,
        "engine": str(component.engine),
        "image": component.engine.image.name if component.engine.image else None,
        "task": component.task,
        "quantization": component.quantization.method if component.quantization else None,
        "copies": component.copies,
        "accelerators": component.accelerators,
        "cpus": component.cpus,
        "memory_mib": component.memory_mib,
        "parameters": component.model.architecture.parameters,
        "weights_gib_per_accelerator": round(component.weights_gib_per_accelerator, 3),
        "kv_bytes_per_token": round(component.model.kv_bytes_per_token(1, component.memory.element_bytes)),
        "kv_element_bytes": component.memory.element_bytes,
        "state_bytes_per_sequence": round(
            component.model.architecture.state_bytes_per_sequence(1, component.memory.element_bytes)
        ),
        "kv_cache_tokens": component.kv_cache_tokens,
        "longest_context_tokens": component.longest_context_tokens,
        "concurrent_full_length_requests": component.concurrent_full_length_requests,
        "requests_at_once": component.concurrent_full_length_requests,
        "max_input_tokens": component.max_input_tokens,
        "max_total_tokens": component.max_total_tokens,
        "prefill_tokens": component.prefill_tokens,
        "gpu_memory_share": component.memory.share,
        "activations_gib": round(component.memory.activations / GIB, 3),
        "context_gib": round(component.memory.context / GIB, 3),
        "collectives_gib": round(component.memory.collectives / GIB, 3),
        "graphs_gib": round(component.memory.graphs / GIB, 3),
        "adapters_gib": round(component.memory.adapters / GIB, 3),
        "cache_gib": 0.0 if component.memory.pool.is_empty else round(component.memory.cache / GIB, 3),
        "outside_gib": round(component.memory.outside / GIB, 3),
        "card_gib": round(component.memory.card / GIB, 3),
        "startup_timeout_seconds": component.startup_timeout_seconds,
        "download_timeout_seconds": component.download_timeout_seconds,
        "start_seconds": component.start.copy.to_document(),
        "scaling": component.scaling.to_document() if component.scaling else None,
        "rollout": component.rollout.to_document(component.accelerators) if component.rollout else None,
        "traffic": asdict(component.traffic) if component.traffic else None,
        "environment": dict(component.environment),
        "declared": list(component.model.declared.fields),
        "reasons": dict(component.reasons),
        "layouts": [layout.to_document() for layout in component.layouts],
    }


def plan_warnings(plan: EndpointPlan) -> list[str]:
    """Return the warnings of the plan, and warnings about data files that are too old today."""
    return [*plan.warnings, *data_warnings(plan.region, date.today())]
