"""Settings of a benchmark. Runs with the same settings are comparable. A run can only be resumed with its settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from replicas.load import Load
from replicas.load.options import LoadOptions

DEFAULT_USERS = (100, 500)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that all measurements of a benchmark share."""

    duration_seconds: float = 90.0
    """Time in which requests are sent. Requests in flight at its end are awaited, as in the article's tool."""
    input_tokens: int = 1000
    output_tokens: int = 50
    input_stddev: float = 0.0
    output_stddev: float = 0.0
    shared_tokens: int = 0
    distinct_prompts: int | None = None
    trace: str | None = None
    """File of the trace to replay. The lengths above are then ignored."""
    fixed_prompt: bool = False
    """True to send the same prompt in all requests, as in the article. A prefix cache then hits in every request."""
    stream: bool = True
    ramp_seconds: float = 0.0
    """Time over which users start, seconds; 0 to start all users at once."""
    warmup_requests: int = 8
    seed: int = 0

    def load(
        self, *, users: int | None = None, requests_per_second: float | None = None, burst: int | None = None
    ) -> Load:
        """Return the load of a measurement; without arguments, the replay of the trace.

        Raises:
            TraceError: the trace is faulty.

        """
        if users is None and requests_per_second is None and burst is None and self.trace is not None:
            return LoadOptions(trace=Path(self.trace), duration=self.duration_seconds).load(Load())
        return Load(
            users=users,
            requests_per_second=requests_per_second,
            burst=burst,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            input_stddev=self.input_stddev,
            output_stddev=self.output_stddev,
            shared_tokens=self.shared_tokens,
            distinct_prompts=1 if self.fixed_prompt else self.distinct_prompts,
        )
