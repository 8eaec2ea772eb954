"""Results of rules as data: findings, and questions that are not judged. `replicas.rules.wording` writes their text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from replicas.endpoint.identity import Subject
from replicas.endpoint.packing import NotJudged
from replicas.endpoint.values import Unknown
from replicas.rules.shortage import Shortage

Quantity = Literal[
    "accelerators",
    "ami",
    "batch",
    "ceiling",
    "claims",
    "configuration",
    "copies",
    "cpus",
    "degree",
    "endpoint",
    "existence",
    "instance type",
    "instances",
    "least instances",
    "memory",
    "most instances",
    "scaled component",
    "variant",
]
"""A setting whose value can be unknown."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One place where a rule is broken, as yielded by the function of the rule."""

    subject: Subject
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """Given and allowed values, by the names of the placeholders in the messages."""
    kind: str = ""
    """The kind of fault, if the rule can be broken in several ways; otherwise empty."""
    shortage: Shortage | None = None
    """For rules about capacity: the copies, the instances, and the changes after which the copies fit."""
    certain: bool = True
    """False if it is unknown whether AWS or the engine refuses the resource. The finding is then always a warning."""


@dataclass(frozen=True, kw_only=True)
class Finding(Case):
    """A broken rule, with the resource that breaks it and the numbers."""

    rule: str

    @property
    def key(self) -> str:
        """Key of this finding's messages in `replicas.rules.wording`."""
        return f"{self.rule}/{self.kind}" if self.kind else self.rule


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search for a placement that ended without an answer."""

    placed: Literal["all copies", "the ceiling", "a roll"]
    """The copies that the search tried to place."""
    packing: NotJudged
    instance_type: str
    batch_copies: int = 0
    """Number of copies that the rolling update starts."""


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """A question that is not judged, with the reason."""

    subject: Subject
    question: str
    """The question, for example `whether all copies fit`; empty if no rule can judge the subject."""
    quantity: Quantity | None = None
    """The unknown setting; None if `unknown` describes it fully."""
    unknown: Unknown | None = None
    """Why the setting is unknown; None if the setting is absent."""
    given: str | None = None
    """The setting as it is written in the template; None if quoting it would not help."""
    search: Search | None = None
    """The search that ended without an answer, given instead of `unknown`."""
    remedies: tuple[str, ...] = ()
    """Options of `replicas check` that supply the missing value, for example `--model Component=MODEL`.
    Options for the parameters of `unknown` are derived from it."""

    @property
    def why(self) -> str:
        """Why the question is not judged."""
        if self.search:
            return self.search.packing.why
        return self.unknown.why if self.unknown else "the setting is absent"
