"""Copies that do not fit their instances, as data: what is short, and the nearest changes, each of them tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from replicas.catalogue.instances import Instance
from replicas.endpoint.identity import Subject
from replicas.endpoint.packing import Budget, Counts, Packing, Resources, fewest_instances, most_copies, place, total_of
from replicas.endpoint.variants import Variant
from replicas.rules.demands import Demand
from replicas.sizing import claims

CountSetting = Literal["copies", "floor", "ceiling"]
"""Which setting gives the copies of a component: its own, or the floor or the ceiling of its scaling."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change that mends a finding."""

    setting: Literal["copies", "floor", "ceiling", "instances", "claims"]
    subject: Subject | None = None
    """Whose copies; None for instances and claims."""
    count: int = 0
    """Of copies or instances."""
    claims: tuple[tuple[Subject, Resources], ...] = ()
    """What a copy of each component would claim."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A resource that is asked for, and what there is of it."""

    resource: Literal["accelerators", "cpus", "memory"]
    wanted: Fraction
    available: Fraction

    @property
    def is_short(self) -> bool:
        """True where more is asked for than there is."""
        return self.wanted > self.available


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """Copies, the instances that they are to fit, and what one of those yields."""

    variant: Variant
    all_demands: tuple[Demand, ...]
    instance: Instance
    known_instances: int | None
    """None where the number is not known."""
    settings: Mapping[str, CountSetting] = field(default_factory=dict)
    """Where the copies of a component come from, by its name. Default: `copies`."""
    extra: tuple[tuple[Subject, int], ...] = ()
    """Copies that run beside those of the demands for a time: the batches of rolls."""

    @property
    def demands(self) -> list[Demand]:
        """Those that surely need something of the host."""
        return [demand for demand in self.all_demands if demand.least_need != Resources(0, Fraction(0), 0)]

    @property
    def needs(self) -> list[Resources]:
        """What a copy of each needs."""
        return [demand.least_need for demand in self.demands]

    @property
    def copies(self) -> Counts:
        """Copies of each."""
        return tuple(demand.least_copies for demand in self.demands)

    @property
    def total(self) -> int:
        """All copies."""
        return sum(self.copies)

    @property
    def instances(self) -> int:
        """Where the number is not known, one for each copy: what does not fit then never fits."""
        return self.total + sum(self._extra) if self.known_instances is None else self.known_instances

    @property
    def _extra(self) -> Counts:
        extra = dict(self.extra)
        return tuple(extra.get(demand.component.subject, 0) for demand in self.demands)

    def on(self, instances: int | None) -> Shortage:
        """The same copies on another number of instances."""
        return replace(self, known_instances=instances)

    def packing(self, room: Resources) -> Packing:
        """The placement, where each instance yields `room`."""
        needs, copies, steps = tuple(self.needs), self.copies, Budget().steps
        if any(self._extra):
            needs, copies = (*needs, *needs), (*copies, *self._extra)
        return _packing(needs, copies, room, self.instances, steps)

    def compared(self, room: Resources) -> list[Compared]:
        """The sum of what all copies claim against all instances, resource by resource."""
        return list(_compared(total_of(self.needs, self.copies), total_of([room], (self.instances,))))

    def too_large(self, room: Resources) -> list[tuple[Demand, Compared]]:
        """Copies that not even an empty instance holds, with what is too large of each."""
        return [
            (demand, compared)
            for demand in self.demands
            if demand.least_copies
            for compared in _compared(demand.least_need, room)
            if compared.is_short
        ]

    def changes(self) -> list[Change]:
        """The nearest changes, each tried against the careful bound: fewer copies, more instances, smaller claims."""
        room = claims.host(self.instance)
        doubled, extra = [*self.needs, *self.needs], self._extra
        found = []
        for index, demand in enumerate(self.demands):
            most = most_copies(doubled, (*self.copies, *extra), index, room, self.instances)
            if isinstance(most, int) and most:
                subject = demand.component.subject
                found.append(Change(setting=self.settings.get(subject.name, "copies"), subject=subject, count=most))
        more = fewest_instances(doubled, (*self.copies, *extra), room)
        if self.known_instances is not None and isinstance(more, int):
            found.append(Change(setting="instances", count=more))
        smaller = [claims.even_claim(need, self.instance) for need in self.needs]
        if smaller != self.needs and place([*smaller, *smaller], (*self.copies, *extra), room, self.instances).fits:
            pairs = zip(self.demands, smaller, strict=True)
            found.append(
                Change(setting="claims", claims=tuple((demand.component.subject, need) for demand, need in pairs))
            )
        return found


@lru_cache(maxsize=1024)
def _packing(needs: tuple[Resources, ...], copies: Counts, room: Resources, instances: int, steps: int) -> Packing:
    """Several rules ask the same question: its search is done once."""
    return place(needs, copies, room, instances, budget=Budget(steps))


def _compared(wanted: Resources, available: Resources) -> Iterator[Compared]:
    yield Compared(
        resource="accelerators", wanted=Fraction(wanted.accelerators), available=Fraction(available.accelerators)
    )
    yield Compared(resource="cpus", wanted=wanted.cpus, available=available.cpus)
    yield Compared(resource="memory", wanted=Fraction(wanted.memory_mib), available=Fraction(available.memory_mib))
