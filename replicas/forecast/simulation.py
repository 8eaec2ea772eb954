"""Simulates one load on all copies of a component, event by event, until the last request is answered.

Events are arrivals and ends of steps. If arrivals are routed at random, copies do not depend on each other and are
simulated one after the other. Otherwise the events of all copies are processed in the order of their times.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import inf
from operator import attrgetter
from typing import Literal

from replicas.errors import ForecastError
from replicas.forecast.batching import Overloaded
from replicas.forecast.copies import CopyEngine
from replicas.forecast.simulated_copy import MOST_EVENTS, Answered, SentRequest, SimulatedCopy, Use
from replicas.load import Load, requests
from replicas.load.arrivals import arrivals
from replicas.load.requests import DrawnRequest
from replicas.speed.times import Parts
from replicas.units import SECONDS_PER_HOUR, counted

Routing = Literal["LEAST_OUTSTANDING_REQUESTS", "RANDOM"]
"""Names of SageMaker's routing strategies."""
DEFAULT_ROUTING: Routing = "RANDOM"
"""Default routing of a forecast (docs/decisions/0013-the-forecast-routes-at-random.md)."""
PAUSE_AFTER_REFUSAL_SECONDS = 0.5
"""Pause of a refused user before its next request, the same as in `replicas benchmark`."""
_GIVES_UP_AFTER_SECONDS = 24.0 * SECONDS_PER_HOUR
_DRAWN_AT_ONCE = 20_000
"""Number of arrivals that are drawn before the copies serve them."""


@dataclass
class Outcome:
    """Result of a simulation."""

    answered: list[Answered]
    refused: list[float]
    """Times of the refusals."""
    elapsed_seconds: float
    use: Use
    cut: int = 0
    """Number of drawn requests that were longer than the endpoint accepts and were cut."""

    def duration(self, load: Load, duration_seconds: float) -> float:
        """Return the seconds over which rates are computed.

        For a burst or a trace this is the whole simulated time, for other loads `duration_seconds`.
        """
        return self.elapsed_seconds if load.has_end else duration_seconds


def simulate(
    engine: CopyEngine, *, copies: int, load: Load, duration_seconds: float, seed: int, routing: Routing
) -> Outcome:
    """Simulate a load on the copies of a component.

    Users and a rate send requests until the duration is over; a burst and a trace end with their last request.

    Raises:
        ForecastError: the simulation has too many events to compute (about a minute), or the requests are not answered
            within a simulated day.

    """
    if load.users is None and (routing == "RANDOM" or copies == 1):
        return _simulate_apart(engine, copies, load, duration_seconds, seed)
    return simulate_together(
        engine, copies=copies, load=load, duration_seconds=duration_seconds, seed=seed, routing=routing
    )


def simulate_together(
    engine: CopyEngine, *, copies: int, load: Load, duration_seconds: float, seed: int, routing: Routing
) -> Outcome:
    """Simulate any load, with the events of all copies in the order of their times.

    `simulate` uses this function if the answers of one copy decide when, or whether, another copy receives a request.
    """
    return _Simulation(engine, copies, load, duration_seconds, seed, routing).run()


def _simulate_apart(engine: CopyEngine, copies: int, load: Load, duration: float, seed: int) -> Outcome:
    """Simulate copies one after the other, for arrivals that do not depend on the answers of other copies."""
    counted = inf if load.has_end else duration
    simulated = [SimulatedCopy(number, engine, counted) for number in range(copies)]
    chance = random.Random(seed)  # noqa: S311 (nothing secret)
    frontend = engine.profile.frontend_seconds
    sent, cut = 0, 0
    coming = zip(arrivals(load, duration, seed), requests(load, seed), strict=False)
    while drawn := list(islice(coming, _DRAWN_AT_ONCE)):
        arriving: list[list[tuple[float, SentRequest]]] = [[] for _ in simulated]
        for when, request in drawn:
            number = chance.randrange(copies) if copies > 1 else 0
            cut += request.is_cut
            arriving[number].append((when + frontend, _sent(request, when, number)))
        sent += len(drawn)
        # Steps after the last drawn arrival depend on arrivals that are not drawn yet.
        for copy, part in zip(simulated, arriving, strict=True):
            copy.serve(part, drawn[-1][0] + frontend)
        _give_up(simulated, sent, load)
    for copy in simulated:
        copy.serve((), inf)
        _give_up(simulated, sent, load)
    return _outcome(simulated, cut)


def _sent(drawn: DrawnRequest, when: float, number: int) -> SentRequest:
    # An embedding or a score is ready after the step in which a language model generates its first token.
    return SentRequest(drawn.input_tokens, max(1, drawn.output_tokens), drawn.segments, when, number)


def _give_up(simulated: Sequence[SimulatedCopy], sent: int, load: Load) -> None:
    """Raise a `ForecastError` if there are too many events, or the simulated time exceeds a day."""
    if sum(copy.events for copy in simulated) + sent > MOST_EVENTS or any(
        copy.ends > _GIVES_UP_AFTER_SECONDS for copy in simulated
    ):
        copies = counted(len(simulated), "copy", "copies")
        raise ForecastError(
            f"{load.description} on {copies}: not answered within a day, or too many events to simulate: reduce the "
            "load or the duration, or add copies"
        )


