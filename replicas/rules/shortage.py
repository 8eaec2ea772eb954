"""Computes missing resources of copies that do not fit their instances, and the smallest changes that fix this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Literal

from replicas.catalogue.instances import Instance
from replicas.endpoint.identity import Subject
from replicas.endpoint.packing import Budget, Counts, Packing, Resources, fewest_instances, most_copies, place, total_of
from replicas.endpoint.variants import Variant
from replicas.rules.demands import Demand
from replicas.sizing import claims

CountSetting = Literal["copies", "floor", "ceiling"]
"""Setting that determines the copies of a component: `copies`, or the floor or ceiling of its scaling."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change that fixes a finding."""

    setting: Literal["copies", "floor", "ceiling", "instances", "claims"]
    subject: Subject | None = None
    """Component whose copies change; None for changes of instances and reservations."""
    count: int = 0
    """New number of copies or instances."""
    claims: tuple[tuple[Subject, Resources], ...] = ()
    """New resources per copy, for each component."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The requested and the available amount of a resource."""

    resource: Literal["accelerators", "cpus", "memory"]
    requested: Fraction
    available: Fraction

    @property
    def is_short(self) -> bool:
        """True if the requested amount exceeds the available amount."""
        return self.requested > self.available


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """Copies, and the instances on which they must fit."""

    variant: Variant
    all_demands: tuple[Demand, ...]
    instance: Instance
    known_instances: int | None
    """Number of instances; None if it is unknown."""
    settings: Mapping[str, CountSetting] = field(default_factory=dict)
    """Setting that determines the copies of a component, by component name. Default: `copies`."""
    extra: tuple[tuple[Subject, int], ...] = ()
    """Components with rolling updates, each with its number of additional copies during the update."""
    finds_changes: bool = True
    """False if no changes are searched for, because the variant has more than `MOST_CHANGED` shortages."""

    @cached_property
    def demands(self) -> list[Demand]:
        """Demands of the components that certainly need resources of the host."""
        return [demand for demand in self.all_demands if demand.least_need != Resources(0, Fraction(0), 0)]

    @cached_property
    def needs(self) -> list[Resources]:
        """Minimum resources of one copy, in the order of `demands`."""
        return [demand.least_need for demand in self.demands]

    @cached_property
    def copies(self) -> Counts:
        """Number of copies, in the order of `demands`."""
        return tuple(demand.least_copies for demand in self.demands)

    @property
    def total(self) -> int:
        """Total number of copies."""
        return sum(self.copies)

    @property
    def instances(self) -> int:
        """Number of instances. If it is unknown, one per copy, because more instances never help."""
        return self.total + sum(self._extra) if self.known_instances is None else self.known_instances

    @property
    def _extra(self) -> Counts:
        extra = dict(self.extra)
        return tuple(extra.get(demand.component.subject, 0) for demand in self.demands)

    def on(self, instances: int | None) -> Shortage:
        """Return the same copies on another number of instances."""
        return replace(self, known_instances=instances)

    def packing(self, room: Resources) -> Packing:
        """Place the copies on instances that each provide the resources `room`."""
        needs, copies, steps = tuple(self.needs), self.copies, Budget().steps
        if any(self._extra):
            needs, copies = (*needs, *needs), (*copies, *self._extra)
        return _packing(needs, copies, room, self.instances, steps)

    def compared(self, room: Resources) -> list[Compared]:
        """Compare, for each resource, the sum over all copies with the sum over all instances."""
        return list(_compared(total_of(self.needs, self.copies), total_of([room], (self.instances,))))

    def too_large(self, room: Resources) -> list[tuple[Demand, Compared]]:
        """Return pairs of a demand whose copy does not fit an empty instance, and a resource that is too small."""
        return [
            (demand, compared)
            for demand in self.demands
            if demand.least_copies
            for compared in _compared(demand.least_need, room)
            if compared.is_short
        ]

    @cached_property
    def changes(self) -> list[Change]:
        """The smallest changes with which the copies fit: fewer copies, more instances, fewer resources per copy.

        The changes are cached, because several messages use them and each change needs a search for a placement.
        """
        if not self.finds_changes:
            return []
        room = claims.host(self.instance)
        doubled, extra = [*self.needs, *self.needs], self._extra
        changes = []
        for index, demand in enumerate(self.demands[:MOST_CHANGED]):
            most = most_copies(doubled, (*self.copies, *extra), index, room, self.instances)
            if isinstance(most, int) and most:
                subject = demand.component.subject
                changes.append(Change(setting=self.settings.get(subject.name, "copies"), subject=subject, count=most))
        more = fewest_instances(doubled, (*self.copies, *extra), room)
        if self.known_instances is not None and isinstance(more, int):
            changes.append(Change(setting="instances", count=more))
        smaller = [claims.even_claim(need, self.instance) for need in self.needs]
        if smaller != self.needs and place([*smaller, *smaller], (*self.copies, *extra), room, self.instances).fits:
            pairs = zip(self.demands, smaller, strict=True)
            changes.append(
                Change(setting="claims", claims=tuple((demand.component.subject, need) for demand, need in pairs))
            )
        return changes


MOST_CHANGED = 5
"""Maximum number of components for which changes are searched, because each change needs a search for a placement."""


@lru_cache(maxsize=1024)
def _packing(needs: tuple[Resources, ...], copies: Counts, room: Resources, instances: int, steps: int) -> Packing:
    """Place copies and cache the result, because several rules search for the same placement."""
    return place(needs, copies, room, instances, budget=Budget(steps))


def _compared(requested: Resources, available: Resources) -> Iterator[Compared]:
    yield Compared(
        resource="accelerators", requested=Fraction(requested.accelerators), available=Fraction(available.accelerators)
    )
    yield Compared(resource="cpus", requested=requested.cpus, available=available.cpus)
    yield Compared(
        resource="memory", requested=Fraction(requested.memory_mib), available=Fraction(available.memory_mib)
    )
