"""Which requests share the steps of one copy's engine: admission and batching, without a clock.

Whoever drives it decides what a step takes: a simulation adds `StepTimes.step`, a stand-in engine waits that long.
A driver submits requests, asks for the next step, lets its time pass, and completes it:

    while step := batch.next_step():
        for request in batch.complete(step): ...  # each has one more token
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from replicas.forecast.profiles import Profile
from replicas.forecast.times import Chunk, StepTimes


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What bounds the batch of one copy."""

    kv_cache_tokens: int
    prefill_tokens: int
    """Prompt tokens of one step."""
    sequences: int | None = None
    """Requests at once; None where only tokens bound them."""
    concurrent_requests: int | None = None
    """Running and waiting; more are refused. None where none are."""


@dataclass(eq=False)
class Request:
    """A request on a copy."""

    input_tokens: int
    output_tokens: int
    """It ends after so many; whoever drives the batch may end it before."""
    computed: int = field(default=0, init=False)
    """Tokens whose keys and values lie in the cache."""
    generated: int = field(default=0, init=False)

    @property
    def finished(self) -> bool:
        """True after the last token."""
        return self.generated >= self.output_tokens

    @property
    def _prompt_left(self) -> int:
        # A request that gave way computes what it had generated once more, with its prompt.
        return self.input_tokens + self.generated - self.computed


class Overloaded(Exception):  # noqa: N818 (the engine's own word)
    """The copy has as many requests as it takes, running and waiting."""


@dataclass(frozen=True)
class Step:
    """One step: prompts or parts of prompts that it computes, and requests that it gives one more token."""

    prompts: tuple[tuple[Request, Chunk], ...]
    decoding: tuple[Request, ...]

    def seconds(self, times: StepTimes) -> float:
        """How long it takes."""
        context = sum(request.computed + 1 for request in self.decoding)
        return times.step((chunk for _, chunk in self.prompts), len(self.decoding), context)


class Batch:
    """The running and the waiting requests of one copy."""

    def __init__(self, profile: Profile, limits: Limits) -> None:
        """An idle engine. A request that no cache could hold must be refused before (`limits.kv_cache_tokens`)."""
        self._profile = profile
        self._limits = limits
        self._waiting: deque[Request] = deque()
        self._running: list[Request] = []
        self._steps_since_joined = 0
        self._has_just_joined = False

    @property
    def requests(self) -> int:
        """Running and waiting."""
        return len(self._running) + len(self._waiting)

    @property
    def cached_tokens(self) -> int:
        """Tokens of the KV cache that are set aside."""
        return sum(self._claim(request) for request in self._running)

    def submit(self, request: Request) -> None:
        """Let a request wait for its turn.

        Raises:
            Overloaded: too many are there already.

        """
        most = self._limits.concurrent_requests
        if most is not None and self.requests >= most:
            raise Overloaded
        self._waiting.append(request)

    def cancel(self, request: Request) -> None:
        """Forget a request, wherever it stands."""
        if request in self._running:
            self._running.remove(request)
        elif request in self._waiting:
            self._waiting.remove(request)

    def next_step(self) -> Step | None:
        """What the engine computes next; None where nobody is there."""
        return self._waiting_step() if self._profile.admission == "waiting" else self._continuous_step()

    def complete(self, step: Step) -> list[Request]:
        """The step is done: the requests that it gave a token. Those that are finished are gone from the batch."""
        for request, chunk in step.prompts:
            request.computed += chunk.tokens
        for request in step.decoding:
            request.computed += 1
        running = set(self._running)
        candidates = [request for request, _ in step.prompts if not request._prompt_left] + list(step.decoding)
        served = [request for request in candidates if request in running]
        for request in served:
            request.generated += 1
            if request.finished:
                self._running.remove(request)
        return served

    # ---- TGI 1 and 2: a group of prompts joins between decoding steps, by the router's rule

    def _waiting_step(self) -> Step | None:
        if not self._running:
            joining = self._join(least=0)
        elif self._has_just_joined:  # a decoding step follows every prefill
            joining = []
        else:
            patient = self._steps_since_joined < self._profile.max_waiting_tokens
            least = int(len(self._running) * self._profile.waiting_served_ratio) if patient else 0
            joining = self._join(least)
        if joining:
            self._steps_since_joined, self._has_just_joined = 1, True
            return Step(tuple((request, Chunk(request._prompt_left)) for request in joining), ())
        if not self._running:
            return None
        self._steps_since_joined += 1
        self._has_just_joined = False
        return Step((), tuple(self._running))

    def _join(self, least: int) -> list[Request]:
        """Take the first that wait, as many as the budgets hold; none where they would be fewer than `least`."""
        if len(self._waiting) < least:
            return []
        joining: list[Request] = []
        room = self._limits.kv_cache_tokens - self.cached_tokens
        prefill = self._limits.prefill_tokens
        for request in self._waiting:
            prefill -= request._prompt_left
            room -= self._claim(request)
            if prefill < 0 or room < 0:
                break
            joining.append(request)
        if len(joining) < least:
            return []
        for _ in joining:
            self._running.append(self._waiting.popleft())
        return joining

    # ---- TGI 3 and vLLM: every step has room for parts of prompts beside the tokens of those that decode

    def _continuous_step(self) -> Step | None:
        if not self._profile.reserves_answers:
            self._give_way()
        decoding = [request for request in self._running if not request._prompt_left]
        budget = self._limits.prefill_tokens - len(decoding)
        prompts = list(self._chunks(budget))
        if not decoding and not prompts:
            return None
        return Step(tuple(prompts), tuple(decoding))

    def _chunks(self, budget: int) -> Iterator[tuple[Request, Chunk]]:
        for request in list(self._running):
            if request._prompt_left and budget > 0:
                tokens = min(budget, request._prompt_left)
                budget -= tokens
                yield request, Chunk(tokens, request.computed)
        room = self._limits.kv_cache_tokens - self.cached_tokens
        while budget > 0 and self._waiting and self._has_seat():
            request = self._waiting[0]
            room -= self._claim(request)
            if room < 0:
                return
            self._running.append(self._waiting.popleft())
            tokens = min(budget, request._prompt_left)
            budget -= tokens
            yield request, Chunk(tokens, request.computed)

    def _has_seat(self) -> bool:
        return self._limits.sequences is None or len(self._running) < self._limits.sequences

    def _give_way(self) -> None:
        """Where the next tokens have no room the youngest request waits again, first in line, its cache lost."""
        while len(self._running) > 1 and self.cached_tokens > self._limits.kv_cache_tokens:
            youngest = self._running.pop()
            youngest.computed = 0
            self._waiting.appendleft(youngest)

    def _claim(self, request: Request) -> int:
        """Tokens of the KV cache that a running request keeps from others."""
        if self._profile.reserves_answers:
            return request.input_tokens + request.output_tokens
        return request.input_tokens + request.generated + 1
