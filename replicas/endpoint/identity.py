"""Names by which an endpoint model is found again: in a template, in a deployment, in an API request."""

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
    "scaling target",
    "parameter",
    "output",
    "resource",
]

Text = str | Unknown | None
"""A text; None where it is absent."""

Number = Fraction | Unknown | None
"""A number; None where it is absent."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a finding is about.

    `name` is the logical id in a template, the name of the component in a deployment, the name of the resource in an
    API request.
    """

    kind: Kind
    name: str


def whole(value: Number, *, least: int = 1) -> int | None:
    """A whole number from `least` up. None for everything else: other rules report it."""
    if isinstance(value, Fraction) and value.denominator == 1 and value >= least:
        return int(value)
    return None
