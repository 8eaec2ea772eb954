"""Inference components: copies, resource requirements, rolling updates and scaling targets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

from replicas.endpoint.containers import Container, Model
from replicas.endpoint.identity import Number, Subject, Text
from replicas.endpoint.values import Unknown


@dataclass(frozen=True, kw_only=True)
class Claims:
    """Resources that one copy reserves on an instance. A field is None if the copy reserves nothing of the resource."""

    accelerators: Number = None
    cpus: Number = None
    """CPU cores."""
    memory_mib: Number = None
    most_memory_mib: Number = None
    """Maximum memory of the container; None if it is not limited."""


@dataclass(frozen=True, kw_only=True)
class Specification:
    """Container and resource requirements of a copy, for all instance types or for one instance type."""

    instance_type: Text = None
    """The instance type; None for any type."""
    claims: Claims | Unknown | None = None
    container: Container = field(default_factory=Container)
    """The container of the model, overridden by `own_container`."""
    own_container: Container | None = None
    """Container settings of the component itself; None if it has none."""
    model: Model | None = None
    """The model that the component refers to; None if it is unknown."""
    startup_seconds: Number = None
    download_seconds: Number = None


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """Settings of an adapter component, which runs on the copies of a base component."""

    base: Subject | None
    """The base component; None if it is unknown or not part of the template."""
    base_text: str
    """The name of the base component, as the template writes it."""
    base_is_foreign: bool = False
    """True if the name certainly belongs to a resource that is not an inference component."""
    artifact: Text = None
    claims_resources: bool = False


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Batch size of a rolling update: a number of copies, or a share of all copies."""

    copies: Fraction | None = None
    share: Fraction | None = None

    def of(self, copies: int) -> int:
        """Return the number of copies in a batch if there are `copies` in total; at least 1."""
        size = self.copies if self.copies is not None else (self.share or Fraction(0)) * copies
        return max(1, math.ceil(size))


@dataclass(frozen=True, kw_only=True)
class Roll:
    """Rolling update policy of a component."""

    batch: Batch | Unknown | None
    rolls_back: bool = False
    """True if alarms roll the component back to the previous version."""


@dataclass(frozen=True, kw_only=True)
class ScheduledRange:
    """A scheduled action that changes the minimum and maximum of a scaling target. A limit of None is not changed."""

    name: str
    name_text: Text = None
    """Name of the scheduled action, as the template writes it; None for an action of a plan, whose names are always
    valid."""
    floor: Number = None
    ceiling: Number = None
    is_missing: bool = False
    """True if the action has no `ScalableTargetAction`, so that it changes nothing."""
    schedule: Text = None
    """Schedule expression, as the template writes it; None for an action of a plan, whose schedules are always
    valid."""
    timezone: Text = None
    start: Text = None
    end: Text = None


@dataclass(frozen=True, kw_only=True)
class ScalingTarget:
    """A scalable target: the minimum and maximum number of copies for autoscaling of a component."""

    subject: Subject
    component: Subject | None
    """The component that the target scales; None if it is unknown."""
    floor: Number
    ceiling: Number
    schedules: tuple[ScheduledRange, ...] = ()
    wakes: bool = False
    """True if a request that arrives when no copy runs starts a copy."""
    tracked_requests: Number = None
    """Number of requests in flight per copy that a target-tracking policy maintains; None if no policy tracks them, and
    None for a plan, which checks this number itself."""
    exists: Unknown | None = None
    """Reason why it is unknown whether the target is created; None if it is always created."""
    resource_id: Text = None
    dimension: Text = None
    namespace: Text = None


@dataclass(frozen=True, kw_only=True)
class InstanceTarget:
    """A scalable target for a variant: its instances, or the concurrency of a serverless variant."""

    subject: Subject
    endpoint: Subject | None
    """The endpoint; None if it is not in the template."""
    endpoint_name: str
    """Name of the endpoint, as the template writes it."""
    variant_name: str
    floor: Number = None
    ceiling: Number = None
    dimension: Text = None


@dataclass(frozen=True, kw_only=True)
class Component:
    """An inference component."""

    subject: Subject
    endpoint: Subject | None
    """The endpoint of the component; None if it is unknown."""
    specifications: tuple[Specification, ...]
    """One specification, or one for each instance type if the variant has instance pools."""
    copies: Number = None
    name: Text = None
    """The name, if the template sets it; None if CloudFormation generates the name."""
    endpoint_text: Text = None
    """The name of the endpoint, as the template writes it."""
    variant_name: Text = None
    exists: Unknown | None = None
    """Reason why it is unknown whether the component is created; None if it is always created."""
    adapter: Adapter | None = None
    """Adapter settings; None for a component that hosts a model."""
    roll: Roll | None = None
    watched_metrics: frozenset[str] = frozenset()
    """Names of the component's metrics that have an alarm."""
    silent_metrics: frozenset[str] = frozenset()
    """Names of metrics whose alarm has no effect: it has no action, and neither a rolling update nor a composite alarm
    uses it."""
    is_tagged: bool = False
    has_both_forms: bool = False
    """True if the component has both `Specification` and `Specifications`."""

    @property
    def only_specification(self) -> Specification | None:
        """The specification, if there is exactly one; None otherwise."""
        return self.specifications[0] if len(self.specifications) == 1 else None

    @property
    def has_known_types(self) -> bool:
        """True if the instance type of every specification is known."""
        return all(not isinstance(entry.instance_type, Unknown) for entry in self.specifications)

    def specification_for(self, instance_type: str) -> Specification | None:
        """Return the specification of copies on an instance type; None if the component has none for this type."""
        only = self.only_specification
        if only is not None and only.instance_type is None:
            return only
        return next((entry for entry in self.specifications if entry.instance_type == instance_type), None)
