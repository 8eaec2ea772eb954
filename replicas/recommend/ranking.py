"""`recommend(wish)`: every layout measured, ranked by USD per million output tokens at the load."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from replicas.recommend.candidates import UNNAMED_SECRET, Unfit, candidates
from replicas.recommend.frontier import Spot, frontier
from replicas.recommend.lines import written
from replicas.recommend.measuring import Gauge
from replicas.recommend.options import Option, fewest_instances
from replicas.recommend.wishes import Wish

_WIDENED = 3
"""Of the ranking, also looked at on more instances than they need."""

Told = Callable[[str, int, int], None]
"""Told what is being done, how many of how many."""


@dataclass(frozen=True)
class Ranked:
    """A layout that holds the objective, and where else the same one can be had."""

    option: Option
    dearer: tuple[Option, ...]
    """The same copies on the same accelerators of other instance types: nothing but the host and the price differs."""

    def document(self) -> dict[str, Any]:
        """For JSON."""
        twins = [
            {"instance_type": twin.candidate.instance.name, "usd_per_hour": twin.usd_per_hour} for twin in self.dearer
        ]
        return self.option.document() | {"dearer": twins}


@dataclass(frozen=True)
class Recommendation:
    """All layouts of a model, judged."""

    wish: Wish
    ranked: tuple[Ranked, ...]
    """Cheapest per million output tokens first; those without a price last. The first `top` have full forecasts."""
    missed: tuple[Ranked, ...]
    """Layouts that miss the objective, the nearest first."""
    unfit: tuple[Unfit, ...]
    spots: tuple[Spot, ...]
    """Price and latency of every layout that was simulated and answers the load."""
    simulated: int
    layouts: int

    @property
    def best(self) -> Option | None:
        """The first of the ranking; None where nothing holds the objective."""
        return self.ranked[0].option if self.ranked else None

    @property
    def reasons(self) -> dict[str, int]:
        """Why layouts do not fit, and on how many pairs of instance type and quantization."""
        return dict(Counter(each.reason for each in self.unfit).most_common())

    @property
    def missed_reasons(self) -> dict[str, int]:
        """What is missed, and by how many layouts."""
        return dict(Counter(each.option.shortfalls[0].what for each in self.missed).most_common())

    def why(self) -> list[str]:
        """Sentences that say why the best one is the best, and what would be given up for another."""
        return list(_why(self))

    def lines(self) -> str | None:
        """What to paste into deployments.py; None where nothing holds the objective."""
        return written([self.best.deployment]) if self.best else None

    def document(self) -> dict[str, Any]:
        """For JSON."""
        wish = self.wish
        return {
            "model": wish.model,
            "load": vars(wish.traffic),
            "objective": vars(wish.objective),
            "region": wish.region,
            "routing": wish.routing,
            "duration_seconds": wish.duration_seconds,
            "layouts": self.layouts,
            "simulated": self.simulated,
            "ranked": [each.document() for each in self.ranked],
            "missed": [each.document() for each in self.missed],
            "unfit": [vars(each) for each in self.unfit],
            "frontier": [vars(spot) for spot in frontier(self.spots)],
            "why": self.why(),
            "lines": self.lines(),
        }


def recommend(wish: Wish, *, top: int = 10, told: Told = lambda _what, _done, _all: None) -> Recommendation:
    """Judge every layout of a model under a load; the first `top` by full forecasts.

    All are measured by quick forecasts first. Then the cheapest one is measured in full and put back at what that
    says, until the first `top` are the cheapest by full forecasts.

    Raises:
        RecommendError: with every fault of the wish.

    """
    subject = wish.resolved()
    told("sizing every layout", 0, 1)
    found, unfit = candidates(wish, subject)
    gauge = Gauge(wish.load, wish.objective, wish.duration_seconds, wish.routing, wish.seed)
    holding: list[Option] = []
    missed: list[Option] = []
    for number, candidate in enumerate(found):
        told("quick forecasts", number, len(found))
        option = fewest_instances(candidate, gauge, wish.max_instances, effort="quick")
        (missed if option.shortfalls else holding).append(option)
    ranked, fallen = _refined(_folded(holding), gauge, wish.max_instances, top, told)
    missed += fallen
    nearest = sorted(_folded(missed), key=lambda each: _nearness(each.option))
    nearest = [*(_confirmed(each, gauge) for each in nearest[:top]), *nearest[top:]]
    wider = _wider([each.option for each in ranked[:_WIDENED]], gauge, wish.max_instances)
    told("done", 1, 1)
    return Recommendation(
        wish=wish,
        ranked=tuple(ranked),
        missed=tuple(nearest),
        unfit=tuple(unfit),
        spots=tuple(_spots([*(each.option for each in (*ranked, *nearest)), *wider])),
        simulated=gauge.simulated,
        layouts=len(found),
    )


_Order = tuple[bool, float, float, int, float, str]


def _cost(option: Option) -> _Order:
    """The order of the ranking: USD per million tokens, then USD an hour (without a price the accelerators), then
    latency.
    """
    price = option.usd_per_million_output_tokens
    accelerators = option.instances * option.candidate.instance.accelerators
    latency = option.measured.point.latency_p90_seconds if option.measured else None
    name = option.candidate.instance.name
    return price is None, price or 0.0, option.usd_per_hour or 0.0, accelerators, latency or 0.0, name


def _nearness(option: Option) -> tuple[bool, float, _Order]:
    """The order of those that miss: priced ones first, by how far they are."""
    return option.usd_per_hour is None, option.missed_by, _cost(option)


def _folded(options: Iterable[Option]) -> list[Ranked]:
    """Each layout once, on its cheapest instance type."""
    alike: dict[object, list[Option]] = {}
    for option in options:
        alike.setdefault((option.candidate.layout, option.copies, option.usd_per_hour is None), []).append(option)
    sets = [sorted(each, key=_cost) for each in alike.values()]
    return [Ranked(cheapest, tuple(dearer)) for cheapest, *dearer in sets]


def _refined(
    quick: Sequence[Ranked], gauge: Gauge, most: int, top: int, told: Told
) -> tuple[list[Ranked], list[Option]]:
    """The ranking with full forecasts of the first, and what turns out to miss the objective."""
    waiting = [(_cost(each.option), number, each) for number, each in enumerate(quick)]
    heapq.heapify(waiting)
    done: list[Ranked] = []
    fallen: list[Option] = []
    while waiting and len(done) < top:
        told("full forecasts", len(done), top)
        _, number, each = heapq.heappop(waiting)
        if each.option.measured and each.option.measured.effort == "full":
            done.append(each)
            continue
        full = fewest_instances(each.option.candidate, gauge, most, effort="full", least=each.option.instances)
        if full.shortfalls:
            fallen.append(full)
        else:
            times = full.instances / each.option.instances
            twins = [replace(twin, instances=round(twin.instances * times)) for twin in each.dearer]
            again = Ranked(replace(full, fewer=full.fewer or each.option.fewer), tuple(twins))
            heapq.heappush(waiting, (_cost(full), number, again))
    done.sort(key=lambda each: _cost(each.option))  # a full forecast can be better than the quick one was
    return [*done, *(each for _, _, each in sorted(waiting))], fallen


def _confirmed(missed: Ranked, gauge: Gauge) -> Ranked:
    """A miss with its full forecast, where it was simulated at all."""
    option = missed.option
    if option.measured is None:
        return missed
    full = gauge.measure(option.candidate, option.copies, "full")
    return replace(missed, option=replace(option, measured=full, shortfalls=full.shortfalls or option.shortfalls))


def _wider(options: Sequence[Option], gauge: Gauge, most: int) -> list[Option]:
    """The best layouts on more instances than they need: what more money buys, for the frontier."""
    found = []
    for option in options:
        for times in (2, 3):
            instances = times * option.instances
            if instances <= most:
                measured = gauge.measure(option.candidate, option.candidate.part.copies * instances, "quick")
                found.append(Option(option.candidate, gauge.load, instances, measured, measured.shortfalls))
    return found


def _spots(options: Iterable[Option]) -> Iterable[Spot]:
    """The layouts that answer every request, as places on the plot."""
    for option in options:
        point = option.measured.point if option.measured else None
        if point is None or option.usd_per_hour is None or point.latency_p90_seconds is None or point.refused:
            continue
        if any(each.what == "rate" for each in option.shortfalls):
            continue
        yield Spot(
            instance_type=option.candidate.instance.name,
            instances=option.instances,
            copies=option.copies,
            tensor_parallel=option.candidate.part.accelerators,
            quantization=option.candidate.weights.label,
            engine=str(option.candidate.part.engine),
            usd_per_hour=option.usd_per_hour,
            latency_p90_seconds=point.latency_p90_seconds,
            requests_per_second=point.requests_per_second_window,
            holds=not option.shortfalls,
        )


def described(option: Option) -> str:
    """A layout in words."""
    part, weights = option.candidate.part, option.candidate.weights.label
    split = f" over {part.accelerators} accelerators each" if part.accelerators > 1 else ""
    stored = "unquantized" if weights == "none" else f"in {weights}"
    return (
        f"{option.copies} {'copy' if option.copies == 1 else 'copies'}{split} {stored} by {part.engine} on "
        f"{option.instances} x {option.candidate.instance.name}"
    )


def _why(found: Recommendation) -> Iterable[str]:
    best = found.best
    if best is None:
        return
    if best.usd_per_million_output_tokens is None:
        yield "No price of a layout that holds the objective is known: listed by their accelerators."
        yield f"The first: {described(best)}."
    else:
        yield from _against_others(found, best, best.usd_per_million_output_tokens)
    if best.fewer and best.fewer.shortfalls:
        yield f"One instance less is too few: {'; '.join(each.sentence for each in best.fewer.shortfalls)}."
    part = best.candidate.part
    if part.token_secret == UNNAMED_SECRET:
        yield (
            f"{part.model.id} is gated: token_secret={UNNAMED_SECRET!r} stands for the name of the Secrets Manager "
            "secret with your Hugging Face token (--token-secret)."
        )
    if best.candidate.weights.label != "none" and not found.wish.quantizations:
        yield "Quantized weights answer a little differently: compare the answers before you switch to them."


def _against_others(found: Recommendation, best: Option, price: float) -> Iterable[str]:
    priced = [each.option for each in found.ranked if each.option.usd_per_million_output_tokens is not None]
    yield (
        f"Cheapest of the {len(priced)} layouts that hold the objective: {described(best)}, {price:.2f} USD per "
        "million output tokens at the load."
    )
    if best.told:
        yield f"There, {best.told.limits.why.removeprefix('nothing: ')}."
    others = {
        "The next": priced[1:2],
        "The cheapest without quantization": [each for each in priced if each.candidate.weights.label == "none"][:1],
    }
    for what, (*first,) in others.items():
        for other in first:
            if other is not best:
                dearer = (other.usd_per_million_output_tokens or 0.0) / price - 1
                yield f"{what}: {described(other)}, {dearer:.0%} dearer."
