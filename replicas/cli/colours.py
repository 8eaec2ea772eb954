"""Colours of messages: red for errors, yellow for warnings, green for success, magenta for open questions,
cyan for steps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

STOP: Final = "bold red"
WARN: Final = "yellow"
WELL: Final = "green"
OPEN: Final = "magenta"
NEXT: Final = "cyan"
ASIDE: Final = "dim"

_KEYWORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "problem": STOP,
        "refused": STOP,
        "not deleted": STOP,
        "warning": WARN,
        "interrupted": WARN,
        "not finished": WARN,
        "not judged": OPEN,
        "not searched": OPEN,
        "fix": NEXT,
        "give": NEXT,
        "next": NEXT,
        "note": ASIDE,
        "why": ASIDE,
        "acknowledged": ASIDE,
    }
)
"""Styles of keywords before the first colon of a line."""

_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ok": WELL,
        "fault": STOP,
        "unknown": OPEN,
        "InService": WELL,
        "Failed": STOP,
        "Creating": WARN,
        "Updating": WARN,
        "RollingBack": WARN,
        "SystemUpdating": WARN,
        "Deleting": WARN,
        "OutOfService": STOP,
        "UpdateRollbackFailed": STOP,
    }
)
"""Styles of the states of checks (`replicas.preflight.checks.State`) and of SageMaker resources."""

_COUNTS = re.compile(r"^(?:\d+ templates?: )?(\d+) problems?, (\d+) warnings?(?:, (\d+) not judged)?$")


def keyword_of(line: str) -> tuple[int, int, str] | None:
    """Return start, end and style of a keyword at the start of a line; None if the line has no keyword."""
    start = len(line) - len(line.lstrip())
    word, colon, _ = line[start:].partition(":")
    style = _KEYWORDS.get(word)
    return (start, start + len(word) + 1, style) if colon and style else None


def style_of_state(cell: str) -> str:
    """Return the style of the state in a cell of a table; empty if the cell contains no state."""
    return _STATES.get(cell.strip(), "")


def style_of_line(line: str) -> str:
    """Return the style of a whole line: the style of the worst finding for the summary line of a check, else empty."""
    counts = _COUNTS.match(line)
    if counts is None:
        return ""
    for count, style in zip(counts.groups(), (STOP, WARN, OPEN), strict=True):
        if count and int(count):
            return style
    return WELL
