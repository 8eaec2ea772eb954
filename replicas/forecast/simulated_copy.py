"""One simulated copy: its batch, its current steps, its answers and its use of the engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

from replicas.forecast.batching import Overloaded, Request, Step
from replicas.forecast.copies import CopyEngine
from replicas.speed.times import Parts, Split

MOST_EVENTS = 5_000_000
"""Maximum number of simulated events, which takes about a minute."""
_NEIGHBOURS = 3
"""Number of steps that are tried one by one before the search continues by bisection."""


class Answered(NamedTuple):
    """An answered request. Times are seconds from the beginning of the simulation."""

    asked: float
    """Time at which the request was sent."""
    first_token: float
    ended: float
    output_tokens: int

    @property
    def seconds(self) -> float:
        """Latency, from sending the request to its last token."""
        return self.ended - self.asked


@dataclass(eq=False, slots=True)
class SentRequest(Request):
    """A request with the times of its answer, seconds from the beginning."""

    asked: float = 0.0
    """Time at which the request was sent."""
    copy: int = 0
    """Index of the copy that receives the request."""
    first_token: float | None = None


@dataclass
class Use:
    """Use of engines within the duration, in seconds, summed over copies."""

    parts: Parts = field(default_factory=lambda: Parts(0.0, 0.0, 0.0, 0.0, 0.0))
    running: float = 0.0
    """Time integral of the number of requests in the batch: requests times seconds."""
    waiting: float = 0.0
    cached_tokens_max: int = 0
    waited_for: Counter[str] = field(default_factory=Counter)
    """Seconds in which requests waited in a busy copy's queue, by the cause of the wait."""


class SimulatedCopy:
    """A copy and its current steps.

    Consecutive decoding steps with the same requests are one event. An arrival shortens the event to the end of the
    current step, so that the result is the same as with single steps.
    """

    __slots__ = (
        "_cached_tokens_max",
        "_duration",
        "_parts",
        "_parts_sum",
        "_repeats",
        "_running",
        "_times",
        "_waited_for",
        "_waiting",
        "answered",
        "batch",
        "began",
        "ends",
        "events",
        "number",
        "refused",
        "step",
    )

    def __init__(self, number: int, engine: CopyEngine, duration: float) -> None:
        """Create an idle copy. Its use is counted for `duration` seconds."""
        self.number = number
        self.batch = engine.batch()
        self.step: Step | None = None
        """Step that the copy computes, once or several times in a row; None if the copy is idle."""
        self.began = 0.0
        self.ends = 0.0
        self.events = 0
        """Number of events so far. An event is a step, or a series of steps with the same requests."""
        self.answered: list[Answered] = []
        self.refused: list[float] = []
        self._times = engine.times
        self._duration = duration
        self._repeats = 0
        self._parts: Split = (0.0, 0.0, 0.0, 0.0, 0.0)
        self._parts_sum = [0.0, 0.0, 0.0, 0.0, 0.0]
        self._running = self._waiting = 0.0
        self._cached_tokens_max = 0
        self._waited_for: Counter[str] = Counter()

    @property
    def use(self) -> Use:
        """Use of the copy's engine so far."""
        return Use(
            Parts(*self._parts_sum), self._running, self._waiting, self._cached_tokens_max, self._waited_for.copy()
        )

    def begin(self, now: float) -> None:
        """Start the next steps if there are requests."""
        batch = self.batch
        step = self.step = batch.next_step()
        if step is not None:
            self.began = now
            if step.chunks:
                self._repeats = 1
                parts = self._times.parts(step.chunks, step.decoding, step.context_tokens)
            else:
                repeats = self._repeats = batch.repeats(step)
                parts = self._times.run(step.decoding, step.context_tokens, repeats)
            self._parts = parts
            self.ends = now + sum(parts)

    def cut(self, now: float) -> bool:
        """Shorten the current event to the end of the current step, because a request arrived. Return True if the end
        of the event changes.
        """
        step, began = self.step, self.began
        if self._repeats == 1:
            return False
        assert step is not None  # noqa: S101 (the copy is busy)
        fewest, most, parts = 1, self._repeats, self._parts  # the first step that ends now or later is in between
        attempt = min(most - 1, max(1, ceil((now - began) * most / (self.ends - began))))
        attempts = 0
        while fewest < most:
            attempted = step.parts(self._times, attempt)
            attempts += 1
            if began + sum(attempted) < now:
                fewest = attempt + 1
                attempt = fewest
            else:
                most, parts = attempt, attempted
                attempt = most - 1
            if attempts >= _NEIGHBOURS:
                attempt = (fewest + most) // 2
        self._repeats, self._parts = most, parts
        self.ends = began + sum(parts)
        return True

    def end(self) -> int:
        """Complete the current steps and record answers. Return the number of answers."""
        step, now, answers = self.step, self.ends, 0
        assert step is not None  # noqa: S101 (the copy is busy)
        self.events += 1
        self._count()
        self.step = None
        request: SentRequest  # the copy submits nothing else to its batch
        for request in self.batch.advance(step, self._repeats):  # type: ignore[assignment]
            generated = request.generated
            if generated == 1:
                request.first_token = now
            if generated >= request.output_tokens:
                first = now if request.first_token is None else request.first_token
                self.answered.append(Answered(request.asked, first, now, request.output_tokens))
                answers += 1
        return answers

    def serve(self, arriving: Iterable[tuple[float, SentRequest]], until: float) -> None:
        """Serve requests that arrive at given times, in this order, and compute the steps that end before `until`."""
        moment, is_touched = 0.0, False
        for when, request in arriving:
            if when != moment:  # requests that arrive at the same time join the queue together
                self._take_up(moment, is_touched=is_touched)
                self._compute(when)
                if self.step is not None and self.ends == when:
                    self.end()
                moment, is_touched = when, self.step is None
            try:
                self.batch.submit(request)
                is_touched = True
            except Overloaded:
                self.refused.append(when)
        self._take_up(moment, is_touched=is_touched)
        self._compute(until)

    def _take_up(self, moment: float, *, is_touched: bool) -> None:
        """If requests arrived, start the next step now, or shorten the current event to its current step."""
        if is_touched:
            if self.step is None:
                self.begin(moment)
            else:
                self.cut(moment)

    def _compute(self, until: float) -> None:
        """Compute the steps that end before a time."""
        while self.step is not None and self.ends < until and self.events <= MOST_EVENTS:
            self.end()
            self.begin(self.ends)

    def _count(self) -> None:
        """Add the time of the current steps within the duration to the use of the engine."""
        began, ends, duration = self.began, self.ends, self._duration
        seconds = ends - began
        compute, weights, cache, exchange, host = self._parts
        if ends > duration:
            if began >= duration:
                return
            within = (duration - began) / seconds
            compute, weights, cache = compute * within, weights * within, cache * within
            exchange, host = exchange * within, host * within
            seconds *= within
        total = self._parts_sum
        total[0] += compute
        total[1] += weights
        total[2] += cache
        total[3] += exchange
        total[4] += host
        running, waiting, cached_tokens = self.batch.occupancy
        self._running += running * seconds
        if cached_tokens > self._cached_tokens_max:
            self._cached_tokens_max = cached_tokens
        if waiting:
            self._waiting += waiting * seconds
            self._waited_for[self.batch.waits_for] += seconds  # type: ignore[assignment]
