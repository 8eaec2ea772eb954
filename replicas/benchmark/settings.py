"""Settings of a benchmark. Runs with the same settings are comparable; a run is resumed only with its own settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from replicas.load import Load
from replicas.load.options import LoadOptions

DEFAULT_USERS = (100, 500)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a benchmark, which all its points have in common."""

    duration_seconds: float = 90.0
    """Time in which users send requests. Requests in flight at its end are awaited, as the article's tool does."""
    input_tokens: int = 1000
    output_tokens: int = 50
    input_stddev: float = 0.0
    output_stddev: float = 0.0
    shared_tokens: int = 0
    distinct_prompts: int | None = None
    trace: str | None = None
    """File of the trace whose requests are replayed; the lengths above then have no meaning."""
    fixed_prompt: bool = False
    """Send one prompt in all requests, as in the article. An engine with a prefix cache then hits it every time."""
    stream: bool = True
    ramp_seconds: float = 0.0
    """Time over which users start. 0: all at once."""
    warmup_requests: int = 8
    seed: int = 0

    def load(
        self, *, users: int | None = None, requests_per_second: float | None = None, burst: int | None = None
    ) -> Load:
        """Return the load of a point; without arguments, the replay of the trace.

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
