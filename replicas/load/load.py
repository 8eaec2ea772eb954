"""Data model of the load of an endpoint, and its validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, isfinite, log, sqrt

from replicas.deployment.bounds import MAX_REQUEST_TOKENS, MAX_REQUESTS_PER_SECOND, MAX_USERS
from replicas.load.document import LoadDocument, TraceDocument
from replicas.load.trace import Trace
from replicas.units import rate_text

MAX_DISTINCT_PROMPTS = 100_000
"""Maximum number of prompts that a load repeats. With more prompts, a prefix cache has almost no hits."""
MAX_BURST = 1_000_000
"""Maximum number of requests of a burst, the same as for a trace."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """A load. It has exactly one of `users`, `requests_per_second`, `burst` and `trace`.

    Lengths are fixed, lognormal (with a standard deviation), or recorded in the trace.
    """

    users: int | None = None
    """Users in a closed loop without think time: each user sends its next request when an answer ends."""
    requests_per_second: float | None = None
    """Mean rate of arrivals that do not wait for answers (Poisson)."""
    burst: int | None = None
    """Number of requests that arrive at once, at the beginning."""
    trace: Trace | None = None
    """Requests that arrive at recorded times, with recorded lengths."""
    input_tokens: int = 0
    """Length of a prompt, or the mean length if lengths vary."""
    output_tokens: int = 0
    """Length of an answer, or the mean length if lengths vary; 0 for embeddings and scores."""
    input_stddev: float = 0.0
    """Standard deviation of the lognormal length of a prompt, tokens; 0 for prompts of the same length."""
    output_stddev: float = 0.0
    """Standard deviation of the lognormal length of an answer, tokens; 0 for answers of the same length."""
    shared_tokens: int = 0
    """Tokens of the common beginning of all prompts, which an engine may cache."""
    distinct_prompts: int | None = None
    """Number of different prompts. Each request repeats one of them, drawn at random; None if no prompt is repeated."""
    max_input_tokens: int | None = None
    """Longest prompt that the endpoint accepts. Longer drawn prompts are cut to this length."""
    max_total_tokens: int | None = None
    """Longest prompt plus answer that the endpoint accepts. Longer drawn requests are cut to this length."""

    @classmethod
    def of_trace(cls, trace: Trace) -> Load:
        """Return the load that replays a trace. Its token counts are the means of the trace."""
        return cls(
            trace=trace, input_tokens=round(trace.input_tokens_mean), output_tokens=round(trace.output_tokens_mean)
        )

    @property
    def is_varied(self) -> bool:
        """True if the requests differ in length."""
        return bool(self.input_stddev or self.output_stddev or self.trace)

    @property
    def has_shared_prompts(self) -> bool:
        """True if prompts, or beginnings of prompts, repeat, so that a prefix cache has hits."""
        repeats = self.trace is not None and any(request.hash_ids for request in self.trace.requests)
        return bool(self.shared_tokens or self.distinct_prompts is not None or repeats)

    @property
    def has_end(self) -> bool:
        """True if the load has a fixed number of requests, not a duration."""
        return self.burst is not None or self.trace is not None

    @property
    def offered(self) -> float | None:
        """Arrival rate of a rate or a trace, requests a second: the inverse of the mean time between arrivals.

        For a trace of `n` requests the rate is `(n - 1) / (last arrival - first arrival)`. None for users, a burst, and
        a trace whose requests all arrive at once.
        """
        return self.requests_per_second if self.trace is None else self.trace.requests_per_second

    @property
    def at_once(self) -> int | None:
        """Number of simultaneous requests: of users, of a burst, or of a trace whose requests all arrive at one moment.

        None for arrivals over time.
        """
        if self.trace is not None:
            return len(self.trace.requests) if self.offered is None else None
        return self.burst if self.users is None else self.users

    @property
    def longest_tokens(self) -> int:
        """Tokens of a long request, prompt plus answer: the longest request of a trace; for other loads, the sum of the
        99th percentiles of both lengths.
        """
        if self.trace is not None:
            return max(request.input_tokens + request.output_tokens for request in self.trace.requests)
        own = _percentile_99(self.input_tokens - self.shared_tokens, self.input_stddev)
        return self.shared_tokens + own + _percentile_99(self.output_tokens, self.output_stddev)

    def part(self, share: float) -> Load:
        """Return the part of the load that `share` (0 to 1) of the copies receives."""
        if share == 1:
            return self
        if self.trace is not None:
            kept = [
                request
                for number, request in enumerate(self.trace.requests)
                if int((number + 1) * share) > int(number * share)
            ]
            return Load.of_trace(Trace(tuple(kept) or self.trace.requests[:1]))
        return replace(
            self,
            users=None if self.users is None else max(1, round(self.users * share)),
            burst=None if self.burst is None else max(1, round(self.burst * share)),
            requests_per_second=None if self.requests_per_second is None else self.requests_per_second * share,
        )

    def saturating(self, users: int) -> Load:
        """Return a load of the same lengths that keeps copies busy.

        The load has `users` users in a closed loop. A trace becomes a burst of its first `10 * users` requests.
        """
        if self.trace is None:
            return replace(self, users=users, requests_per_second=None, burst=None)
        first = [replace(request, seconds=0.0) for request in self.trace.requests[: 10 * users]]
        return Load.of_trace(Trace(tuple(first)))

    def to_document(self) -> LoadDocument:
        """Return the JSON document (`replicas.load.document.LoadDocument`)."""
        trace: TraceDocument | None = None
        if self.trace is not None:
            trace = {"requests": len(self.trace.requests), "seconds": self.trace.seconds}
        return {
            "users": self.users,
            "requests_per_second": self.requests_per_second,
            "burst": self.burst,
            "trace": trace,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "input_stddev": self.input_stddev,
            "output_stddev": self.output_stddev,
            "shared_tokens": self.shared_tokens,
            "distinct_prompts": self.distinct_prompts,
        }

    @property
    def description(self) -> str:
        """Description of the arrivals, without lengths: `100 users`, `2.5 requests a second`."""
        if self.users is not None:
            return f"{self.users:,} users"
        if self.burst is not None:
            return f"a burst of {self.burst:,} requests"
        if self.trace is not None:
            return f"the trace of {len(self.trace.requests):,} requests"
        return f"{rate_text(self.requests_per_second or 0.0)} requests a second"

    def problems(self) -> list[str]:
        """Return the faults of the load; empty if there are none."""
        return [*self._arrival_problems(), *self.length_problems(), *self._prompt_problems()]

    def _arrival_problems(self) -> Iterator[str]:
        arrivals = {
            "users": self.users,
            "requests_per_second": self.requests_per_second,
            "burst": self.burst,
            "trace": None if self.trace is None else len(self.trace.requests),
        }
        given = [f"{name}={value}" for name, value in arrivals.items() if value is not None]
        if len(given) != 1:
            yield f"{', '.join(given) or 'no load'}: give exactly one of users, requests_per_second, burst and trace"
        if self.users is not None and not 1 <= self.users <= MAX_USERS:
            yield f"users={self.users}: 1 to {MAX_USERS:,}"
        rate = self.requests_per_second
        if rate is not None and not 0 < rate <= MAX_REQUESTS_PER_SECOND:
            yield f"requests_per_second={rate}: more than 0, at most {MAX_REQUESTS_PER_SECOND:,}"
        if self.burst is not None and not 1 <= self.burst <= MAX_BURST:
            yield f"burst={self.burst}: 1 to {MAX_BURST:,}"

    def length_problems(self) -> Iterator[str]:
        """Yield the faults of the lengths."""
        least = (("input_tokens", self.input_tokens, 1), ("output_tokens", self.output_tokens, 0))
        for name, tokens, bound in least:
            if tokens < bound:
                yield f"{name}={tokens}: at least {bound}"
            elif tokens > MAX_REQUEST_TOKENS:
                yield f"{name}={tokens}: at most {MAX_REQUEST_TOKENS:,}, the longest context of a published model"
        spreads = (
            ("input_stddev", self.input_stddev, self.input_tokens - self.shared_tokens),
            ("output_stddev", self.output_stddev, self.output_tokens),
        )
        for name, stddev, varying in spreads:
            if not (isfinite(stddev) and 0 <= stddev <= MAX_REQUEST_TOKENS):
                yield f"{name}={stddev:g}: 0 to {MAX_REQUEST_TOKENS:,}"
            elif stddev and self.trace:
                yield f"{name}={stddev:g}: a trace states the length of each request: leave it out"
            elif stddev and varying <= 0 and name == "input_stddev" and self.input_tokens > 0:
                yield (
                    f"input_stddev={stddev:g} and shared_tokens={self.shared_tokens} of input_tokens="
                    f"{self.input_tokens}: the whole prompt is shared, so its length cannot vary"
                )
            elif stddev and varying == 0 and name == "output_stddev":
                yield f"output_stddev={stddev:g}: output_tokens=0 cannot vary: leave output_stddev out"

    def _prompt_problems(self) -> Iterator[str]:
        if not 0 <= self.shared_tokens <= max(0, self.input_tokens):
            yield f"shared_tokens={self.shared_tokens}: 0 to input_tokens={self.input_tokens}"
        if self.distinct_prompts is not None and not 1 <= self.distinct_prompts <= MAX_DISTINCT_PROMPTS:
            yield f"distinct_prompts={self.distinct_prompts}: 1 to {MAX_DISTINCT_PROMPTS:,}"
        if self.trace and (self.shared_tokens or self.distinct_prompts is not None):
            yield (
                "shared_tokens and distinct_prompts do not apply to a trace, whose hash_ids mark common parts of "
                "prompts"
            )


@lru_cache(maxsize=64)
def lognormal(mean: float, stddev: float) -> tuple[float, float]:
    """Return mean and standard deviation of the logarithm of a lognormal length with the given mean and deviation."""
    variance = log(1 + (stddev / mean) ** 2)
    return log(mean) - variance / 2, sqrt(variance)


def _percentile_99(mean: int, stddev: float) -> int:
    if not stddev or mean <= 0:
        return mean
    middle, deviation = lognormal(mean, stddev)
    return round(exp(middle + 2.326 * deviation))
