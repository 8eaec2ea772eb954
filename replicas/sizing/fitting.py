"""How many copies: as many as wished or as fit, and the sentence where they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from replicas.catalogue.instances import Instance
from replicas.deployment.deployment import MAX_INSTANCES
from replicas.endpoint.packing import (
    Budget,
    Counts,
    NotJudged,
    Resources,
    fewest_instances,
    most_copies,
    place,
)
from replicas.sizing import claims


@dataclass(frozen=True)
class Demand:
    """What one component wants placed."""

    name: str
    need: Resources
    copies: int | None
    """None: as many as fit."""
    option: str = "copies"
    """What a user changes to have other copies."""


@dataclass(frozen=True)
class Fit:
    """Copies of each component, where each lies, and what is wrong (then nothing is placed)."""

    copies: Counts
    placement: tuple[Counts, ...]
    problems: tuple[str, ...]


def fit(demands: Sequence[Demand], instance: Instance, instances: int, *, more_instances: str = "{} instances") -> Fit:
    """Place what is wished; then add copies of those without a wish in turn, as long as one more fits.

    `more_instances` is what a user changes to have other instances, with their number for `{}`.
    """
    host = claims.host(instance)
    needs = [demand.need for demand in demands]
    copies = tuple(1 if demand.copies is None else demand.copies for demand in demands)
    packing = place(needs, copies, host, instances)
    if isinstance(packing, NotJudged):
        return Fit(copies, (), (_not_judged("whether all copies fit", packing, instance, more_instances),))
    if not packing.fits:
        return Fit(copies, (), tuple(_problems(demands, copies, instance, instances, more_instances)))
    growing = [index for index, demand in enumerate(demands) if demand.copies is None]
    budget = Budget()

    def fits(copies: Counts) -> bool:
        nonlocal packing
        answer = place(needs, copies, host, instances, budget=budget)
        if isinstance(answer, NotJudged):
            raise _NotJudgedError(answer)
        packing = answer if answer.fits else packing
        return answer.fits

    try:
        while growing:
            copies = _grown(copies, growing, _most(copies, growing, fits))
            for index in list(growing):
                one_more = _grown(copies, [index], 1)
                if fits(one_more):
                    copies = one_more
                else:
                    growing.remove(index)
    except _NotJudgedError as unjudged:
        return Fit(copies, (), (_not_judged("how many copies fit", unjudged.packing, instance, more_instances),))
    return Fit(copies, tuple(packing.rows), ())


class _NotJudgedError(Exception):
    """Whether one more copy fits is not judged."""

    def __init__(self, packing: NotJudged) -> None:
        super().__init__(packing.why)
        self.packing = packing


def _not_judged(question: str, packing: NotJudged, instance: Instance, more_instances: str) -> str:
    """The problem of copies of which neither a placement nor a proof against one is known."""
    more = packing.enough_instances
    fix = f"{more_instances.format(more)}, or " if more <= MAX_INSTANCES else ""
    return (
        f"{question} {_plural(packing.instances, instance.name)} is not judged: {packing.why}: "
        f"{fix}fewer copies, or claims that are alike"
    )


def _most(copies: Counts, growing: Sequence[int], fits: Callable[[Counts], bool]) -> int:
    """How many copies each of the growing components can get at once: whole rounds of taking turns."""
    low, high = 0, 1
    while fits(_grown(copies, growing, high)):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(_grown(copies, growing, middle)) else (low, middle)
    return low


def _grown(copies: Counts, growing: Sequence[int], more: int) -> Counts:
    return tuple(count + more * (index in growing) for index, count in enumerate(copies))


def _problems(
    demands: Sequence[Demand], copies: Counts, instance: Instance, instances: int, more_instances: str
) -> Iterator[str]:
    host = claims.host(instance)
    alone = [demand for demand in demands if not host.holds(demand.need)]
    if alone:
        for demand in alone:
            yield from _too_large(demand, instance, host)
        return
    total = sum(copies)
    fixes = list(_fixes(demands, copies, instance, instances, more_instances))
    shortages = list(_shortages(demands, copies, instance, instances, host))
    if not shortages:
        sizes = ", ".join(
            f"{count} x {_claim(demand.need)} ({demand.name})" for demand, count in zip(demands, copies, strict=True)
        )
        shortages = [
            f"{total} copies fit {_plural(instances, instance.name)} by their sum but in no placement, "
            f"for a copy never spans instances: {sizes}"
        ]
    yield f"{'; and '.join(shortages)}: {', or '.join(fixes)}"


def _too_large(demand: Demand, instance: Instance, host: Resources) -> Iterator[str]:
    """A claim that not even an empty instance holds."""
    bound = claims.claimable(instance)
    if demand.need.cpus > host.cpus:
        yield (
            f"cpus={float(demand.need.cpus):g}: copies on {instance.name} may claim {float(host.cpus):g} "
            f"({bound.cpus_reason}): cpus={float(host.cpus):g} or less"
        )
    if demand.need.memory_mib > host.memory_mib:
        yield (
            f"memory_mib={demand.need.memory_mib}: copies on {instance.name} may claim {host.memory_mib} "
            f"({bound.memory_reason}): memory_mib={host.memory_mib} or less"
        )


def _shortages(
    demands: Sequence[Demand], copies: Counts, instance: Instance, instances: int, host: Resources
) -> Iterator[str]:
    """Resources of which even the sum is too large."""
    total, bound = sum(copies), claims.claimable(instance)
    where = _plural(instances, instance.name)
    verb = "has" if instances == 1 else "have"
    pairs = list(zip(demands, copies, strict=True))
    accelerators = sum(demand.need.accelerators * count for demand, count in pairs)
    cpus = sum(demand.need.cpus * count for demand, count in pairs)
    memory = sum(demand.need.memory_mib * count for demand, count in pairs)
    if accelerators > instances * host.accelerators:
        have = instances * host.accelerators
        yield f"{total} copies need {accelerators} accelerators; {where} {verb} {have}"
        if all(host.holds(demand.need) == host.accelerators // demand.need.accelerators for demand in demands):
            return  # the claims allow as many copies as the accelerators do: naming them would only repeat it
    if cpus > instances * host.cpus:
        may = f"they may claim {float(instances * host.cpus):g} ({bound.cpus_reason})"
        yield f"{total} copies claim {float(cpus):g} CPUs; on {where} {may}"
    if memory > instances * host.memory_mib:
        have = instances * host.memory_mib
        yield f"{total} copies claim {memory} MiB; on {where} they may claim {have} ({bound.memory_reason})"


def _fixes(
    demands: Sequence[Demand], copies: Counts, instance: Instance, instances: int, more_instances: str
) -> Iterator[str]:
    """The nearest changes, each tried: fewer copies, more instances, smaller claims."""
    host = claims.host(instance)
    needs = [demand.need for demand in demands]
    of = "" if len(demands) == 1 else " of {}"
    for index, demand in enumerate(demands):
        most = most_copies(needs, copies, index, host, instances)
        if isinstance(most, int) and most:
            yield f"{demand.option}={most}{of.format(demand.name)}"
    more = fewest_instances(needs, copies, host)
    if isinstance(more, int) and more <= MAX_INSTANCES:
        yield more_instances.format(more)
    even = [claims.even_claim(demand.need, instance) for demand in demands]
    if even != needs and place(even, copies, host, instances).fits:
        yield "claims: " + ", ".join(
            f"cpus={float(need.cpus):g} and memory_mib={need.memory_mib}{of.format(demand.name)}"
            for demand, need in zip(demands, even, strict=True)
        )


def _claim(need: Resources) -> str:
    return f"{need.accelerators} accelerators, {float(need.cpus):g} CPUs, {need.memory_mib} MiB"


def _plural(instances: int, name: str) -> str:
    return name if instances == 1 else f"{instances} x {name}"
