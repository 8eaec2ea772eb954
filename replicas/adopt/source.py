"""The Python text of an entry of deployments.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import PurePath
from typing import Any

from replicas.deployment.deployment import Deployment

_WIDTH = 120
_STEP = "    "


def source_of(deployment: Deployment) -> str:
    """Return a file with one entry: the fields that differ from their defaults, formatted as `ruff format` does."""
    names = sorted({type(value).__name__ for value in _objects(deployment)})
    line = f"from replicas import {', '.join(names)}"
    if len(line) > _WIDTH:
        line = "from replicas import (\n" + "".join(f"{_STEP}{name},\n" for name in names) + ")"
    entry = _written(deployment, _STEP, ",")
    return f"{line}\n\nDEPLOYMENTS = [\n{_STEP}{entry},\n]\n"


def _objects(value: Any) -> Iterator[Any]:
    """Yield the dataclass instances that are written, outermost first."""
    if is_dataclass(value):
        yield value
        for field in _given(value):
            yield from _objects(getattr(value, field.name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _objects(item)


def _given(value: Any) -> list[Field[Any]]:
    """Return the fields of an instance whose values are not their defaults."""
    return [field for field in fields(value) if getattr(value, field.name) != _default(field)]


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _written(value: Any, indent: str, after: str) -> str:
    """Return the expression of a value: on one line if it fits between `indent` and `after`, else on several lines."""
    flat = _flat(value)
    if flat is not None and len(indent) + len(flat) + len(after) <= _WIDTH:
        return flat
    inner = indent + _STEP
    if is_dataclass(value) and not isinstance(value, type):
        parts = [
            f"{field.name}={_written(getattr(value, field.name), inner, ',' + ' ' * (len(field.name) + 1))}"
            for field in _given(value)
        ]
        brackets = f"{type(value).__name__}(", ")"
    elif isinstance(value, Mapping):
        parts = [f"{_text(key)}: {_written(item, inner, ',')}" for key, item in value.items()]
        brackets = "{", "}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        parts = [_written(item, inner, ",") for item in value]
        brackets = "[", "]"
    else:
        return _text(value)
    lines = "".join(f"{inner}{part},\n" for part in parts)
    return f"{brackets[0]}\n{lines}{indent}{brackets[1]}"


def _flat(value: Any) -> str | None:
    """Return the expression of a value on one line."""
    if is_dataclass(value) and not isinstance(value, type):
        given = ", ".join(f"{field.name}={_flat(getattr(value, field.name))}" for field in _given(value))
        return f"{type(value).__name__}({given})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {_flat(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(str(_flat(item)) for item in value) + "]"
    return _text(value)


def _text(value: Any) -> str:
    """Return a literal with double quotes, as formatters write it."""
    if isinstance(value, PurePath):
        value = str(value)
    if not isinstance(value, str):
        return repr(value)
    text = repr(value)
    inner = text[1:-1]
    if text[0] == "'" and '"' not in inner:
        return f'"{inner}"'
    return text
