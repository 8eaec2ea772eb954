"""Admission and batching of requests in one copy's engine, without a clock.

The caller decides how time passes: the simulation adds `StepTimes`, the stand-in engine sleeps for that time.
The caller submits requests, gets the next step, waits until it is over, and completes it:

    while step := batch.next_step():
        for request in batch.complete(step): ...  # the request has one more token

A caller that does not need single tokens can complete the same step `batch.repeats(step)` times at once with `advance`,
as long as no request arrives. The cost of `advance` does not grow with the number of decoding requests: the batch only
counts steps, and updates the counters of a request when the request leaves.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from replicas.engines.profile import Profile
from replicas.forecast.prefixes import PrefixCache
from replicas.load.requests import Segment
from replicas.speed.times import Chunk, Split, StepTimes


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of the batch of one copy."""

    kv_cache_tokens: int
    prefill_tokens: int
    """Maximum prompt tokens of one step."""
    sequences: int | None = None
    """Maximum requests in the batch; None if only tokens limit it."""
    concurrent_requests: int | None = None
    """Maximum running and waiting requests; the copy refuses further requests. None means that there is no limit."""


@dataclass(eq=False, slots=True)
class Request:
    """A request on a copy."""

    input_tokens: int
    output_tokens: int
    """Number of tokens after which the request ends. The caller can end the request earlier."""
    segments: tuple[Segment, ...] = ()
    """Parts at the beginning of the prompt that other requests may share."""
    computed: int = field(default=0, init=False)
    """Tokens whose keys and values are in the cache."""
    generated: int = field(default=0, init=False)
    reused: int = field(default=0, init=False)
    """Prompt tokens that the prefix cache already contains. No cache is reserved for them."""
    order: int = field(default=0, init=False)
    """Number of this request in the order in which the batch started its requests, counted from 1; 0 if the request
    does not run."""
    settled: int = field(default=0, init=False)
    """Decoding step of the batch, counted from 1, up to which `computed` and `generated` are updated."""

    @property
    def finished(self) -> bool:
        """True if the last token has been generated."""
        return self.generated >= self.output_tokens

    @property
    def prompt_left(self) -> int:
        """Number of tokens to compute before the next token can be generated."""
        # A preempted request computes its prompt and its generated tokens again. A decoding request has one token left,
        # whose keys and values the next step computes.
        return self.input_tokens + self.generated - self.computed


class Overloaded(Exception):  # noqa: N818 (the engine's own word)
    """The copy has reached its limit of running and waiting requests."""


@dataclass(slots=True)
class Step:
    """One step of the engine, with its chunks of prompts and the number of its decoding requests."""

    requests: Sequence[Request]
    """Requests whose prompts the step computes."""
    chunks: Sequence[Chunk]
    """For each of `requests`, the part of its prompt that the step computes."""
    decoding: int
    """Number of requests that get one more token."""
    context_tokens: int
    """Sum of the contexts of the decoding requests."""

    def seconds(self, times: StepTimes) -> float:
        """Return the duration of the step in seconds."""
        return sum(self.parts(times))

    def parts(self, times: StepTimes, repeats: int = 1) -> Split:
        """Return the seconds of this step by cause, or of `repeats` such steps in a row.

        `repeats` can exceed 1 only if the step computes no prompt.
        """
        if repeats > 1:
            return times.run(self.decoding, self.context_tokens, repeats)
        return times.parts(self.chunks, self.decoding, self.context_tokens)


