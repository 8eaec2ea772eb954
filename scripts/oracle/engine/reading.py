"""Compares the values that a parser has read with the values that were set."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping


def misread(given: Mapping[str, str], parsed: argparse.Namespace, parser: argparse.ArgumentParser) -> dict[str, str]:
    """Return the settings whose read value differs from the given value, by the names of their arguments.

    A parser can store an argument under another of its names: SGLang up to 0.5.13 stores `--tp-size` as
    `tensor_parallel_size`.
    """
    stored = {
        option.lstrip("-").replace("-", "_"): action.dest
        for action in parser._actions
        for option in action.option_strings
    }
    read = {name: getattr(parsed, stored.get(name, name), None) for name in given}
    return {
        name: f"{value!r} is read as {read[name]!r}" for name, value in given.items() if not _is_same(value, read[name])
    }


def _is_same(value: str, setting: object) -> bool:
    if isinstance(setting, dict):
        return bool(json.loads(value) == setting)
    if isinstance(setting, bool) or setting is None:
        return str(setting or False).lower() == value.lower()
    return float(value) == setting if isinstance(setting, (int, float)) else value == setting
