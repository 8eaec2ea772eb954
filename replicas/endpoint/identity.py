"""Identifies the resources that findings are about, in a template, a deployment or an API request."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from replicas.endpoint.values import Unknown

Kind = Literal[
    "endpoint",
    "configuration",
    "component",
    "model",
    "role",
    "policy",
    "scaling target",
    "parameter",
    "output",
    "resource",
]

Text = str | Unknown | None
"""A known string, an unknown value, or None if it is absent."""

Number = Fraction | Unknown | None
"""A known number, an unknown value, or None if it is absent."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Identity of a resource that a finding is about.

    `name` is the logical id in a template, the component name in a deployment, and the resource name in an API request.
    """

    kind: Kind
    name: str


def whole(value: Number, *, least: int = 1) -> int | None:
    """Return the value if it is a whole number of at least `least`, else None. Other rules report invalid numbers."""
    if isinstance(value, Fraction) and value.denominator == 1 and value >= least:
        return int(value)
    return None
