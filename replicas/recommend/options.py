"""Finds the fewest instances of one layout that meet the objective, or the reason why no number does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from replicas.deployment.deployment import Deployment
from replicas.forecast import Forecast, Load
from replicas.forecast.confidence import confidence
from replicas.forecast.forecasting import within_limits
from replicas.planning.document import plan_warnings
from replicas.planning.plans import EndpointPlan
from replicas.recommend.candidates import Candidate
from replicas.recommend.measuring import Effort, Gauge, Measured
from replicas.recommend.objective import TIMES, Shortfall, carrying, too_slow
from replicas.recommend.speed import has_so_many_long_requests, mean_answer
from replicas.units import usd_per_million_tokens

_NINE_OF_TEN = 0.9


@dataclass(frozen=True)
class Option:
    """A layout with its number of instances, its price and its forecast."""

    candidate: Candidate
    load: Load
    instances: int
    measured: Measured | None
    """Forecast; None if the upper bounds of the speed already show that the layout misses the objective."""
    shortfalls: tuple[Shortfall, ...]
    fewer: Option | None = None
    """The layout with one instance fewer, if it was simulated and misses the objective; None otherwise."""
    worst: Candidate | None = None
    """The layout on the worst instance type of its pool, to which the forecast applies; None without a pool, or if
    the price misses the objective."""

    @property
    def decisive(self) -> Candidate:
        """The layout on the instance type to which the forecast and the missed conditions apply."""
        return self.worst or self.candidate

    @property
    def copies(self) -> int:
        """Number of copies on all instances."""
        return self.candidate.component.copies * self.instances

    @property
    def usd_per_hour(self) -> float | None:
        """On-demand price of all instances; None if it is not known."""
        each = self.candidate.usd_per_hour
        return None if each is None else each * self.instances

    @property
    def usd_per_million_output_tokens(self) -> float | None:
        """Price of a million output tokens served at the given load (not at the maximum load of the layout)."""
        return usd_per_million_tokens(self.usd_per_hour, self.served_tokens_per_second)

    @property
    def served_tokens_per_second(self) -> float:
        """Output tokens per second that are served at the load.

        For users, a burst and a trace, the answers within the duration count. For arrivals at a rate, requests still in
        flight at the end of the duration count too, because they will be answered: the whole rate counts if the layout
        keeps up with it, otherwise the steady rate of answers.
        """
        point = self.measured.point if self.measured else None
        if point is None or not point.requests_per_second_window:
            return 0.0
        rate = self.load.requests_per_second
        if rate is None:
            return point.output_tokens_per_second
        tokens = mean_answer(within_limits(self.load, self.decisive.component))
        return tokens * (min(rate, point.requests_per_second) if point.is_reached is False else rate)

    @cached_property
    def plan(self) -> EndpointPlan:
        """Plan of all instances."""
        return self.candidate.on(self.instances)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the plan and of the forecast."""
        return tuple(dict.fromkeys((*plan_warnings(self.plan), *(self.measured.warnings if self.measured else ()))))

    @property
    def deployment(self) -> Deployment:
        """The deployment to write into deployments.py."""
        return self.candidate.deployed(self.instances)

    @property
    def forecast(self) -> Forecast | None:
        """Return the forecast, including the warnings of the plan."""
        return self.own_forecast and replace(self.own_forecast, warnings=self.warnings)

    @cached_property
    def own_forecast(self) -> Forecast | None:
        """Forecast with this layout's own price and confidence. Layouts with equally fast copies share the simulation.

        The forecast has no warnings, because warnings need a plan.
        """
        if self.measured is None:
            return None
        component = replace(self.decisive.component, copies=self.copies)
        trust = confidence(
            self.decisive.engine,
            component.engine.profile,
            component,
            self.decisive.instance,
            [self.load],
            self.measured.forecast.routing,
            self.measured.forecast.duration_seconds,
        )
        point = replace(self.measured.point, usd_per_million_output_tokens=self.usd_per_million_output_tokens)
        return replace(
            self.measured.forecast,
            deployment=self.candidate.plan.name,
            instance_type=self.decisive.instance.name,
            pool=self.candidate.instance_types if self.worst else (),
            confidence=trust.confidence,
            basis=trust.basis,
            summary=trust.summary,
            measured_error=trust.error,
            points=(point,),
            warnings=(),
        )

    @property
    def missed_by(self) -> float:
        """Largest ratio of the shortfalls; 1 if the layout meets the objective."""
        return max((shortfall.ratio for shortfall in self.shortfalls), default=1.0)

    @property
    def limit(self) -> tuple[str, float] | None:
        """Resource that takes most of the engines' time, and its share of the duration; None without a simulation."""
        if self.measured is None:
            return None
        point = self.measured.forecast.limits.points[0]
        shares = {
            "compute": point.compute,
            "memory bandwidth": point.weights_read + point.cache_read,
            "exchange": point.exchange,
            "host": point.host,
        }
        return max(shares.items(), key=lambda entry: entry[1])

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.recommend.document.OptionDocument`)."""
        component, forecast, limit = self.candidate.component, self.forecast, self.limit
        return {
            "instance_type": self.candidate.instance.name,
            "fallback_instance_types": [other.instance.name for other in self.candidate.fallbacks],
            "worst_instance_type": self.worst and self.worst.instance.name,
            "instances": self.instances,
            "model": component.model.id,
            "quantization": self.candidate.weights.label,
            "engine": str(component.engine),
            "tensor_parallel": component.accelerators,
            "copies": self.copies,
            "kv_cache_tokens": component.kv_cache_tokens,
            "usd_per_hour": self.usd_per_hour,
            "price": None if self.candidate.price is None else self.candidate.price.kind,
            "usd_per_million_output_tokens": self.usd_per_million_output_tokens,
            "forecast": forecast.to_document() if forecast else None,
            "warnings": list(self.warnings),
            "full_forecast": bool(self.measured and self.measured.effort == "full"),
            "limited_by": None if limit is None else {"what": limit[0], "share": limit[1]},
            "misses": [shortfall.sentence for shortfall in self.shortfalls],
        }


def fewest_instances(candidate: Candidate, gauge: Gauge, most: int, *, effort: Effort, least: int = 1) -> Option:
    """Return the layout on the fewest instances, from `least` to `most`, that meet the objective. If no number does,
    the shortfalls of the option say why.

    The number is found by bisection, because more instances never make answers slower. Nothing is simulated if the
    upper bounds of the speed already show that the layout misses the objective. A layout on a pool must meet it on each
    instance type of the pool, at the price of the dearest type.
    """
    price = candidate.usd_per_hour
    budget = gauge.objective.max_usd_per_hour
    if budget is not None and price is None:
        message = f"the price is not known, so it is not judged whether it is at most {budget:g} USD an hour"
        return Option(candidate, gauge.load, least, None, (Shortfall("price", message, 1.0),))
    if budget is not None and price is not None:
        most = min(most, int(budget / price + 1e-9))
        if most < least:
            message = f"{least * price:.2f} USD an hour, wanted {budget:g}"
            return Option(candidate, gauge.load, least, None, (Shortfall("price", message, least * price / budget),))
    refused = [
        option for member in candidate.members if (option := _refused(candidate, member, gauge, least=least, most=most))
    ]
    if refused:
        return max(refused, key=lambda option: option.missed_by)
    first = max(least, *(_first(member, gauge) for member in candidate.members))

    def forecast_on(instances: int) -> Option:
        return forecast_option(candidate, gauge, instances, effort)

    fewest = smallest(lambda instances: not forecast_on(instances).shortfalls, first, most)
    if fewest is None:
        return forecast_on(most)
    return replace(forecast_on(fewest), fewer=forecast_on(fewest - 1) if fewest > first else None)


def forecast_option(candidate: Candidate, gauge: Gauge, instances: int, effort: Effort) -> Option:
    """Return the layout on a number of instances with its forecast. On a pool, this is the forecast of the worst type:
    the type that misses the objective most or, if all types meet it, that comes closest to missing it.
    """
    copies = candidate.component.copies * instances
    members = [(member, gauge.measure(member, copies, effort)) for member in candidate.members]
    worst, measured = max(members, key=lambda entry: gauge.objective.strain(entry[1].point, entry[1].shortfalls))
    return _decided(candidate, worst, gauge, instances, measured.shortfalls, measured)


def _decided(
    candidate: Candidate,
    member: Candidate,
    gauge: Gauge,
    instances: int,
    shortfalls: Sequence[Shortfall],
    measured: Measured | None = None,
) -> Option:
    """Return the option of a layout whose forecast or missed conditions are those of one instance type of its pool."""
    if not candidate.fallbacks:
        return Option(candidate, gauge.load, instances, measured, tuple(shortfalls))
    name = member.instance.name
    named = tuple(shortfall._replace(sentence=f"on {name}: {shortfall.sentence}") for shortfall in shortfalls)
    return Option(candidate, gauge.load, instances, measured, named, worst=member)


def _refused(candidate: Candidate, member: Candidate, gauge: Gauge, *, least: int, most: int) -> Option | None:
    """Return the layout with the conditions that it misses by bounds on an instance type of its pool, so that nothing
    needs to be simulated; None if the bounds do not decide.
    """
    if alone := misses_alone(member, gauge):
        return _decided(candidate, member, gauge, least, alone)
    if ideal := misses_at_roofline(member, gauge, most * member.component.copies):
        return _decided(candidate, member, gauge, most, ideal)
    if _first(member, gauge) > most:
        return _decided(candidate, member, gauge, most, [_too_few(member, gauge, most)])
    return None


def _first(candidate: Candidate, gauge: Gauge) -> int:
    """Return a lower bound of the number of instances that the load needs."""
    return -(-gauge.fewest_copies(candidate) // candidate.component.copies)


def smallest(holds: Callable[[int], bool], first: int, last: int) -> int | None:
    """Return the smallest number from `first` to `last` for which `holds` is true; None if it is never true.

    If `holds` is true for a number, it must be true for all larger numbers. `first` and `first + 1`, the expected
    numbers, are tried first, then `last`.
    """
    for near in range(first, min(first + 1, last) + 1):
        if holds(near):
            return near
    if last <= first + 1 or not holds(last):
        return None
    below, reached = first + 1, last
    while reached - below > 1:
        middle = (below + reached) // 2
        below, reached = (below, middle) if holds(middle) else (middle, reached)
    return reached


def copies_needed(candidate: Candidate, gauge: Gauge, most: int, *, effort: Effort, least: int = 1) -> int | None:
    """Return the fewest copies that meet the objective, on any number of instances; None if `most` copies miss it."""
    first = max(least, gauge.fewest_copies(candidate)) if not misses_alone(candidate, gauge) else most + 1
    if first > most or misses_at_roofline(candidate, gauge, most):
        return None
    return smallest(lambda copies: not gauge.measure(candidate, copies, effort).shortfalls, first, most)


def misses_alone(candidate: Candidate, gauge: Gauge) -> list[Shortfall]:
    """Return a shortfall for each limit of the objective that even a single request on an idle copy exceeds.

    More copies cannot help then.
    """
    objective, bound = gauge.objective, gauge.bounds(candidate)
    alone = {"latency": bound.latency_seconds, "ttft": bound.ttft_seconds}
    shortfalls: list[Shortfall] = []
    for limit in objective.bounds:
        if limit.figure in alone and has_so_many_long_requests(gauge.load, 1 - int(limit.percentile[1:]) / 100):
            name = TIMES[limit.figure]
            what, whose = f"{name} {limit.percentile}", f"{name} of a single request"
            shortfalls += too_slow(what, alone[limit.figure], limit.seconds, whose=whose)
    return shortfalls


def misses_at_roofline(candidate: Candidate, gauge: Gauge, copies: int) -> list[Shortfall]:
    """Return a shortfall for each condition of the objective that `copies` copies miss even at their roofline."""
    load = gauge.load
    ideal = copies * gauge.bounds(candidate).requests_per_second
    if load.offered is not None:
        return carrying(load.offered, ideal)
    mean, limit = (load.at_once or 1) / ideal, gauge.objective.latency_p90_seconds
    if load.users is None:  # a burst: answering nine tenths takes at least nine tenths of the time
        return too_slow("latency p90", _NINE_OF_TEN * mean, limit, whose="lowest possible latency p90 (roofline)")
    return too_slow("latency p90", mean, limit, whose="mean latency at the roofline")


def _too_few(candidate: Candidate, gauge: Gauge, most: int) -> Shortfall:
    copies = most * candidate.component.copies
    capacity = gauge.capacity(candidate) * copies
    if gauge.load.offered is not None:
        return carrying(gauge.load.offered, capacity)[0]
    users = gauge.load.at_once or 1
    taken = candidate.engine.limits.concurrent_requests
    if taken and users > taken * copies:
        return Shortfall("refusals", f"accepts only {taken * copies:,} requests at once", users / (taken * copies))
    mean = users / capacity if capacity else None
    return too_slow("latency p90", mean, gauge.objective.latency_p90_seconds, whose="mean latency")[0]
