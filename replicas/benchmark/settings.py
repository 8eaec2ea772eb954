"""Settings of a benchmark. Runs with the same settings are comparable; a run is resumed only with its own settings."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_USERS = (100, 500)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a closed-loop benchmark: each user waits for its answer and then sends the next request at once."""

    duration_seconds: float = 90.0
    """Time in which users send requests. Requests in flight at its end are awaited, as the article's tool does."""
    input_tokens: int = 1000
    output_tokens: int = 50
    fixed_prompt: bool = False
    """Send one prompt in all requests, as in the article. An engine with a prefix cache then hits it every time."""
    stream: bool = True
    ramp_seconds: float = 0.0
    """Time over which users start. 0: all at once."""
    warmup_requests: int = 8
    seed: int = 0
