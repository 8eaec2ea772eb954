"""Which requests share the steps of one copy's engine: admission and batching, without a clock.

Whoever drives it decides what a step takes: a simulation adds `StepTimes`, a stand-in engine waits that long.
A driver submits requests, asks for the next step, lets its time pass, and completes it:

    while step := batch.next_step():
        for request in batch.complete(step): ...  # each has one more token

One that has no use for single steps takes `batch.repeats(step)` of them at once, while nobody arrives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from replicas.engines.profile import Profile
from replicas.forecast.times import Chunk, Parts, StepTimes

_BLOCK_TOKENS = 16
"""Prefixes are cached in whole blocks of the KV cache."""


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


@dataclass(eq=False, slots=True)
class Request:
    """A request on a copy."""

    input_tokens: int
    output_tokens: int
    """It ends after so many; whoever drives the batch may end it before."""
    shared_tokens: int = 0
    """At the beginning of its prompt: those that other requests begin with too."""
    computed: int = field(default=0, init=False)
    """Tokens whose keys and values lie in the cache."""
    generated: int = field(default=0, init=False)
    found: int = field(default=0, init=False)
    """Tokens that another request had left in the cache."""

    @property
    def finished(self) -> bool:
        """True after the last token."""
        return self.generated >= self.output_tokens

    @property
    def prompt_left(self) -> int:
        """Tokens to compute before the next one can be generated."""
        # A request that gave way computes what it had generated once more, with its prompt. A decoding one has
        # one token to go whose keys and values come with the step.
        return self.input_tokens + self.generated - self.computed


class Overloaded(Exception):  # noqa: N818 (the engine's own word)
    """The copy has as many requests as it takes, running and waiting."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: prompts or parts of prompts that it computes, and requests that it gives one more token."""

    prompts: tuple[tuple[Request, Chunk], ...]
    decoding: tuple[Request, ...]

    def seconds(self, times: StepTimes) -> float:
        """How long it takes."""
        return sum(self.parts(times))

    def parts(self, times: StepTimes, repeats: int = 1) -> Parts:
        """What so many of it in a row are made of. More than one only where it computes no prompt."""
        context = sum([request.computed for request in self.decoding]) + len(self.decoding)
        if repeats > 1:
            return times.run(len(self.decoding), context, repeats)
        return times.parts((chunk for _, chunk in self.prompts), len(self.decoding), context)


