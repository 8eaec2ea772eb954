"""Inference components: copies, claims, rolls, and who scales them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

from replicas.endpoint.containers import Container, Model
from replicas.endpoint.identity import Number, Subject, Text
from replicas.endpoint.values import Unknown


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What one copy reserves of an instance. None where it reserves nothing."""

    accelerators: Number = None
    cpus: Number = None
    """Cores."""
    memory_mib: Number = None


@dataclass(frozen=True, kw_only=True)
class Specification:
    """What a copy runs and claims, on any instance or on those of one type."""

    instance_type: Text = None
    """None: any."""
    claims: Claims | Unknown | None = None
    container: Container = field(default_factory=Container)
    """That of its model, with its own over it."""
    own_container: Container | None = None
    """What the component itself says of the container; None where it says nothing."""
    model: Model | None = None
    """The model that it names, where that is known."""
    startup_seconds: Number = None
    download_seconds: Number = None


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """What makes a component an adapter: it rides on the copies of a base component."""

    base: Subject | None
    """None where it is no component that is known here."""
    base_text: str
    """The base as it is named."""
    base_is_foreign: bool = False
    """True where the name is surely that of something else than a component."""
    artifact: Text = None
    claims_resources: bool = False


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Copies that a roll replaces at once: a number of them, or a share of all."""

    copies: Fraction | None = None
    share: Fraction | None = None

    def of(self, copies: int) -> int:
        """Copies in a batch, of this many; at least 1."""
        wanted = self.copies if self.copies is not None else (self.share or Fraction(0)) * copies
        return max(1, math.ceil(wanted))


@dataclass(frozen=True, kw_only=True)
class Roll:
    """How an update replaces the copies of a component."""

    batch: Batch | Unknown | None
    rolls_back: bool = False
    """True where alarms take the component back to the version before."""


@dataclass(frozen=True, kw_only=True)
class ScheduledRange:
    """A time from which other bounds of the copies hold. A bound that is None stays as it was."""

    name: str
    floor: Number = None
    ceiling: Number = None


@dataclass(frozen=True, kw_only=True)
class ScalingTarget:
    """The range that autoscaling keeps the copies of a component to."""

    subject: Subject
    component: Subject | None
    """None where it is not known which component it scales."""
    floor: Number
    ceiling: Number
    schedules: tuple[ScheduledRange, ...] = ()
    wakes: bool = False
    """True where a request that finds no copy brings one."""
    exists: Unknown | None = None
    """Why it is not known whether it is created; None where it surely is."""
    resource_id: Text = None
    dimension: Text = None
    namespace: Text = None


@dataclass(frozen=True, kw_only=True)
class Component:
    """An inference component."""

    subject: Subject
    endpoint: Subject | None
    """None where the endpoint is not known here."""
    specifications: tuple[Specification, ...]
    """More than one with instance pools."""
    copies: Number = None
    name: Text = None
    """A name that is fixed; None where one is made."""
    endpoint_text: Text = None
    """The endpoint as it is named."""
    variant_name: Text = None
    exists: Unknown | None = None
    """Why it is not known whether it is created; None where it surely is."""
    adapter: Adapter | None = None
    """None for a component that hosts a model."""
    roll: Roll | None = None
    watched_metrics: frozenset[str] = frozenset()
    """Metrics of the component that an alarm looks at."""
    is_tagged: bool = False

    @property
    def only_specification(self) -> Specification | None:
        """The one specification; None where there are several."""
        return self.specifications[0] if len(self.specifications) == 1 else None

    @property
    def has_known_types(self) -> bool:
        """True where it is known for which instance types it has a specification."""
        return all(not isinstance(entry.instance_type, Unknown) for entry in self.specifications)

    def specification_for(self, instance_type: str) -> Specification | None:
        """What a copy on an instance type runs and claims; None where nothing is specified for the type."""
        only = self.only_specification
        if only is not None and only.instance_type is None:
            return only
        return next((entry for entry in self.specifications if entry.instance_type == instance_type), None)
