"""Sentences about mistakes in a user's file: Python's error, and for a misspelt name the most similar existing one."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from replicas.deployment import deployment, options

_OF_A_CLASS = re.compile(
    r"(?P<class>\w+)\.__init__\(\) (?:"
    r"got an unexpected keyword argument '(?P<unknown>\w+)'"
    r"|missing \d+ required keyword-only arguments?: (?P<missing>.+)"
    r"|takes 1 positional argument but )"
)
_QUOTED = re.compile(r"'(\w+)'")
_NEAR = 0.6
"""Minimum similarity (`difflib`) of a suggested name."""


def in_words(fault: Exception, source: bytes, line: int | None) -> str:
    """Return a sentence about the mistake in a file and the change that fixes it.

    Args:
        fault: the error that Python raised.
        source: the text of the file.
        line: the line of the file that raised it, if it is known.

    """
    text = str(fault)
    match = _OF_A_CLASS.search(text) if isinstance(fault, TypeError) else None
    if match is None or match["class"] not in _classes():
        return f"{type(fault).__name__}: {text}{_hint(fault)}"
    name = match["class"]
    if match["unknown"]:
        unknown = _unknown_keywords(source, name, line) or [match["unknown"]]
        return "; ".join(f"{name} has no field {keyword!r}; {_near_field(name, keyword)}" for keyword in unknown)
    if match["missing"]:
        needed = _QUOTED.sub(r"\1=...", match["missing"])
        return f"{name} needs {needed}"
    return f"{name} takes named arguments only: {name}({next(iter(_fields(name)))}=...)"


def near(given: str, known: Iterable[str]) -> str:
    """Return the end of a sentence with the names most similar to a given one; empty if none is similar."""
    lowered = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(given.lower(), lowered, n=3, cutoff=_NEAR)
    return f"; near: {', '.join(lowered[name] for name in matches)}" if matches else ""


def _hint(fault: Exception) -> str:
    """Return a hint with names similar to one that Python did not find."""
    name = getattr(fault, "name", None)
    if isinstance(fault, ModuleNotFoundError) or not isinstance(name, str):
        return ""
    if isinstance(fault, NameError):
        return near(name, _classes())
    if isinstance(fault, ImportError):
        missing = re.search(r"cannot import name '(\w+)'", str(fault))
        return near(missing[1], _classes()) if missing and name.startswith("replicas") else ""
    return ""


def _near_field(class_name: str, keyword: str) -> str:
    fields = _fields(class_name)
    return near(keyword, fields).removeprefix("; ") or f"it has: {', '.join(fields)}"


def _fields(class_name: str) -> list[str]:
    return [field.name for field in dataclasses.fields(_classes()[class_name])]


@cache
def _classes() -> Mapping[str, Any]:
    """Return the classes that a user's file declares deployments with, by name."""
    modules: tuple[ModuleType, ...] = (deployment, options)
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == module.__name__
    }


def _unknown_keywords(source: bytes, class_name: str, line: int | None) -> list[str]:
    """Return the keywords in calls of a class at a line that the class does not have."""
    fields = _fields(class_name)
    called = [
        call for call in _calls(source, class_name) if line is None or call.lineno <= line <= (call.end_lineno or 0)
    ]
    given = [keyword.arg for call in called for keyword in call.keywords if keyword.arg]
    return list(dict.fromkeys(keyword for keyword in given if keyword not in fields))


def _calls(source: bytes, class_name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
            if name == class_name:
                yield node