class Batch:
    """The running and the waiting requests of one copy."""

    def __init__(self, profile: Profile, limits: Limits) -> None:
        """An idle engine. A request that no cache could hold must be refused before (`limits.kv_cache_tokens`)."""
        self._profile = profile
        self._limits = limits
        self._waiting: deque[Request] = deque()
        self._running: dict[Request, None] = {}
        """In the order in which they started."""
        self._claimed = 0
        """Tokens that the running requests set aside of the cache."""
        self._prefix = 0
        """Tokens of the common prefix that the cache holds."""
        self._steps_since_joined = 0
        self._has_just_joined = False
        self._has_just_left_prefill = False

    @property
    def requests(self) -> int:
        """Running and waiting."""
        return len(self._running) + len(self._waiting)

    @property
    def running(self) -> int:
        """Requests in the batch."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Requests that have not started, or had to start again."""
        return len(self._waiting)

    @property
    def cached_tokens(self) -> int:
        """Tokens of the KV cache that are set aside."""
        return self._claimed + (max((request.found for request in self._running), default=0) if self._prefix else 0)

    @property
    def waits_for(self) -> str:
        """What the first waiting request waits for."""
        first = self._waiting[0]
        if not self._has_seat():
            return "sequences"
        if self._room() < self._claim(first):
            return "KV cache"
        return "admission rule" if self._profile.admission == "waiting" else "prefill budget"

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
            self._leave(request)
        elif request in self._waiting:
            self._waiting.remove(request)

    def next_step(self) -> Step | None:
        """What the engine computes next; None where nobody is there."""
        return self._waiting_step() if self._profile.admission == "waiting" else self._continuous_step()

    def repeats(self, step: Step) -> int:
        """How often in a row the engine computes this step, the one that it is at, where nobody arrives meanwhile."""
        if step.prompts:
            return 1
        until_first_ends = min([request.output_tokens - request.generated for request in step.decoding])
        if self._profile.admission == "waiting":
            if not self._waiting:
                return until_first_ends
            if self._has_just_left_prefill:  # with the next step the rule is asked anew
                return 1
            left = self._profile.max_waiting_tokens - self._steps_since_joined
            return min(until_first_ends, left + 1) if left >= 0 else until_first_ends
        if self._profile.reserves_answers:
            return until_first_ends
        room = self._limits.kv_cache_tokens - self.cached_tokens
        return max(1, min(until_first_ends, 1 + room // len(step.decoding)))

    def complete(self, step: Step, repeats: int = 1) -> list[Request]:
        """The step is done, so many times: the requests that it gave tokens. Finished ones are gone from the batch."""
        running = self._running
        served = []
        for request, chunk in step.prompts:
            request.computed += chunk.tokens
            if not request.prompt_left and request in running:
                request.generated += 1
                served.append(request)
                self._claimed += 0 if self._profile.reserves_answers else 1
                self._keep_prefix(request)
        for request in step.decoding:
            if request in running:
                request.computed += repeats
                request.generated += repeats
                served.append(request)
        if not self._profile.reserves_answers:
            self._claimed += repeats * sum([request in running for request in step.decoding])
        self._steps_since_joined += repeats - 1
        for request in served:
            if request.finished:
                self._leave(request)
        return served

    def _leave(self, request: Request) -> None:
        self._claimed -= self._claim(request)
        del self._running[request]

    def _start(self, request: Request) -> None:
        self._running[request] = None
        self._claimed += self._claim(request)

    def _room(self) -> int:
        return self._limits.kv_cache_tokens - self.cached_tokens

    # ---- admission "waiting": a group of prompts joins between decoding steps, by the router's rule

    def _waiting_step(self) -> Step | None:
        self._has_just_left_prefill = False
        if not self._running:
            joining = self._join(least=0)
        elif self._has_just_joined:  # a decoding step follows every prefill
            joining = []
            self._has_just_left_prefill = True
        else:
            patient = self._steps_since_joined < self._profile.max_waiting_tokens
            least = int(len(self._running) * self._profile.waiting_served_ratio) if patient else 0
            joining = self._join(least)
        if joining:
            self._steps_since_joined, self._has_just_joined = 1, True
            return Step(tuple([(request, Chunk(request.prompt_left)) for request in joining]), ())
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
        room = self._room()
        prefill = self._limits.prefill_tokens
        for request in self._waiting:
            prefill -= request.prompt_left
            room -= self._claim(request)
            if prefill < 0 or room < 0 or not self._has_seat(len(joining)):
                break
            joining.append(request)
        if len(joining) < least:
            return []
        for _ in joining:
            self._start(self._waiting.popleft())
        return joining

    # ---- admission "continuous": every step has room for parts of prompts beside the tokens of decoding requests

    def _continuous_step(self) -> Step | None:
        if not self._profile.reserves_answers:
            self._give_way()
        decoding = [request for request in self._running if request.generated and request.prompt_left == 1]
        budget = self._limits.prefill_tokens - len(decoding)
        prompts = tuple(self._chunks(budget))
        if not decoding and not prompts:
            return None
        return Step(prompts, tuple(decoding))

    def _chunks(self, budget: int) -> Iterator[tuple[Request, Chunk]]:
        if budget <= 0:
            return
        for request in list(self._running):
            left = request.prompt_left
            if left and not (request.generated and left == 1) and budget > 0:
                tokens = min(budget, left)
                budget -= tokens
                yield request, Chunk(tokens, request.computed)
        while budget > 0 and self._waiting and self._has_seat():
            request = self._waiting[0]
            self._look_up(request)
            room = self._room() - max(0, request.found - (self.cached_tokens - self._claimed))
            if room < self._claim(request):
                request.found = request.computed = 0
                return
            self._start(self._waiting.popleft())
            tokens = min(budget, request.prompt_left)
            budget -= tokens
            yield request, Chunk(tokens, request.computed)

    def _has_seat(self, more: int = 0) -> bool:
        return self._limits.sequences is None or len(self._running) + more < self._limits.sequences

    def _give_way(self) -> None:
        """Where the next tokens have no room the youngest request waits again, first in line, its cache lost."""
        while len(self._running) > 1 and self.cached_tokens > self._limits.kv_cache_tokens:
            youngest = next(reversed(self._running))
            self._leave(youngest)
            youngest.computed = youngest.found = 0
            self._waiting.appendleft(youngest)

    def _look_up(self, request: Request) -> None:
        """What of its prompt the cache holds: whole blocks, and never all, for the last token must be computed."""
        found = min(self._prefix, request.shared_tokens, request.input_tokens - 1)
        request.found = request.computed = found - found % _BLOCK_TOKENS

    def _keep_prefix(self, request: Request) -> None:
        if self._profile.prefix_caching:
            self._prefix = max(self._prefix, request.shared_tokens - request.shared_tokens % _BLOCK_TOKENS)

    def _claim(self, request: Request) -> int:
        """Tokens of the KV cache that a running request keeps from others."""
        if self._profile.reserves_answers:
            return request.input_tokens + request.output_tokens - request.found
        return request.input_tokens + request.generated + 1 - request.found
