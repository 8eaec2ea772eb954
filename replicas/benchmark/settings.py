"""What a benchmark does: the same settings give comparable runs, and a run can only be resumed with its own."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_USERS = (100, 500)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One benchmark. Users are a closed loop: each asks, waits for its answer, and asks again at once."""

    duration_seconds: float = 90.0
    """From the first request on; what is in flight then is waited for, as the article's tool does."""
    input_tokens: int = 1000
    output_tokens: int = 50
    fixed_prompt: bool = False
    """One prompt for all, as in the article: an engine that caches prefixes answers it from its cache."""
    stream: bool = True
    ramp_seconds: float = 0.0
    """Over how long the users start; 0: all at once."""
    warmup_requests: int = 8
    seed: int = 0
