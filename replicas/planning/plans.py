"""Data model of a plan: all resolved numbers of an endpoint and its components, with their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.prices import PRICE_REGION, Price
from replicas.catalogue.quantization import Quantization
from replicas.catalogue.tasks import Task
from replicas.deployment.deployment import DEFAULT_VARIANT
from replicas.deployment.options import (
    Adapter,
    DataCapture,
    InstanceScaling,
    Monitoring,
    Placement,
    Routing,
    Schedule,
    Security,
    Traffic,
)
from replicas.endpoint.packing import Counts
from replicas.engines import Engine
from replicas.planning.layouts import Layout
from replicas.sizing.concurrency import requests_at_once
from replicas.sizing.memory import CopyMemory
from replicas.start import Start
from replicas.units import GIB


@dataclass(frozen=True, kw_only=True)
class ScalingPlan:
    """Resolved autoscaling of a component."""

    floor: int
    """Minimum copies; 0 if the component can scale to zero."""
    ceiling: int
    on_concurrent_requests: bool
    """True if `target` is concurrent requests per copy; False if it is requests a minute per copy."""
    target: float
    scale_out_cooldown_seconds: int
    scale_in_cooldown_seconds: int
    wakes: bool
    """True if a request that arrives when no copy runs starts a copy."""
    schedules: tuple[Schedule, ...]

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of the scaling, which is part of the plan's document."""
        return {
            "min_copies": self.floor,
            "max_copies": self.ceiling,
            "metric": "concurrent_requests_per_copy" if self.on_concurrent_requests else "invocations_per_copy",
            "target": self.target,
            "scale_out_cooldown_seconds": self.scale_out_cooldown_seconds,
            "scale_in_cooldown_seconds": self.scale_in_cooldown_seconds,
            "wakes": self.wakes,
            "schedules": [asdict(schedule) for schedule in self.schedules],
        }


@dataclass(frozen=True, kw_only=True)
class RolloutPlan:
    """Resolved rolling update of a component. Its batches are proven to fit."""

    batch_copies: int
    wait_seconds: int
    timeout_seconds: int
    roll_back: bool

    def to_document(self, accelerators: int) -> dict[str, Any]:
        """Return the JSON document of the rolling update, for copies with this number of accelerators."""
        return {
            "batch_copies": self.batch_copies,
            "accelerators_needed": self.batch_copies * accelerators,
            "wait_seconds": self.wait_seconds,
            "timeout_seconds": self.timeout_seconds,
            "roll_back": self.roll_back,
        }


@dataclass(frozen=True, kw_only=True)
class ComponentPlan:
    """One resolved inference component. Accelerators, CPUs, memory and tokens are per copy."""

    name: str
    model: Model
    engine: Engine
    task: Task
    """Task: generated text, embeddings or scores."""
    quantization: Quantization | None
    copies: int
    accelerators: int
    """Accelerators of a copy. The tensor-parallel degree is the same: an engine uses all accelerators of its copy."""
    cpus: float
    memory_mib: int
    memory: CopyMemory
    max_input_tokens: int
    max_total_tokens: int
    prefill_tokens: int
    """Prompt tokens of one prefill step."""
    sequences: int | None
    """Maximum number of requests in the batch of a copy; None if only tokens limit the batch."""
    start: Start
    """Expected time until a new copy serves requests."""
    startup_timeout_seconds: int
    download_timeout_seconds: int | None
    """Timeout for weights in S3; None if they come from the Hub."""
    environment: Mapping[str, str]
    """Environment variables of the container, without the Hub token."""
    token_secret: str | None
    weights: str | None
    """S3 location of the weights; None if they come from the Hub."""
    weights_account: str | None
    """Account that owns the bucket of the weights; None for the account of the deployment."""
    revision: str | None
    accepts_chat: bool
    scaling: ScalingPlan | None
    rollout: RolloutPlan | None
    placement: Placement | None
    data_cache: bool | None
    adapters: tuple[Adapter, ...]
    traffic: Traffic | None
    reasons: Mapping[str, str]
    """The reason for each number, by field name."""
    layouts: tuple[Layout, ...] = ()
    """Layouts that were compared to choose the degree; empty if the degree was requested or only one fits."""

    @property
    def fewest_copies(self) -> int:
        """Minimum copies of the scaling; `copies` if the component does not scale."""
        return self.scaling.floor if self.scaling else self.copies

    @property
    def most_copies(self) -> int:
        """Maximum copies of the scaling; `copies` if the component does not scale."""
        return self.scaling.ceiling if self.scaling else self.copies

    @property
    def weights_gib_per_accelerator(self) -> float:
        """Weights on each accelerator of a copy, GiB."""
        return self.memory.weights / GIB

    @property
    def kv_cache_tokens(self) -> int:
        """Tokens that the KV cache of a copy holds."""
        return self.memory.kv_cache_tokens

    @property
    def longest_context_tokens(self) -> int:
        """Largest `max_total_tokens` that a copy could be configured with."""
        return self.memory.longest_request(self.model.architecture.context_tokens or self.kv_cache_tokens)

    @property
    def concurrent_full_length_requests(self) -> int:
        """Requests of `max_total_tokens` that a copy can run at the same time."""
        return self.requests_at_once(self.max_total_tokens)

    def requests_at_once(self, tokens: int) -> int:
        """Return the number of requests of `tokens` tokens that a copy can run at the same time.

        The KV cache limits the number; for a model without a cache, the number of tokens of one step limits it.
        """
        return requests_at_once(
            self.memory,
            request_tokens=tokens,
            prefill_tokens=self.prefill_tokens,
            sequences=self.sequences,
        )

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.planning.document.ComponentDocument`)."""
        from replicas.planning.document import component_document

        return component_document(self)


@dataclass(frozen=True, kw_only=True)
class EndpointPlan:
    """One resolved endpoint that is proven to fit. The constructs use these numbers and compute no sizes."""

    name: str
    instance: Instance
    instances: int
    components: tuple[ComponentPlan, ...]
    placement: tuple[Counts, ...]
    """Copies of each component on each instance, in the order of `components`: the proof that they fit."""
    inference_ami_version: str | None
    region: str | None
    account: str | None
    endpoint_name: str | None
    variant_name: str = DEFAULT_VARIANT
    network_isolation: bool
    instance_scaling: InstanceScaling | None
    min_instances: int
    """Minimum instances of managed instance scaling; `instances` if they do not scale."""
    max_instances: int
    """Maximum instances, on which the maximum copies and a batch of a rolling update are proven to fit."""
    fallbacks: tuple[EndpointPlan, ...]
    """Plans of the same copies on each fallback instance type, with resources and settings for that type."""
    capacity_reservation: str | None
    routing: Routing
    security: Security
    monitoring: Monitoring
    data_capture: DataCapture | None
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    """Requirements of the endpoint outside its template."""

    @property
    def accelerators_used(self) -> int:
        """Accelerators that all copies occupy."""
        return sum(component.copies * component.accelerators for component in self.components)

    @property
    def price(self) -> Price | None:
        """On-demand price of one instance an hour, with its source; None if no source states it."""
        return self.instance.price(self.region)

    @property
    def usd_per_hour(self) -> float | None:
        """On-demand price an hour of the instances that the endpoint starts with, possibly an estimate; None if no
        source states it.
        """
        return self.price.usd * self.instances if self.price else None

    @property
    def price_region(self) -> str:
        """AWS region whose price is used for `usd_per_hour`."""
        return self.region or PRICE_REGION

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.planning.document.PlanDocument`)."""
        from replicas.planning.document import plan_document

        return plan_document(self)
