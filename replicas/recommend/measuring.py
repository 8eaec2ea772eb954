"""Forecasts of layouts, each computed once: quick forecasts for the ranking, full forecasts for the shown results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from replicas.errors import ForecastError
from replicas.forecast import Forecast, Load, Point, forecast
from replicas.forecast.forecasting import within_limits
from replicas.forecast.sampling import FAR, QUICK, copies_to_simulate, scaled
from replicas.forecast.simulation import Routing
from replicas.load.arrivals import duration_for
from replicas.planning.document import plan_warnings
from replicas.recommend.candidates import Candidate
from replicas.recommend.objective import MOST_OF_CAPACITY, Objective, Shortfall
from replicas.recommend.speed import Bounds, bounds, capacity, saturating_users

Effort = Literal["quick", "full"]
QUICK_PART = 3
"""A quick forecast simulates the duration divided by this number."""
QUICK_ANSWERS = 2.0
"""Minimum duration of a quick forecast, as a multiple of the time of a single request on an idle copy."""
_BY_FAR = 2.0
"""Factor by which the figures of a small sample must be below or above the objective to decide about a layout."""
LITTLE_SLACK = 0.9
"""Factor on the number of copies by Little's law, which gives the lower bound. It is below 1, because a few slow
answers can raise the mean latency above p90."""


@dataclass(frozen=True)
class Measured:
    """Forecast of the copies of a layout under the load, and the conditions of the objective that these copies miss."""

    forecast: Forecast
    effort: Effort
    shortfalls: tuple[Shortfall, ...]
    warnings: tuple[str, ...] = ()
    """Warnings of the forecast, without the warnings of the plan."""

    @property
    def point(self) -> Point:
        """Forecast of the only load."""
        return self.forecast.points[0]


class Gauge:
    """Forecasts layouts under one load and compares them with one objective."""

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
        """Number of layouts that were simulated so far."""
        return len(self._measured)

    def bounds(self, candidate: Candidate) -> Bounds:
        """Return the roofline of one copy."""
        if candidate.engine not in self._bounds:
            self._bounds[candidate.engine] = bounds(candidate.engine, self.load)
        return self._bounds[candidate.engine]

    def capacity(self, candidate: Candidate) -> float:
        """Return the maximum requests per second of one copy; 0 if it is too slow to be simulated."""
        if candidate.engine not in self._capacities:
            try:
                self._capacities[candidate.engine] = capacity(
                    candidate.engine, within_limits(self.load, candidate.component)
                )
            except ForecastError:
                self._capacities[candidate.engine] = 0.0
        return self._capacities[candidate.engine]

    def fewest_copies(self, candidate: Candidate) -> int:
        """Return a lower bound of the number of copies that the load needs, without a simulation.

        For arrivals, the bound follows from the capacity of a copy. For users, it follows from Little's law (less a
        tenth, because p90 and mean differ) and from the limit of concurrent requests per copy.
        """
        most = self.capacity(candidate)
        if not most:
            return 10**9
        if self.load.offered is not None:
            return max(1, ceil(self.load.offered / (MOST_OF_CAPACITY * most)))
        users = self.load.at_once or 1
        by_latency = users / (self.objective.latency_p90_seconds * most) * LITTLE_SLACK
        taken = candidate.engine.limits.concurrent_requests
        return max(1, ceil(by_latency), ceil(users / taken) if taken else 1)

    def measure(self, candidate: Candidate, copies: int, effort: Effort) -> Measured:
        """Return the forecast of `copies` copies. Layouts with equally fast copies share one simulation."""
        key = (candidate.engine, copies, effort)
        if key not in self._measured:
            self._measured[key] = self._simulated(candidate, copies, effort)
        return self._measured[key]

    def _simulated(self, candidate: Candidate, copies: int, effort: Effort) -> Measured:
        if effort == "full":
            return self._forecast(candidate, copies, copies, self._duration, effort)
        answers = QUICK_ANSWERS * self.bounds(candidate).latency_seconds
        duration = min(self._duration, max(self._duration / QUICK_PART, answers))
        requests = self._requests(candidate, copies, duration)
        enough = copies_to_simulate(copies, requests, QUICK)
        few = copies_to_simulate(copies, requests, FAR) if self.load.requests_per_second is not None else enough
        measured = self._forecast(candidate, copies, few, duration, effort)
        if few < enough and 1 / _BY_FAR < self.objective.strain(measured.point, measured.shortfalls) < _BY_FAR:
            return self._forecast(candidate, copies, enough, duration, effort)
        return measured

    def _forecast(self, candidate: Candidate, copies: int, simulated: int, duration: float, effort: Effort) -> Measured:
        """Return the forecast of `copies` copies from a simulation of `simulated` of them."""
        part = self.load.part(simulated / copies)
        plan = replace(candidate.plan, components=(replace(candidate.component, copies=simulated),))
        simulation = forecast(
            plan,
            replace(candidate.component, copies=simulated),
            [part],
            duration_seconds=duration_for(part, duration),
            seed=self._seed,
            routing=self._routing,
        )
        point = scaled(simulation.points[0], self.load, copies / simulated)
        simulation = replace(simulation, copies=copies, points=(point,))
        most = copies * self.capacity(candidate) if self.load.offered is not None else float("inf")
        planned = plan_warnings(plan)
        warnings = [warning for warning in simulation.warnings if warning not in planned]
        if simulated < copies:
            warnings = [f"in a simulation of {simulated} of {copies} copies: {warning}" for warning in warnings]
        shortfalls = self.objective.shortfalls(self.load, simulation.points[0], most)
        return Measured(simulation, effort, tuple(shortfalls), tuple(warnings))

    def _requests(self, candidate: Candidate, copies: int, duration: float) -> float:
        """Return the number of requests that the copies get in the duration, estimated from their capacity."""
        if self.load.at_once is not None and self.load.users is None:  # each request counts once
            return self.load.at_once
        rate = self.load.offered
        if rate is None:
            busy = min(1.0, (self.load.users or 1) / copies / saturating_users(candidate.engine, self.load))
            rate = copies * self.capacity(candidate) * busy
        return rate * duration
