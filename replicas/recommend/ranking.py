"""`recommend(requirements)` forecasts all layouts and ranks them by USD per million output tokens at the load."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from replicas.recommend.candidates import candidates
from replicas.recommend.frontier import Spot
from replicas.recommend.measuring import Gauge
from replicas.recommend.options import Option, fewest_instances, forecast_option
from replicas.recommend.recommendation import Ranked, Recommendation
from replicas.recommend.requirements import Requirements

_WIDENED = 3
"""Number of top layouts that are also forecast with more instances than they need."""

Progress = Callable[[str, int, int], None]
"""Callback for progress: the current phase, the steps that are done, and the total."""


def recommend(
    requirements: Requirements, *, top: int = 10, progress: Progress = lambda _phase, _done, _all: None
) -> Recommendation:
    """Rank every layout of a model under a load. The first `top` layouts have full forecasts.

    All layouts get quick forecasts first. Then the cheapest layout without a full forecast gets one and is sorted in
    again, until the first `top` layouts all have full forecasts.

    Raises:
        RecommendError: the requirements have faults. The error lists all of them.

    """
    subject = requirements.resolved()
    progress("sizing every layout", 0, 1)
    fitting, unfit = candidates(requirements, subject)
    gauge = Gauge(
        requirements.load,
        requirements.objective,
        requirements.duration_seconds,
        requirements.routing,
        requirements.seed,
    )
    holding: list[Option] = []
    missed: list[Option] = []
    for number, candidate in enumerate(fitting):
        progress("quick forecasts", number, len(fitting))
        option = fewest_instances(candidate, gauge, requirements.max_instances, effort="quick")
        (missed if option.shortfalls else holding).append(option)
    ranked, fallen = _refined(_folded(holding), gauge, requirements.max_instances, top, progress)
    missed += fallen
    nearest = sorted(_folded(missed), key=lambda layout: _nearness(layout.option))
    nearest = [*(_confirmed(layout, gauge) for layout in nearest[:top]), *nearest[top:]]
    wider = _wider([each.option for each in ranked[:_WIDENED]], gauge, requirements.max_instances)
    progress("done", 1, 1)
    return Recommendation(
        requirements=requirements,
        ranked=tuple(ranked),
        missed=tuple(nearest),
        unfit=tuple(unfit),
        spots=tuple(_spots([*(each.option for each in (*ranked, *nearest)), *wider])),
        simulated=gauge.simulated,
        layouts=len(fitting),
    )


_Order = tuple[bool, float, bool, bool, float, int, float, str]


def _cost(option: Option) -> _Order:
    """Return the sort key of the ranking.

    The order is: USD per million tokens in whole cents, as printed; unquantized weights first; weights of the model's
    publisher first; USD per hour; accelerators; latency.
    """
    candidate = option.candidate
    price = option.usd_per_million_output_tokens
    accelerators = option.instances * candidate.instance.accelerators
    latency = option.measured.point.latency_p90_seconds if option.measured else None
    return (
        price is None,
        round(price or 0.0, 2),
        candidate.is_quantized,
        not candidate.is_first_party,
        option.usd_per_hour or 0.0,
        accelerators,
        latency or 0.0,
        candidate.instance.name,
    )


def _nearness(option: Option) -> tuple[bool, float, _Order]:
    """Return the sort key of layouts that miss the objective.

    Layouts with a known price come first, then the layouts that miss it least.
    """
    return option.usd_per_hour is None, option.missed_by, _cost(option)


def _folded(options: Iterable[Option]) -> list[Ranked]:
    """Return each layout once, on its cheapest instance type."""
    alike: dict[object, list[Option]] = {}
    for option in options:
        alike.setdefault((option.candidate.layout, option.copies, option.usd_per_hour is None), []).append(option)
    sets = [sorted(each, key=_cost) for each in alike.values()]
    return [Ranked(cheapest, tuple(dearer)) for cheapest, *dearer in sets]


def _refined(
    quick: Sequence[Ranked], gauge: Gauge, most: int, top: int, progress: Progress
) -> tuple[list[Ranked], list[Option]]:
    """Return the ranking with full forecasts of the first `top`, and layouts whose full forecast misses the
    objective.
    """
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
        times = full.instances / each.option.instances
        twins = [replace(twin, instances=round(twin.instances * times)) for twin in each.dearer]
        if full.shortfalls:
            fallen += [full, *(replace(twin, measured=full.measured, shortfalls=full.shortfalls) for twin in twins)]
        else:
            again = Ranked(replace(full, fewer=full.fewer or each.option.fewer), tuple(twins))
            heapq.heappush(waiting, (_cost(full), number, again))
    done.sort(key=lambda each: _cost(each.option))  # a full forecast can be better than a quick forecast
    return [*done, *(each for _, _, each in sorted(waiting))], fallen


def _confirmed(missed: Ranked, gauge: Gauge) -> Ranked:
    """Return a layout that misses the objective with its full forecast, if the layout was simulated."""
    option = missed.option
    if option.measured is None:
        return missed
    full = forecast_option(option.candidate, gauge, option.instances, "full")
    return replace(missed, option=replace(full, shortfalls=full.shortfalls or option.shortfalls))


def _wider(options: Sequence[Option], gauge: Gauge, most: int) -> list[Option]:
    """Return the best layouts with two and three times their instances: dearer options for the frontier."""
    wider = []
    for option in options:
        for times in (2, 3):
            instances = times * option.instances
            if instances <= most:
                wider.append(forecast_option(option.candidate, gauge, instances, "quick"))
    return wider


def _spots(options: Iterable[Option]) -> Iterable[Spot]:
    """Return the layouts that answer every request, as points of the plot."""
    for option in options:
        point = option.measured.point if option.measured else None
        if point is None or option.usd_per_hour is None or point.latency_p90_seconds is None or point.refused:
            continue
        if any(shortfall.what == "rate" for shortfall in option.shortfalls):
            continue
        yield Spot(
            instance_type=option.candidate.instance.name,
            instances=option.instances,
            copies=option.copies,
            tensor_parallel=option.candidate.component.accelerators,
            quantization=option.candidate.weights.label,
            engine=str(option.candidate.component.engine),
            usd_per_hour=option.usd_per_hour,
            latency_p90_seconds=point.latency_p90_seconds,
            requests_per_second=point.requests_per_second_window,
            holds=not option.shortfalls,
        )
