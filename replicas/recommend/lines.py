"""Writes deployments as Python lines for deployments.py. Only values that differ from the defaults are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

from replicas.deployment.deployment import Deployment

_WIDTH = 112


def written(deployments: Sequence[Deployment]) -> str:
    """Return the import line, and one entry of `DEPLOYMENTS` for each deployment."""
    names = sorted(set(_names(deployments)))
    entries = "\n".join(f"{_source(deployment, 0)}," for deployment in deployments)
    return f"from replicas.sizing import {', '.join(names)}\n\n{entries}"


def _names(value: Any) -> Iterator[str]:
    if is_dataclass(value):
        yield type(value).__name__
        for _, inner in _non_default_fields(value):
            yield from _names(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _names(inner)


def _non_default_fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields whose values differ from the defaults."""
    for field in fields(value):
        content = getattr(value, field.name)
        if content != _default(field):
            yield field.name, content


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _source(value: Any, indent: int) -> str:
    if isinstance(value, Path):
        return repr(str(value))
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if value.isprintable() else repr(value)
    if is_dataclass(value):
        name = type(value).__name__
        parts = [(f"{key}=", content) for key, content in _non_default_fields(value)]
        return _enclosed(f"{name}(", parts, ")", indent, spread=name in ("Deployment", "Component"))
    if isinstance(value, (list, tuple)):
        return _enclosed("[", [("", content) for content in value], "]", indent, spread=any(map(is_dataclass, value)))
    return repr(value)


def _enclosed(begin: str, parts: Sequence[tuple[str, Any]], end: str, indent: int, *, spread: bool) -> str:
    """Return the parts between `begin` and `end`: on one line if that is short and no part has several lines."""
    single_line = begin + ", ".join(label + _source(content, 0) for label, content in parts) + end
    if not spread and "\n" not in single_line and len(single_line) + indent <= _WIDTH:
        return single_line
    inner = indent + 4
    lines = [f"{' ' * inner}{label}{_source(content, inner)}," for label, content in parts]
    return "\n".join([begin, *lines, f"{' ' * indent}{end}"])
