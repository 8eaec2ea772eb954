"""Forecasts of layouts, each made once: a quick one to rank by, a full one for what is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from replicas.errors import ForecastError
from replicas.forecast import Forecast, Load, Point, forecast
from replicas.forecast.simulation import Routing
from replicas.recommend.candidates import Candidate
from replicas.recommend.objective import MOST_OF_CAPACITY, Objective, Shortfall
from replicas.recommend.speed import Bounds, bounds, capacity, saturating_users

Effort = Literal["quick", "full"]
QUICK_PART = 3
"""A quick forecast takes this part of the duration."""
QUICK_ANSWERS = 2.0
"""And at least so many times what a request takes alone."""
QUICK_REQUESTS = 1000
"""And of more requests a part of the copies with their part of the load: copies answer alone."""

_FEWEST_SIMULATED = 4
LITTLE_SLACK = 0.9
"""Of the copies that a mean latency of the objective needs: the mean can lie above p90 by a few slow answers."""


@dataclass(frozen=True)
class Measured:
    """What so many copies of a kind do at the load, and what of the objective they miss."""

    told: Forecast
    effort: Effort
    shortfalls: tuple[Shortfall, ...]

    @property
    def point(self) -> Point:
        """The only load."""
        return self.told.points[0]


class Gauge:
    """Measures layouts under one load and one objective."""

    def __init__(self, load: Load, objective: Objective, duration_seconds: float, routing: Routing, seed: int) -> None:
        self.load = load
        self.objective = objective
        self._duration = duration_seconds
        self._routing = routing
        self._seed = seed
        self._bounds: dict[object, Bounds] = {}
        self._capacities: dict[object, float] = {}
        self._measured: dict[object, Measured] = {}

    @property
    def simulated(self) -> int:
        """Layouts that were simulated so far."""
        return len(self._measured)

    def bounds(self, candidate: Candidate) -> Bounds:
        """Roofline of one copy."""
        if candidate.engine not in self._bounds:
            self._bounds[candidate.engine] = bounds(candidate.engine, self.load)
        return self._bounds[candidate.engine]

    def capacity(self, candidate: Candidate) -> float:
        """Requests a second of one copy at most; 0 where a day is too short for an answer."""
        if candidate.engine not in self._capacities:
            try:
                self._capacities[candidate.engine] = capacity(candidate.engine, self.load)
            except ForecastError:
                self._capacities[candidate.engine] = 0.0
        return self._capacities[candidate.engine]

    def fewest_copies(self, candidate: Candidate) -> int:
        """Copies below which the load cannot be held, whatever a simulation of them says.

        Of arrivals by the capacity; of users by Little's law, with a tenth of slack for how p90 and mean differ,
        and by the requests that a copy takes at once.
        """
        most = self.capacity(candidate)
        if not most:
            return 10**9
        if self.load.requests_per_second is not None:
            return max(1, ceil(self.load.requests_per_second / (MOST_OF_CAPACITY * most)))
        users = self.load.users or 1
        by_latency = users / (self.objective.latency_p90_seconds * most) * LITTLE_SLACK
        taken = candidate.engine.limits.concurrent_requests
        return max(1, ceil(by_latency), ceil(users / taken) if taken else 1)

    def measure(self, candidate: Candidate, copies: int, effort: Effort) -> Measured:
        """The forecast of so many copies; copies that are as fast are simulated once."""
        key = (candidate.engine, copies, effort)
        if key not in self._measured:
            self._measured[key] = self._simulated(candidate, copies, effort)
        return self._measured[key]

    def _simulated(self, candidate: Candidate, copies: int, effort: Effort) -> Measured:
        duration, share = self._duration, 1.0
        if effort == "quick":
            duration = min(duration, max(duration / QUICK_PART, QUICK_ANSWERS * self.bounds(candidate).latency_seconds))
            share = self._share(candidate, copies, duration)
        simulated = max(1, round(copies * share))
        told = forecast(
            replace(candidate.plan, components=(replace(candidate.part, copies=simulated),)),
            replace(candidate.part, copies=simulated),
            [_part_of(self.load, simulated / copies)],
            duration_seconds=duration,
            seed=self._seed,
            routing=self._routing,
        )
        told = replace(told, points=(_whole(told.points[0], self.load, copies / simulated),))
        most = copies * self.capacity(candidate) if self.load.requests_per_second is not None else float("inf")
        return Measured(told, effort, tuple(self.objective.shortfalls(self.load, told.points[0], most)))

    def _share(self, candidate: Candidate, copies: int, duration: float) -> float:
        """The part of the copies that a quick forecast simulates."""
        rate = self.load.requests_per_second
        if rate is None:
            busy = min(1.0, (self.load.users or 1) / copies / saturating_users(candidate.engine, self.load))
            rate = copies * self.capacity(candidate) * busy
        # Fewer copies would hide how unevenly requests are spread.
        return min(1.0, max(_FEWEST_SIMULATED / copies, QUICK_REQUESTS / (rate * duration) if rate else 1.0))


def _part_of(load: Load, share: float) -> Load:
    if share == 1:
        return load
    if load.users is not None:
        return replace(load, users=max(1, round(load.users * share)))
    return replace(load, requests_per_second=(load.requests_per_second or 0.0) * share)


def _whole(point: Point, load: Load, times: float) -> Point:
    """The point of a part of the copies, as that of all of them."""
    if times == 1:
        return point
    return replace(
        point,
        users=load.users,
        requests_per_second_offered=load.requests_per_second,
        requests=round(point.requests * times),
        refused=round(point.refused * times),
        requests_per_second_elapsed=point.requests_per_second_elapsed * times,
        requests_per_second_window=point.requests_per_second_window * times,
        output_tokens_per_second=point.output_tokens_per_second * times,
    )
