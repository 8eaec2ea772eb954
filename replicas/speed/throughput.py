"""Throughput and latency of copies in steady state, in closed form.

A request passes the frontend, the queue of a copy, and its batch. In the mean step of a copy, each running request gets
one token, and the prompts that arrived during the previous step are computed. The rate of a copy depends on its number
of requests (`CopySpeed.rate`). Requests are spread at random, so copies have different numbers of requests. The total
rate follows from the product form of a closed queueing network (Gordon and Newell, 1967; `answered`). The simulation of
`replicas.forecast` applies the same rules request by request.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import exp, log

from replicas.engines.profile import Profile
from replicas.speed.times import StepTimes

_JOINS = 1.0
"""Steps that a request waits before its prompt is computed: the rest of the current step, and the next step, which is
already prepared.
"""
MOST_OF_CAPACITY = 0.95
"""Largest share of the copies' capacity that arrivals may use. Above this share, queues grow."""
_INSTANT = 1e-9
"""Ratio of a request's time in the frontend to its time on a copy, below which the frontend counts as instant."""
_HALVINGS = 12
"""Halvings in the search for the number of requests on a copy, for a relative error below 0.001."""
_GROUPS = 256
"""Maximum number of user groups whose distribution over copies is computed. More users form groups of equal size."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """Lengths of the requests, which are all alike: tokens of the prompt and tokens of the answer."""

    input_tokens: int
    output_tokens: int
    """Tokens of the answer; 0 for embeddings and scores, which are ready after the step that computes the prompt."""

    @property
    def steps(self) -> int:
        """Number of decoding steps after the step that computes the end of the prompt."""
        return max(0, self.output_tokens - 1)


@dataclass(frozen=True, kw_only=True)
class CopySpeed:
    """Speed of one copy for requests of the same lengths."""

    times: StepTimes
    profile: Profile
    work: Work
    kv_cache_tokens: int | None
    """Size of the KV cache in tokens; None for a model without a cache."""
    prefill_tokens: int
    """Maximum number of prompt tokens in a step."""
    sequences: int | None
    """Maximum number of requests in the batch; None if only tokens limit the batch."""

    @cached_property
    def most_running(self) -> int:
        """Maximum number of requests that run at once."""
        work = self.work
        # If the engine allocates cache as tokens arrive, running requests hold on average half of their answer.
        answer = work.output_tokens if self.profile.reserves_answers else work.output_tokens / 2
        if self.kv_cache_tokens is None:
            return self.sequences or self.prefill_tokens
        held = max(1, int(self.kv_cache_tokens / (work.input_tokens + answer)))
        return held if self.sequences is None else min(held, self.sequences)

    @cached_property
    def most(self) -> tuple[int, float]:
        """Number of requests at which the throughput of a copy is highest, and this throughput in requests a second."""
        numbers = sorted({min(2**power, self.most_running) for power in range(self.most_running.bit_length() + 1)})
        return max(((number, self.rate(number)) for number in numbers), key=lambda pair: pair[1])

    def rate(self, requests: float) -> float:
        """Return the throughput of a copy in requests a second while it has `requests` requests, at least 1."""
        return 1 / self._seconds(min(requests, self.most_running))

    def _seconds(self, running: float) -> float:
        """Return the seconds per answered request of a copy that runs `running` requests at once.

        This is the inverse of the throughput, not the latency of a request.
        """
        work, times = self.work, self.times
        whole = self.prefill_tokens
        if not work.steps:
            together = max(1.0, min(running, whole / work.input_tokens))
            return self._prompts(together, 0.0, 0.0)
        chunks = -(-work.input_tokens // whole)
        passed = max(0.0, 1 - 1 / running)  # a single request waits for no step
        decoding = max(1.0, running * work.steps / (work.steps + chunks + _JOINS * passed))
        # A step must have room for its decoding tokens and the prompts of the requests that replace finished requests.
        decoding = min(decoding, max(1.0, whole * work.steps / (work.input_tokens + work.steps)))
        context = work.input_tokens + work.output_tokens / 2
        step = times.decode(round(decoding), round(decoding) * context)
        together = max(1.0, decoding / work.steps)
        return self._prompts(together, decoding, context) + work.steps * step / decoding

    def _prompts(self, together: float, decoding: float, context: float) -> float:
        """Return the seconds that the prompt of a request adds to the steps, if `together` prompts share a step."""
        times, tokens = self.times, self.work.input_tokens
        mixed = round(decoding) if self.profile.admission == "continuous" and decoding > 1 else 0
        room = max(1, self.prefill_tokens - mixed)
        without = times.decode(mixed, mixed * context) if mixed else 0.0
        if tokens > room:
            seconds, done = 0.0, 0
            while done < tokens:
                chunk = min(room, tokens - done)
                seconds += times.step([(chunk, done)], mixed, mixed * context) - without
                done += chunk
            return seconds
        several = max(1, min(round(together), room // tokens))
        return (times.step([(tokens, 0)] * several, mixed, mixed * context) - without) / several


@dataclass(frozen=True)
class Carried:
    """Throughput and latency of copies under a load."""

    requests_per_second: float
    seconds: float
    """Mean latency of an answer."""


@lru_cache(maxsize=4096)
def carried(speed: CopySpeed, copies: int, *, users: int | None, requests_per_second: float | None) -> Carried:
    """Return throughput and latency of the copies, either for users in a closed loop or for requests that arrive at a
    rate.
    """
    if users is not None:
        rate = answered(speed, copies, users)
        return Carried(rate, users / rate)
    offered = requests_per_second or 0.0
    number, most = speed.most
    reached = min(offered, MOST_OF_CAPACITY * copies * most)
    each = reached / copies
    fewest, enough = 1.0, float(number)
    if speed.rate(1) >= each:  # a copy is idle between requests
        return Carried(reached, 1 / speed.rate(1))
    for _ in range(_HALVINGS):
        middle = (fewest + enough) / 2
        fewest, enough = (fewest, middle) if speed.rate(middle) >= each else (middle, enough)
    return Carried(reached, enough / each)


def answered(speed: CopySpeed, copies: int, users: int) -> float:
    """Return the throughput in requests a second for users in a closed loop. Each request goes to a random copy."""
    group = -(-users // _GROUPS)
    number = max(1, round(users / group))
    full = min(number, -(-speed.most_running // group))
    rates = [speed.rate(count * group) / group for count in range(1, full + 1)]
    rates += rates[-1:] * (number - full)
    fastest = max(rates)
    # Weights of the product form, as logarithms, by the number of groups on one copy and in the frontend.
    alone, away = [0.0], [0.0]
    frontend = max(copies * speed.profile.frontend_seconds * fastest, _INSTANT)
    for count, rate in enumerate(rates, 1):
        alone.append(alone[-1] + log(fastest / rate))
        away.append(away[-1] + log(frontend / count))
    shift = max(map(float.__sub__, away, alone))
    whole = _convolved([exp(weight - shift) for weight in away], _power([exp(weight) for weight in alone], copies))
    return copies * fastest * group * whole[number - 1] / whole[number]


def _power(weights: list[float], copies: int) -> list[float]:
    """Return the product-form weights of `copies` copies together, by their total number of groups.

    `weights` belong to one copy.
    """
    result, square = [1.0] + [0.0] * (len(weights) - 1), weights
    while copies:
        if copies % 2:
            result = _convolved(result, square)
        copies //= 2
        if copies:
            square = _convolved(square, square)
    return result


def _convolved(one: list[float], other: list[float]) -> list[float]:
    length = len(one)
    turned = other[::-1]
    result = [sum(map(float.__mul__, one[: size + 1], turned[length - 1 - size :])) for size in range(length)]
    largest = max(result)
    return [value / largest for value in result]
