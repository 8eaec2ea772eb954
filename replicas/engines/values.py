"""Values of environment variables that the argument parser of an engine refuses, from the engine's table of variables.

In the table, `values` lists the names of variables by form: `count` (an integer of at least 0), `positive` (an integer
of at least 1), `integer`, `number`, `object` (a JSON object), `json` (any JSON), `switch` (true or false), `boolean`
(the same in small letters), `truth` (what pydantic reads as a bool) and `module` (NAME=PATH or a JSON object).
`choices` has the values that a variable accepts. `needs` lists the switches with which the engine starts only if
another variable is set.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_UNIT = re.compile(r"\b(\d+(?:\.\d+)?)[kKmMgGtT]\b", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)


def refused_values(table: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each variable whose value the engine's parser refuses, with the reason.

    Args:
        table: the engine's table of variables.
        environment: the variables with their values, without those that the container drops.

    """
    for form, names in table.get("values", {}).items():
        accepts, reason = FORMS[form]
        for name in names:
            if name in environment and not accepts(environment[name].strip()):
                yield name, reason
    for name, choices in table.get("choices", {}).items():
        if name in environment and environment[name] not in choices:
            yield name, f"it is not one of {', '.join(choices)}"
    for entry in table.get("needs", ()):
        if environment.get(entry["name"], "").lower() == "true" and entry["other"] not in environment:
            yield entry["name"], f"it needs {entry['other']} ({entry['source']})"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _is_json(text: str) -> bool:
    """Return whether a text is JSON. Numbers may have a unit (`_expand_json_human_readable_numbers` in
    vllm/engine/arg_utils.py).
    """
    try:
        json.loads(_UNIT.sub(r"\1", text))
    except (ValueError, RecursionError):
        return False
    return True


def _is_integer(text: str, least: float = -math.inf) -> bool:
    return bool(_INTEGER.fullmatch(text)) and int(text) >= least


FORMS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "count": (lambda text: _is_integer(text, 0), "it is not an integer of at least 0"),
    "positive": (lambda text: _is_integer(text, 1), "it is not an integer of at least 1"),
    "integer": (_is_integer, "it is not an integer"),
    "number": (_is_number, "it is not a number"),
    "object": (_is_object, "it is not a JSON object"),
    "json": (_is_json, "it is not JSON"),
    "truth": (
        lambda text: text.lower() in ("true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n"),
        "it is not true or false",
    ),
    "module": (
        lambda text: not text or _is_object(text) or ("," not in text and text.count("=") == 1),
        "it is neither NAME=PATH nor a JSON object",
    ),
    "boolean": (lambda text: text in ("true", "false"), "it is not true or false, in small letters"),
    "switch": (lambda text: text.lower() in ("true", "false"), "a switch must be true or false"),
}
"""Test of a value, and the reason of its refusal, by form."""
