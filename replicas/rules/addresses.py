"""Replaces logical ids in reports about a Terraform plan by the addresses of its resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

_T = TypeVar("_T")


def with_addresses(content: _T, addresses: Mapping[str, str]) -> _T:
    """Replace every logical id in a text or a report by the address of its Terraform resource."""
    if not addresses:
        return content
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, addresses))})\b")

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(lambda match: addresses[match[0]], value)
        if isinstance(value, tuple):
            return tuple(map(renamed, value))
        if isinstance(value, Mapping):
            return {renamed(key): renamed(item) for key, item in value.items()}
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{each.name: renamed(getattr(value, each.name)) for each in fields(value)})
        return value

    named: _T = renamed(content)
    return named