def _outcome(simulated: Sequence[SimulatedCopy], cut: int) -> Outcome:
    """Return the answers and refusals of all copies in the order of time, and their total use."""
    use = Use()
    for each in (copy.use for copy in simulated):
        use.parts = Parts(*[total + part for total, part in zip(use.parts, each.parts, strict=True)])
        use.running += each.running
        use.waiting += each.waiting
        use.cached_tokens_max = max(use.cached_tokens_max, each.cached_tokens_max)
        use.waited_for += each.waited_for
    answered = sorted((answer for copy in simulated for answer in copy.answered), key=attrgetter("ended"))
    refused = sorted(when for copy in simulated for when in copy.refused)
    elapsed = max([answered[-1].ended if answered else 0.0, *refused[-1:]])
    return Outcome(answered, refused, elapsed, use, cut)


class _Simulation:
    def __init__(
        self,
        engine: CopyEngine,
        copies: int,
        load: Load,
        duration: float,
        seed: int,
        routing: Routing,
    ) -> None:
        self._load = load
        self._is_closed = load.users is not None
        self._duration = inf if load.has_end else duration
        self._chance = random.Random(seed)  # noqa: S311 (nothing secret)
        self._requests: Iterator[DrawnRequest] = requests(load, seed)
        self._routing = routing
        self._frontend = engine.profile.frontend_seconds
        self._copies = [SimulatedCopy(number, engine, self._duration) for number in range(copies)]
        self._outstanding = [0] * copies
        self._events: list[tuple[float, int, SimulatedCopy | None]] = []
        """Heap of events: time, order of creation, and the copy whose steps end. The copy is None if the event is the
        sending of a request."""
        self._passing: deque[tuple[float, int, SentRequest]] = deque()
        """Requests in the frontend: time at which the request leaves it, order of creation, and the request.

        All requests spend the same time in the frontend, so the queue is ordered by time."""
        self._touched: dict[SimulatedCopy, None] = {}
        """Copies with an event at the current time."""
        self._made = 0
        self._cut = 0
        self._arrivals = arrivals(load, duration, seed)
        """Times of the requests that have not arrived yet."""

    def run(self) -> Outcome:
        """Process all events and return the outcome."""
        for _ in range(self._load.users or 0):
            self._ask(0.0)
        self._next_arrival()
        events, passing, touched = self._events, self._passing, self._touched
        now = 0.0
        while True:
            for copy in touched:
                if copy.step is None:
                    copy.begin(now)
                    if copy.step is not None:
                        self._schedule(copy.ends, copy)
                elif copy.cut(now):
                    self._schedule(copy.ends, copy)
            touched.clear()
            if now > _GIVES_UP_AFTER_SECONDS or self._made > MOST_EVENTS:
                _give_up(self._copies, MOST_EVENTS, self._load)
            if events and not self._passes_next():
                now = events[0][0]
            elif passing:
                now = passing[0][0]
            else:
                return _outcome(self._copies, self._cut)
            self._happen(now)

    def _happen(self, now: float) -> None:
        """Process the events of one moment: simultaneous requests join the queue together."""
        events, passing = self._events, self._passing
        asking = 0
        while True:
            if events and events[0][0] == now and not self._passes_next():
                copy = heapq.heappop(events)[2]
                if copy is None:
                    self._ask(now)
                elif copy.step is not None and copy.ends == now:  # otherwise the event was shortened
                    asking += self._end(copy, now)
            elif passing and passing[0][0] == now:
                self._submit(passing.popleft()[2], now)
            elif asking:
                asking -= 1
                self._ask(now)
            else:
                return

    def _passes_next(self) -> bool:
        """True if a request leaves the frontend before the first of the events."""
        passing = self._passing
        # Every order of creation is unique, so the third element of the tuples is never compared.
        return bool(passing) and passing[0] < self._events[0]  # type: ignore[operator]

    # ---- users and arrivals

    def _schedule(self, when: float, what: SimulatedCopy | None) -> None:
        self._made += 1
        heapq.heappush(self._events, (when, self._made, what))

    def _next_arrival(self) -> None:
        """Schedule the next request of a rate or a trace. Users have no arrival times."""
        if (when := next(self._arrivals, None)) is not None:
            self._schedule(when, None)

    def _ask(self, now: float) -> None:
        """Send the next request."""
        self._made += 1
        number = self._chosen()
        drawn = next(self._requests)
        self._cut += drawn.is_cut
        request = _sent(drawn, now, number)
        if not self._is_closed:
            self._next_arrival()
        self._outstanding[number] += 1
        if self._frontend:
            self._passing.append((now + self._frontend, self._made, request))
        else:
            self._submit(request, now)

    def _submit(self, request: SentRequest, now: float) -> None:
        copy = self._copies[request.copy]
        try:
            copy.batch.submit(request)
        except Overloaded:
            self._outstanding[copy.number] -= 1
            copy.refused.append(now)
            again = now + PAUSE_AFTER_REFUSAL_SECONDS
            if self._is_closed and again < self._duration:
                self._schedule(again, None)
            return
        self._touched[copy] = None

    def _chosen(self) -> int:
        if len(self._copies) == 1:
            return 0
        if self._routing == "RANDOM":
            return self._chance.randrange(len(self._copies))
        fewest = min(self._outstanding)
        if self._outstanding.count(fewest) == 1:
            return self._outstanding.index(fewest)
        return self._chance.choice([number for number, count in enumerate(self._outstanding) if count == fewest])

    # ---- copies

    def _end(self, copy: SimulatedCopy, now: float) -> int:
        """Complete the steps of a copy, and return how many users send their next request."""
        self._touched[copy] = None
        answers = copy.end()
        self._outstanding[copy.number] -= answers
        return answers if self._is_closed and now < self._duration else 0
