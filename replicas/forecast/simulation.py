"""Simulates one load on all copies of a component, event by event, until the last request is answered.

Events are arrivals and ends of steps. Consecutive decoding steps with the same requests are one event. An arrival cuts
them off at the end of the current step, so that the result is the same as with single steps.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from replicas.errors import ForecastError
from replicas.forecast.batching import Overloaded, Request, Step
from replicas.forecast.copies import CopyEngine
from replicas.load import Load, requests
from replicas.load.arrivals import arrivals
from replicas.speed.times import Parts
from replicas.units import SECONDS_PER_HOUR

Routing = Literal["LEAST_OUTSTANDING_REQUESTS", "RANDOM"]
"""Routing strategies by their SageMaker names."""
DEFAULT_ROUTING: Routing = "RANDOM"
"""Routing of a forecast that names none (docs/decisions/0013-the-forecast-routes-at-random.md)."""
PAUSE_AFTER_REFUSAL_SECONDS = 0.5
"""Pause of a refused user before its next request, the same as in `replicas benchmark`."""
_GIVES_UP_AFTER_SECONDS = 24.0 * SECONDS_PER_HOUR
_MOST_EVENTS = 5_000_000
"""Maximum number of simulated events: about a minute of computing."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answered request. Times are seconds from the beginning of the simulation."""

    asked: float
    """Time at which the request was sent."""
    first_token: float
    ended: float
    output_tokens: int

    @property
    def seconds(self) -> float:
        """Latency: from the request to the last token."""
        return self.ended - self.asked


@dataclass
class Use:
    """Use of the engines within the duration, in seconds, summed over the copies."""

    parts: Parts = field(default_factory=lambda: Parts(0.0, 0.0, 0.0, 0.0, 0.0))
    running: float = 0.0
    """Time integral of the number of requests in the batch: requests times seconds."""
    waiting: float = 0.0
    cached_tokens_max: int = 0
    waited_for: Counter[str] = field(default_factory=Counter)
    """Seconds in which requests waited in a busy copy's queue, by the cause of the wait."""


@dataclass
class Outcome:
    """Result of a simulation."""

    answered: list[Answered]
    refused: list[float]
    """Times of the refusals."""
    elapsed_seconds: float
    use: Use
    cut: int = 0
    """Requests that were drawn longer than the endpoint takes, and cut."""

    def duration(self, load: Load, duration_seconds: float) -> float:
        """Return the time over which rates are taken: that of the load, or until the last answer if the load has an
        end.
        """
        return self.elapsed_seconds if load.has_end else duration_seconds


def simulate(
    engine: CopyEngine, *, copies: int, load: Load, duration_seconds: float, seed: int, routing: Routing
) -> Outcome:
    """Simulate a load on the copies of a component.

    Users and arrivals at a rate send requests for the duration; a burst and a trace end with their last request.

    Raises:
        ForecastError: the simulation would take longer than a minute, or the answers more than a day.

    """
    return _Simulation(engine, copies, load, duration_seconds, seed, routing).run()


