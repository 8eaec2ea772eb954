"""Finds the existing names that are most similar to a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_SIMILARITY = 0.6
"""Minimum similarity (`difflib`) of a suggested name."""


def near(given: str, known: Iterable[str]) -> str:
    """Return the end of an error message with the names most similar to a given name; empty if no name is similar."""
    lowered = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(given.lower(), lowered, n=3, cutoff=_SIMILARITY)
    return f"; near: {', '.join(lowered[name] for name in matches)}" if matches else ""


def near_or_all(given: str, known: Iterable[str]) -> str:
    """Return the names most similar to a given name as text; all names if no name is similar."""
    names = list(known)
    return near(given, names).removeprefix("; ") or (f"it has: {', '.join(names)}" if names else "it has none")