class Batch:
    """The running and the waiting requests of one copy."""

    def __init__(self, profile: Profile, limits: Limits) -> None:
        """Create an empty batch. The caller must refuse requests that exceed `limits.kv_cache_tokens`."""
        self._profile = profile
        self._limits = limits
        self._most_tokens = limits.kv_cache_tokens
        self._most_sequences = inf if limits.sequences is None else limits.sequences
        self._is_continuous = profile.admission != "waiting"
        self._grows = not profile.reserves_answers
        """True if requests allocate the cache token by token."""
        self._waiting: deque[Request] = deque()
        self._arriving: list[Request] = []
        """Requests that an asynchronous engine admits one step later, because the next step is already prepared."""
        self._running: dict[Request, None] = {}
        """Running requests, in the order in which they started."""
        self._prefilling: dict[Request, None] = {}
        """Running requests whose prompts are not computed yet, in the same order. The other running requests decode."""
        self._context = 0
        """Tokens whose keys and values are in the cache, summed over the decoding requests."""
        self._steps = 0
        """Decoding steps so far."""
        self._ends: list[tuple[int, int, Request]] = []
        """Heap of (decoding step at which the request ends, order, request). Requests that left earlier can still be in
        it."""
        self._started = 0
        self._has_taken_up = False
        """True if arriving requests were queued after the current step was prepared, so they can join the next step."""
        self._claimed = 0
        """Tokens of the cache that are reserved for the running requests."""
        self._prefixes = PrefixCache()
        self._steps_since_joined = 0
        self._has_just_joined = False
        self._has_just_left_prefill = False

    @property
    def requests(self) -> int:
        """Number of running and waiting requests."""
        return len(self._running) + self.waiting

    @property
    def running(self) -> int:
        """Number of requests in the batch."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Number of requests that have not started, or were preempted and must start again."""
        return len(self._waiting) + len(self._arriving)

    @property
    def occupancy(self) -> tuple[int, int, int]:
        """Number of running requests, of waiting requests, and of the tokens of the KV cache that are reserved."""
        waiting = len(self._waiting) + len(self._arriving)
        return len(self._running), waiting, self._claimed + self._prefixes.tokens_in_use

    @property
    def waits_for(self) -> str:
        """The resource or rule that the first waiting request waits for."""
        first = (self._waiting or self._arriving)[0]
        if len(self._running) >= self._most_sequences:
            return "sequences"
        if self._room() < self._claim(first):
            return "KV cache"
        return "prefill budget" if self._is_continuous else "admission rule"

    def submit(self, request: Request) -> None:
        """Add a request to the queue.

        Raises:
            Overloaded: the limit of running and waiting requests is reached.

        """
        most = self._limits.concurrent_requests
        if most is not None and self.requests >= most:
            raise Overloaded
        if self._profile.asynchronous and self._running:
            self._arriving.append(request)
        else:
            self._waiting.append(request)

    def cancel(self, request: Request) -> None:
        """Remove a request, running or waiting."""
        if request in self._running:
            self._leave(request)
        elif request in self._waiting:
            self._waiting.remove(request)
        elif request in self._arriving:
            self._arriving.remove(request)

    def next_step(self) -> Step | None:
        """Return the next step of the engine; None if there are no requests."""
        arriving = self._arriving
        if arriving:
            self._arriving = []
            if not self._running:  # nothing is prepared while the engine is idle
                self._waiting.extend(arriving)
                arriving = []
        step = self._continuous_step() if self._is_continuous else self._waiting_step()
        self._has_taken_up = bool(arriving)
        if arriving:
            self._waiting.extend(arriving)
        return step

    def repeats(self, step: Step) -> int:
        """Return how many times in a row the engine computes the current step if no request arrives."""
        if step.chunks or self._has_taken_up:
            return 1
        until_first_ends = self._first_end() - self._steps
        if not self._is_continuous:
            if not self._waiting:
                return until_first_ends
            if self._has_just_left_prefill:  # the admission rule is evaluated again with the next step
                return 1
            left = self._profile.max_waiting_tokens - self._steps_since_joined
            return min(until_first_ends, left + 1) if left >= 0 else until_first_ends
        if not self._grows:
            return until_first_ends
        until_full = 1 + self._room() // step.decoding
        return max(1, until_full) if until_full < until_first_ends else until_first_ends

    def complete(self, step: Step) -> list[Request]:
        """Complete a step. Return the requests that got a token; finished requests are removed from the batch."""
        decoding = self._decoding() if step.decoding else {}
        changed = self.advance(step)
        for request in self._decoding():
            self._settle(request)
        return [*(request for request in changed if request not in decoding), *decoding]

    def advance(self, step: Step, repeats: int = 1) -> list[Request]:
        """Complete a step `repeats` times. Return the requests that got their first or their last token.

        Requests with their last token are removed from the batch. The counters of other requests are updated only by
        the next `complete`.
        """
        changed: list[Request] = []
        ended: list[Request] = []
        tokens = 0
        if step.decoding:  # a step that only computes a prompt does not change decoding requests
            self._steps += repeats
            tokens = (len(self._running) - len(self._prefilling)) * repeats
            self._context += tokens
            if self._ends and self._ends[0][0] <= self._steps:
                ended = self._ended()
        if step.chunks:
            changed = self._complete_prompts(step)
            tokens += len(changed)
        if self._grows:
            self._claimed += tokens
            if self._prefixes.idle_tokens:
                self._prefixes.shrink_to(self._room())
        self._steps_since_joined += repeats - 1
        for request in changed:
            if request.generated >= request.output_tokens:
                self._leave(request)
        for request in ended:
            self._context -= request.computed
            self._remove(request)
        return changed + ended if ended else changed

    def _decoding(self) -> dict[Request, None]:
        """Return the requests that get one token in every step."""
        return {request: None for request in self._running if request not in self._prefilling}

    def _complete_prompts(self, step: Step) -> list[Request]:
        """Complete the chunks of a step, and return the requests that got a token."""
        changed = []
        for request, (tokens, _) in zip(step.requests, step.chunks, strict=True):
            request.computed += tokens
            if not request.order:  # cancelled meanwhile
                continue
            left = request.input_tokens + request.generated - request.computed
            if left == 1 and request.generated:  # a preempted request with only its last token to compute
                self._decode(request)
            elif not left:
                request.generated += 1
                changed.append(request)
                if request.segments:
                    self._keep_prefix(request)
                self._decode(request)
        return changed

    def _decode(self, request: Request) -> None:
        """Move a request whose prompt is computed to the decoding requests."""
        del self._prefilling[request]
        self._context += request.computed
        request.settled = self._steps
        heapq.heappush(self._ends, (self._steps + request.output_tokens - request.generated, request.order, request))

    def _first_end(self) -> int:
        """Return the decoding step at which the first of the decoding requests ends."""
        while True:
            step, order, request = self._ends[0]
            if order == request.order:
                return step
            heapq.heappop(self._ends)

    def _ended(self) -> list[Request]:
        """Return the decoding requests that have all their tokens, in the order of their start."""
        ended = []
        while self._ends and self._ends[0][0] <= self._steps:
            _, order, request = heapq.heappop(self._ends)
            if order == request.order:
                self._settle(request)
                ended.append(request)
        if len(ended) > 1:
            ended.sort(key=_order)
        return ended

    def _settle(self, request: Request) -> None:
        """Update the counters of a decoding request."""
        steps = self._steps - request.settled
        request.computed += steps
        request.generated += steps
        request.settled = self._steps

    def _leave(self, request: Request) -> None:
        if request in self._prefilling:
            del self._prefilling[request]
        else:
            self._settle(request)
            self._context -= request.computed
        self._remove(request)

    def _remove(self, request: Request) -> None:
        """Remove a request that neither computes its prompt nor decodes any longer."""
        self._claimed -= self._claim(request)
        del self._running[request]
        request.order = 0
        if request.reused:
            self._prefixes.release(request.segments, request.reused)

    def _start(self, request: Request, claim: int) -> None:
        """Start a request, for which `claim` tokens of the cache are reserved."""
        self._started += 1
        request.order = self._started
        self._running[request] = self._prefilling[request] = None
        self._claimed += claim
        if request.reused:
            self._prefixes.hold(request.segments, request.reused)
        if self._prefixes.idle_tokens:
            self._prefixes.shrink_to(self._room())

    def _room(self) -> int:
        """Return the number of cache tokens that are not reserved."""
        return self._most_tokens - self._claimed - self._prefixes.tokens_in_use

    # ---- admission "waiting": the router's rule decides when a group of prompts joins between decoding steps

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
            return Step(joining, [(request.prompt_left, 0) for request in joining], 0, 0)
        if not self._running:
            return None
        self._steps_since_joined += 1
        self._has_just_joined = False
        decoding = len(self._running)
        return Step((), (), decoding, self._context + decoding)

    def _join(self, least: int) -> list[Request]:
        """Move the first waiting requests that fit the budgets into the batch, or none if fewer than `least` fit."""
        if len(self._waiting) < least:
            return []
        joining: list[Request] = []
        room = self._room()
        prefill = self._limits.prefill_tokens
        seats = self._most_sequences - len(self._running)
        for request in self._waiting:
            prefill -= request.prompt_left
            room -= self._claim(request)
            if prefill < 0 or room < 0 or len(joining) >= seats:
                break
            joining.append(request)
        if len(joining) < least:
            return []
        for request in joining:
            self._waiting.popleft()
            self._start(request, self._claim(request))
        return joining

    # ---- admission "continuous": every step computes chunks of prompts in addition to the tokens of decoding requests

    def _continuous_step(self) -> Step | None:
        if self._grows and self._most_tokens < self._claimed + self._prefixes.tokens_in_use:
            self._preempt()
        decoding = len(self._running) - len(self._prefilling)
        if self._prefilling or self._waiting:
            requests, chunks = self._prompts(self._limits.prefill_tokens - decoding)
            if decoding or chunks:
                return Step(requests, chunks, decoding, self._context + decoding)
            return None
        return Step((), (), decoding, self._context + decoding) if decoding else None

    def _prompts(self, budget: int) -> tuple[list[Request], list[Chunk]]:
        """Return the next chunks of running prompts, then start waiting requests and return their first chunks."""
        requests: list[Request] = []
        chunks: list[Chunk] = []
        for request in self._prefilling:
            if budget <= 0:
                return requests, chunks
            tokens = min(budget, request.prompt_left)
            budget -= tokens
            requests.append(request)
            chunks.append((tokens, request.computed))
        waiting, running, prefixes = self._waiting, self._running, self._prefixes
        while budget > 0 and waiting and len(running) < self._most_sequences:
            request = waiting[0]
            room = self._most_tokens - self._claimed - prefixes.tokens_in_use
            if request.segments and self._profile.prefix_caching:
                self._look_up(request)
                room -= prefixes.growth(request.segments, request.reused)
            claim = self._claim(request)
            if room < claim:
                request.reused = request.computed = 0
                return requests, chunks
            self._start(waiting.popleft(), claim)
            tokens = request.input_tokens + request.generated - request.computed
            if tokens > budget:
                tokens = budget
            budget -= tokens
            requests.append(request)
            chunks.append((tokens, request.computed))
        return requests, chunks

    def _preempt(self) -> None:
        """Preempt the youngest requests while the cache has no room for the next tokens.

        A preempted request loses its cache and goes to the front of the queue.
        """
        while len(self._running) > 1 and self._room() < 0:
            youngest = next(reversed(self._running))
            self._leave(youngest)
            youngest.computed = youngest.reused = 0
            self._waiting.appendleft(youngest)

    def _look_up(self, request: Request) -> None:
        """Set the number of prompt tokens found in the prefix cache: whole blocks, without the last prompt token."""
        request.reused = self._prefixes.reusable(request.segments, request.input_tokens - 1)
        request.computed = request.reused

    def _keep_prefix(self, request: Request) -> None:
        """Move the prompt's tokens from the request's reservation to the prefix cache."""
        if not self._profile.prefix_caching:
            return
        before = request.reused
        self._prefixes.keep(request.segments)
        whole = self._prefixes.reusable(request.segments, request.input_tokens - 1)
        if before:
            self._prefixes.release(request.segments, before)
        request.reused = whole
        self._prefixes.hold(request.segments, whole)
        self._claimed += before - whole

    def _claim(self, request: Request) -> int:
        """Return the tokens of the KV cache that are reserved for a running request."""
        answer = request.generated + 1 if self._grows else request.output_tokens
        return request.input_tokens + answer - request.reused


def _order(request: Request) -> int:
    return request.order
