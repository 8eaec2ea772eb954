"""The sentence where copies do not fit: what is short, and the nearest changes, each of them tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from replicas.catalogue.instances import Instance
from replicas.endpoint.packing import Counts, Packing, Resources, fewest_instances, most_copies, place, total_of
from replicas.rules.demands import Demand, is_scaled
from replicas.rules.report import Finding
from replicas.sizing import claims
from replicas.template.endpoints import Variant


@dataclass(frozen=True)
class Question:
    """Whether what is wanted fits so many instances, and the words to answer it."""

    variant: Variant
    all_demands: tuple[Demand, ...]
    instance: Instance
    told_instances: int | None
    count_names: Mapping[str, str] = field(default_factory=dict)
    """The property that sets the copies of a component, by its logical id. Default: CopyCount."""

    @property
    def demands(self) -> list[Demand]:
        """Those that need something of the host for sure."""
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
    def instances(self) -> int:
        """Where the number is not known, one for each copy: what does not fit then never fits."""
        return sum(self.copies) if self.told_instances is None else self.told_instances

    @property
    def where(self) -> str:
        """The instances, as a sentence names them."""
        if self.told_instances is None:
            return f"one {self.instance.name}"
        return self.instance.name if self.instances == 1 else f"{self.instances} x {self.instance.name}"

    def packing(self, room: Resources) -> Packing:
        """The placement, where each instance yields `room`."""
        return place(self.needs, self.copies, room, self.instances)

    def finding(self, rule: str, room: Resources, why: str, *, certain: bool) -> Finding:
        """Why there is no placement where each instance yields `room`, and what to change."""
        what = "; ".join(self._too_large(room) or self._shortages(room) or [self._fragmented()])
        fix = ", or ".join(self._fixes()) or "smaller claims per copy, or a larger instance type"
        return Finding(rule, self.variant.endpoint.logical_id, what, why, fix, certain)

    def _too_large(self, room: Resources) -> list[str]:
        """Copies that not even an empty instance holds."""
        return [
            f"a copy of {demand.component.logical_id} claims {_amount(wanted, unit)}, "
            f"one {self.instance.name} can give {_amount(have, unit)}"
            for demand in self.demands
            if demand.least_copies
            for wanted, have, unit in _compared(demand.least_need, room)
            if wanted > have
        ]

    def _shortages(self, room: Resources) -> list[str]:
        """Resources of which even the sum is too large."""
        wanted_in_all, there_is = total_of(self.needs, self.copies), total_of([room], (self.instances,))
        return [
            f"{_copies(sum(self.copies))} {_amount(wanted, unit)}, {self.where} can give {_amount(have, unit)}"
            for wanted, have, unit in _compared(wanted_in_all, there_is)
            if wanted > have
        ]

    def _fragmented(self) -> str:
        sizes = ", ".join(
            f"{count} x {need.accelerators} accelerators, {float(need.cpus):g} CPUs and {need.memory_mib} MiB "
            f"({demand.component.logical_id})"
            for demand, need, count in zip(self.demands, self.needs, self.copies, strict=True)
        )
        return f"{sum(self.copies)} copies fit {self.where} by their sum but in no placement: {sizes}"

    def _fixes(self) -> Iterator[str]:
        """The nearest changes, each tried against the careful bound: fewer copies, more instances, smaller claims."""
        room = claims.host(self.instance)
        for index, demand in enumerate(self.demands):
            most = most_copies(self.needs, self.copies, index, room, self.instances)
            if isinstance(most, int) and most:
                logical_id = demand.component.logical_id
                yield f"{self.count_names.get(logical_id, 'CopyCount')}={most} of {logical_id}"
        more = fewest_instances(self.needs, self.copies, room)
        if self.told_instances is not None and isinstance(more, int):
            yield f"{'MaxInstanceCount' if is_scaled(self.variant) else 'InitialInstanceCount'}={more}"
        smaller = [claims.even_claim(need, self.instance) for need in self.needs]
        if smaller != self.needs and place(smaller, self.copies, room, self.instances).fits:
            yield "claims per copy of " + " and ".join(
                (f"NumberOfCpuCoresRequired={float(need.cpus):g} and " if need.cpus else "")
                + f"MinMemoryRequiredInMb={need.memory_mib} ({demand.component.logical_id})"
                for demand, need in zip(self.demands, smaller, strict=True)
            )


def _compared(wanted: Resources, have: Resources) -> Iterator[tuple[Fraction, Fraction, str]]:
    yield Fraction(wanted.accelerators), Fraction(have.accelerators), "accelerators"
    yield wanted.cpus, have.cpus, "CPUs"
    yield Fraction(wanted.memory_mib), Fraction(have.memory_mib), "MiB"


def _amount(number: Fraction, unit: str) -> str:
    return f"{int(number) if number.denominator == 1 else float(number)} {unit}"


def _copies(count: int) -> str:
    return "1 copy claims" if count == 1 else f"{count} copies claim"
