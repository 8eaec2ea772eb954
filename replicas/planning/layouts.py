"""Compared layouts of a component: tensor-parallel degree, copies and estimated throughput."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from replicas.sizing.copies import SizedCopy


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A tensor-parallel degree of a component, with the number of copies that fit and their throughput."""

    accelerators: int
    """Accelerators of a copy."""
    copies: int
    requests_at_once: int
    """Requests of the load's lengths that a copy can run at the same time."""
    full_requests_at_once: int
    """Requests of `max_total_tokens` that a copy can run at the same time."""
    holds_floor: bool
    """True if a copy reaches the required concurrency (`LEAST_AT_ONCE`, `LEAST_FULL_AT_ONCE` in choosing.py)."""
    requests_per_second: float | None
    """Estimated throughput of all copies at the load; None if the speed is not known."""
    usd_per_million_output_tokens: float | None
    """Price of the instances divided by the generated tokens; None without a price, a rate, or generated tokens."""
    chosen: bool

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of the layout, which is part of the plan's document."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The copy that is planned for a component, and the layouts that were compared."""

    copy: SizedCopy
    layouts: tuple[Layout, ...] = ()
    """Compared layouts; empty if only one degree was possible."""
    warning: str | None = None
    """Reason why the degree was not chosen by cost; None if it was chosen by cost or only one was possible."""
