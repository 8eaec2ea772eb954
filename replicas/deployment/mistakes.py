"""Error messages for mistakes in a user's file: Python's error, and the change that fixes it."""

from __future__ import annotations

import builtins
import dataclasses
import re
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from replicas.deployment import deployment, options
from replicas.deployment.calls import call_in_words
from replicas.deployment.near import near

_OF_OTHER_LANGUAGES = {"true": "True", "false": "False", "null": "None", "none": "None", "nil": "None"}
_PATH_OF_MODULE = re.compile(r"(?<=') \(/.*\.py\)$")
_MISSING_COMMA = re.compile(r"object is not callable|object is not subscriptable|indices must be integers")
"""Python's messages for two expressions without a comma between them: Python calls or indexes the first expression."""


def in_words(fault: Exception, source: bytes, line: int | None) -> str:
    """Return an error message with the mistake in a file and the change that fixes it.

    Args:
        fault: the error that Python raised.
        source: the text of the file.
        line: the line of the file that raised it, if it is known.

    """
    names = _names(fault)
    sentence = call_in_words(fault, source, line, names, _classes()) if isinstance(fault, TypeError) else None
    return sentence or f"{type(fault).__name__}: {_PATH_OF_MODULE.sub('', str(fault))}{_hint(fault, names)}"


def _names(fault: Exception) -> Mapping[str, Any]:
    """Return the names that are visible to the code that raised an error, without Python's built-in names."""
    entry = fault.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    return {**entry.tb_frame.f_globals, **entry.tb_frame.f_locals} if entry else {}


def _hint(fault: Exception, names: Mapping[str, Any]) -> str:
    """Return the end of an error message, which is the change that fixes the mistake; empty if no change is known."""
    name = getattr(fault, "name", None)
    if isinstance(fault, TypeError):
        return "; is a comma missing before the bracket?" if _MISSING_COMMA.search(str(fault)) else ""
    if not isinstance(name, str):
        return ""
    if isinstance(fault, ModuleNotFoundError):
        return _import_of("Component, Deployment") if name.startswith("replicas.") else near(name, ["replicas"])
    if isinstance(fault, ImportError):
        missing = re.search(r"cannot import name '(\w+)'", str(fault))
        return _class_hint(missing[1], {}) if missing and name.startswith("replicas") else ""
    return _class_hint(name, names) if isinstance(fault, NameError) else ""


def _class_hint(name: str, names: Mapping[str, Any]) -> str:
    if name in _OF_OTHER_LANGUAGES:
        return f"; write {_OF_OTHER_LANGUAGES[name]}"
    if name in _classes():
        return _import_of(name)
    own = [known for known in names if not known.startswith("_") and known not in vars(builtins)]
    return near(name, [*_classes(), *own])


def _import_of(names: str) -> str:
    return f"; write: from replicas import {names}"


@cache
def _classes() -> Mapping[str, Any]:
    """Return the classes with which a user's file declares deployments, by name."""
    modules: tuple[ModuleType, ...] = (deployment, options)
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == module.__name__
    }
