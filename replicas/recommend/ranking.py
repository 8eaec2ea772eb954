"""`recommend(wish)`: every layout measured, ranked by USD per million output tokens at the load."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from replicas.recommend.candidates import candidates
from replicas.recommend.frontier import Spot
from replicas.recommend.measuring import Gauge
from replicas.recommend.options import Option, fewest_instances
from replicas.recommend.recommendation import Ranked, Recommendation
from replicas.recommend.wishes import Wish

_WIDENED = 3
"""Of the ranking, also looked at on more instances than they need."""

Progress = Callable[[str, int, int], None]
"""Progress what is being done, how many of how many."""


def recommend(wish: Wish, *, top: int = 10, progress: Progress = lambda _phase, _done, _all: None) -> Recommendation:
    """Judge every layout of a model under a load; the first `top` by full forecasts.

    All are measured by quick forecasts first. Then the cheapest one is measured in full and put back at what that
    says, until the first `top` are the cheapest by full forecasts.

    Raises:
        RecommendError: with every fault of the wish.

    """
    subject = wish.resolved()
    progress("sizing every layout", 0, 1)
    found, unfit = candidates(wish, subject)
    gauge = Gauge(wish.load, wish.objective, wish.duration_seconds, wish.routing, wish.seed)
    holding: list[Option] = []
    missed: list[Option] = []
    for number, candidate in enumerate(found):
        progress("quick forecasts", number, len(found))
        option = fewest_instances(candidate, gauge, wish.max_instances, effort="quick")
        (missed if option.shortfalls else holding).append(option)
    ranked, fallen = _refined(_folded(holding), gauge, wish.max_instances, top, progress)
    missed += fallen
    nearest = sorted(_folded(missed), key=lambda each: _nearness(each.option))
    nearest = [*(_confirmed(each, gauge) for each in nearest[:top]), *nearest[top:]]
    wider = _wider([each.option for each in ranked[:_WIDENED]], gauge, wish.max_instances)
    progress("done", 1, 1)
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
    quick: Sequence[Ranked], gauge: Gauge, most: int, top: int, progress: Progress
) -> tuple[list[Ranked], list[Option]]:
    """The ranking with full forecasts of the first, and what turns out to miss the objective."""
    waiting = [(_cost(each.option), number, each) for number, each in enumerate(quick)]
    heapq.heapify(waiting)
    done: list[Ranked] = []
    fallen: list[Option] = []
    while waiting and len(done) < top:
        progress("full forecasts", len(done), top)
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