@dataclass
class _Copy:
    """A copy and the steps that it is computing."""

    number: int
    engine: CopyEngine

    def __post_init__(self) -> None:
        self.batch = self.engine.batch()
        self.step: Step | None = None
        self.repeats = 0
        self.parts = Parts(0.0, 0.0, 0.0, 0.0, 0.0)
        """Time of the steps by cause."""
        self.began = 0.0
        self.ends = 0.0

    def begin(self, now: float) -> None:
        """Start the next steps if there are requests."""
        self.step = self.batch.next_step()
        if self.step:
            self.began = now
            self.repeats = self.batch.repeats(self.step)
            self.parts = self.step.parts(self.engine.times, self.repeats)
            self.ends = now + sum(self.parts)

    def cut(self, now: float) -> None:
        """A request has arrived: shorten the current event to the end of the current step."""
        assert self.step is not None  # noqa: S101 (the copy is busy)
        fewest, most = 1, self.repeats
        while fewest < most:  # the first step that ends now or later
            middle = (fewest + most) // 2
            if self.began + sum(self.step.parts(self.engine.times, middle)) < now:
                fewest = middle + 1
            else:
                most = middle
        self.repeats = fewest
        self.parts = self.step.parts(self.engine.times, fewest)
        self.ends = self.began + sum(self.parts)


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
        self._duration = inf if load.has_end else duration
        self._chance = random.Random(seed)  # noqa: S311 (nothing secret)
        self._requests = requests(load, seed)
        self._routing = routing
        self._copies = [_Copy(number, engine) for number in range(copies)]
        self._outstanding = [0] * copies
        self._in_flight: dict[Request, tuple[float, int]] = {}
        """Time and copy of each request in flight."""
        self._first: dict[Request, float] = {}
        self._events: list[tuple[float, int, _Copy | Request | None]] = []
        """Time, order of creation, and the copy whose steps end, or the request that has passed the frontend; None for
        an arrival."""
        self._made = 0
        self._arrivals = arrivals(load, duration, seed)
        """Times of the requests that have not arrived yet."""
        self._outcome = Outcome([], [], 0.0, Use())

    def run(self) -> Outcome:
        """Process events until none is left."""
        for _ in range(self._load.users or 0):
            self._will_ask(0.0)
        self._next_arrival()
        while self._events:
            now = self._events[0][0]
            touched: dict[int, _Copy] = {}
            while self._events and self._events[0][0] == now:  # simultaneous arrivals join the queue together
                happens = heapq.heappop(self._events)[2]
                if happens is None:
                    self._ask(now, touched)
                elif isinstance(happens, Request):
                    self._submit(happens, now, touched)
                elif happens.step is not None and happens.ends == now:  # otherwise the event was shortened
                    self._end(happens, now)
                    touched[happens.number] = happens
            for copy in touched.values():
                self._go_on(copy, now)
            if now > _GIVES_UP_AFTER_SECONDS or self._made > _MOST_EVENTS:
                raise ForecastError(
                    f"{self._load.description}: not answered within a day, or too much to follow: less load, a shorter "
                    f"duration or more copies ({len(self._copies)})"
                )
        return self._outcome

    # ---- users and arrivals

    def _will_ask(self, when: float) -> None:
        self._schedule(when, None)

    def _schedule(self, when: float, what: _Copy | Request | None) -> None:
        self._made += 1
        heapq.heappush(self._events, (when, self._made, what))

    def _next_arrival(self) -> None:
        """Schedule the next request of a rate or a trace; users need no schedule."""
        if (when := next(self._arrivals, None)) is not None:
            self._will_ask(when)

    def _ask(self, now: float, touched: dict[int, _Copy]) -> None:
        number = self._chosen()
        drawn = next(self._requests)
        self._outcome.cut += drawn.is_cut
        # An embedding or a score is ready after the step in which a language model has its first token.
        request = Request(drawn.input_tokens, max(1, drawn.output_tokens), drawn.segments)
        self._next_arrival()
        self._in_flight[request] = (now, number)
        self._outstanding[number] += 1
        if frontend := self._copies[number].engine.profile.frontend_seconds:
            self._schedule(now + frontend, request)
        else:
            self._submit(request, now, touched)

    def _submit(self, request: Request, now: float, touched: dict[int, _Copy]) -> None:
        copy = self._copies[self._in_flight[request][1]]
        try:
            copy.batch.submit(request)
        except Overloaded:
            del self._in_flight[request]
            self._outstanding[copy.number] -= 1
            self._outcome.refused.append(now)
            self._outcome.elapsed_seconds = max(self._outcome.elapsed_seconds, now)
            again = now + PAUSE_AFTER_REFUSAL_SECONDS
            if self._load.users is not None and again < self._duration:
                self._will_ask(again)
            return
        touched[copy.number] = copy

    def _chosen(self) -> int:
        if self._routing == "RANDOM":
            return self._chance.randrange(len(self._copies))
        fewest = min(self._outstanding)
        idlest = [number for number, outstanding in enumerate(self._outstanding) if outstanding == fewest]
        return idlest[0] if len(idlest) == 1 else self._chance.choice(idlest)

    # ---- copies

    def _go_on(self, copy: _Copy, now: float) -> None:
        if copy.step is None:
            copy.begin(now)
        elif copy.repeats > 1:
            copy.cut(now)
        else:
            return
        if copy.step is not None:
            self._schedule(copy.ends, copy)

    def _end(self, copy: _Copy, now: float) -> None:
        step, repeats = copy.step, copy.repeats
        assert step is not None  # noqa: S101 (the event is the end of a step)
        self._count(copy)
        copy.step = None
        for request in copy.batch.complete(step, repeats):
            if request.generated == 1:
                self._first.setdefault(request, now)
            if request.generated >= request.output_tokens:
                sent, number = self._in_flight.pop(request)
                self._outstanding[number] -= 1
                self._outcome.answered.append(Answered(sent, self._first.pop(request, now), now, request.output_tokens))
                self._outcome.elapsed_seconds = now
                if self._load.users is not None and now < self._duration:
                    self._will_ask(now)

    def _count(self, copy: _Copy) -> None:
        """Add the steps to the use of the engines, as far as they are within the duration."""
        if copy.began >= self._duration:
            return
        use, batch = self._outcome.use, copy.batch
        seconds = copy.ends - copy.began
        within = min(1.0, (self._duration - copy.began) / seconds)
        use.parts = Parts(*[total + part * within for total, part in zip(use.parts, copy.parts, strict=True)])
        use.running += batch.running * seconds * within
        use.waiting += batch.waiting * seconds * within
        use.cached_tokens_max = max(use.cached_tokens_max, batch.cached_tokens)
        if batch.waiting:
            use.waited_for[batch.waits_for] += seconds * within  # type: ignore[assignment]
