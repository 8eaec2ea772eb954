"""Layouts of a component that were compared: degree and copies, with what they would answer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from replicas.sizing.copies import SizedCopy


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A tensor-parallel degree and a number of copies of a component, beside the other components of its endpoint."""

    accelerators: int
    """Accelerators of a copy."""
    copies: int
    requests_at_once: int
    """Requests of the load's lengths that a copy holds at once."""
    full_requests_at_once: int
    """Requests of `max_total_tokens` that a copy holds at once."""
    holds_floor: bool
    """True if it holds the floor of service."""
    requests_per_second: float | None
    """Requests that all copies answer at the load, by the bounds of the forecast; None if they are not known."""
    usd_per_million_output_tokens: float | None
    """Price of the instances over the tokens that they generate; None without a price, a rate, or tokens."""
    chosen: bool

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of the layout, which is part of the plan's document."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The copy that is planned for a component, and the layouts that were compared."""

    copy: SizedCopy
    layouts: tuple[Layout, ...] = ()
    """Empty if there was nothing to choose."""
    warning: str | None = None
    """Why the cost did not decide; None if it did."""
