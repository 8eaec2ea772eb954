"""Compares the values that a parser has read with the values that were set."""

from __future__ import annotations

import argparse
from collections.abc import Mapping


def misread(given: Mapping[str, str], parsed: argparse.Namespace) -> dict[str, str]:
    """Return the settings that the parser reads with another value, by the names of their arguments."""
    return {
        name: f"{value!r} is read as {getattr(parsed, name, None)!r}"
        for name, value in given.items()
        if not _is_same(value, getattr(parsed, name, None))
    }


def _is_same(value: str, setting: object) -> bool:
    if isinstance(setting, bool) or setting is None:
        return str(setting or False).lower() == value.lower()
    return float(value) == setting if isinstance(setting, (int, float)) else value == setting
