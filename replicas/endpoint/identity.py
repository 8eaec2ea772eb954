"""Identities of resources: their names in a template, in a deployment or in an API request."""

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
"""A text; None if it is absent."""

Number = Fraction | Unknown | None
"""A number; None if it is absent."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The resource that a finding is about.

    `name` is the logical id in a template, the name of the component in a deployment, the name of the resource in an
    API request.
    """

    kind: Kind
    name: str


def whole(value: Number, *, least: int = 1) -> int | None:
    """Return the value if it is a whole number of at least `least`, else None. Other rules report invalid numbers."""
    if isinstance(value, Fraction) and value.denominator == 1 and value >= least:
        return int(value)
    return None
