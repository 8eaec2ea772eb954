"""What a plan is: every number of an endpoint and its components, resolved, with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.prices import PRICE_REGION, Price
from replicas.catalogue.quantization import Quantization
from replicas.deployment.options import (
    Adapter,
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
from replicas.sizing.memory import CopyMemory
from replicas.units import GIB


@dataclass(frozen=True, kw_only=True)
class ScalingPlan:
    """How the copies of a component follow its load, resolved."""

    floor: int
    """Fewest copies; 0 where the component goes to zero."""
    ceiling: int
    on_concurrent_requests: bool
    """What the target is of: requests in flight per copy, or requests a minute per copy."""
    target: float
    scale_out_cooldown_seconds: int
    scale_in_cooldown_seconds: int
    wakes: bool
    """A request that finds no copy brings one."""
    schedules: tuple[Schedule, ...]

    def to_document(self) -> dict[str, Any]:
        """JSON document, a part of the plan's."""
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
    """How an update replaces the copies of a component, resolved and proven to have room."""

    batch_copies: int
    wait_seconds: int
    timeout_seconds: int
    roll_back: bool

    def to_document(self, accelerators: int) -> dict[str, Any]:
        """JSON document, a part of the plan's, for copies of so many accelerators."""
        return {
            "batch_copies": self.batch_copies,
            "accelerators_needed": self.batch_copies * accelerators,
            "wait_seconds": self.wait_seconds,
            "timeout_seconds": self.timeout_seconds,
            "roll_back": self.roll_back,
        }


@dataclass(frozen=True, kw_only=True)
class ComponentPlan:
    """One inference component, resolved. Accelerators, CPUs, memory and tokens are those of one copy."""

    name: str
    model: Model
    engine: Engine
    quantization: Quantization | None
    copies: int
    accelerators: int
    """Also the tensor-parallel degree: an engine uses every accelerator that its copy was given."""
    cpus: float
    memory_mib: int
    memory: CopyMemory
    max_input_tokens: int
    max_total_tokens: int
    prefill_tokens: int
    """Prompt tokens of one prefill step."""
    startup_timeout_seconds: int
    environment: Mapping[str, str]
    """Variables of the container; a token is not among them."""
    token_secret: str | None
    weights: str | None
    """Where the weights lie in S3; None for the Hub."""
    revision: str | None
    accepts_chat: bool
    scaling: ScalingPlan | None
    rollout: RolloutPlan | None
    placement: Placement | None
    data_cache: bool | None
    adapters: tuple[Adapter, ...]
    traffic: Traffic | None
    reasons: Mapping[str, str]
    """Why each number is what it is, by field name."""

    @property
    def fewest_copies(self) -> int:
        """Copies at the floor of its scaling; its copies where it does not scale."""
        return self.scaling.floor if self.scaling else self.copies

    @property
    def most_copies(self) -> int:
        """Copies at the ceiling of its scaling; its copies where it does not scale."""
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
        """Longest request that a copy could be configured for."""
        context = self.model.architecture.context_tokens
        return min(self.kv_cache_tokens, context) if context else self.kv_cache_tokens

    @property
    def concurrent_full_length_requests(self) -> int:
        """Requests of `max_total_tokens` that the KV cache of a copy holds at once."""
        return self.kv_cache_tokens // self.max_total_tokens

    def to_document(self) -> dict[str, Any]:
        """JSON document (`replicas.planning.document.ComponentDocument`)."""
        from replicas.planning.document import component_document

        return component_document(self)


@dataclass(frozen=True, kw_only=True)
class EndpointPlan:
    """One endpoint, resolved and proven to fit. Constructs take it and compute nothing about sizes."""

    name: str
    instance: Instance
    instances: int
    components: tuple[ComponentPlan, ...]
    placement: tuple[Counts, ...]
    """Copies of each component on each instance, in the order of `components`: the proof."""
    inference_ami_version: str | None
    region: str | None
    account: str | None
    endpoint_name: str | None
    network_isolation: bool
    instance_scaling: InstanceScaling | None
    min_instances: int
    """Instances that stay when the load goes; `instances` where they do not scale."""
    max_instances: int
    """Instances that the copies at their ceilings, and a roll beside them, are proven to fit."""
    fallbacks: tuple[EndpointPlan, ...]
    """The same copies on each of the instance types to fall back to: claims and settings are those of that type."""
    capacity_reservation: str | None
    routing: Routing
    security: Security
    monitoring: Monitoring
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    """What it needs around it, which no template shows."""

    @property
    def accelerators_used(self) -> int:
        """Accelerators that all copies occupy."""
        return sum(component.copies * component.accelerators for component in self.components)

    @property
    def price(self) -> Price | None:
        """On-demand price of one instance for an hour, with its source; None where none gives it."""
        return self.instance.price(self.region)

    @property
    def usd_per_hour(self) -> float | None:
        """On-demand price of the instances it starts with, perhaps an estimate; None where no source gives it."""
        return self.price.usd * self.instances if self.price else None

    @property
    def price_region(self) -> str:
        """Region whose price `usd_per_hour` is."""
        return self.region or PRICE_REGION

    def to_document(self) -> dict[str, Any]:
        """JSON document (`replicas.planning.document.PlanDocument`), with its costs at floor, start and ceiling."""
        from replicas.planning.document import plan_document

        return plan_document(self)
