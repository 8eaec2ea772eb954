"""What rules say, as data: findings, and questions that are not judged. Vocabularies turn them into sentences."""

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
"""A setting that may not be known."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case in which a rule is broken, as the rule's function yields it."""

    subject: Subject
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """What was given and what is allowed, by the names that the sentences use."""
    kind: str = ""
    """Which of several ways the rule is broken; empty where there is one."""
    shortage: Shortage | None = None
    """Of rules about capacity: copies and instances, and the changes that mend it."""
    certain: bool = True
    """False where it is not known whether it fails: then it is a warning, whatever the rule's severity."""


@dataclass(frozen=True, kw_only=True)
class Finding(Case):
    """A broken rule: which one, of what, with which numbers."""

    rule: str

    @property
    def key(self) -> str:
        """Under which the sentences of a vocabulary are found."""
        return f"{self.rule}/{self.kind}" if self.kind else self.rule


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search for a placement that ended without an answer."""

    placed: Literal["all copies", "the ceiling", "a roll"]
    """What was to be placed."""
    packing: NotJudged
    instance_type: str
    batch_copies: int = 0
    """Copies that the roll starts."""


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """A question that is not judged, and why."""

    subject: Subject
    question: str
    """What is not judged, as `whether all copies fit`; empty for everything about the subject."""
    quantity: Quantity | None = None
    """The setting that is not known; None where `unknown` says it all."""
    unknown: Unknown | None = None
    """Why. None: the setting is not given."""
    given: str | None = None
    """The setting as it is written, where that says something."""
    search: Search | None = None
    """The search that found no answer, in place of `unknown`."""

    @property
    def why(self) -> str:
        """Why it is not judged."""
        if self.search:
            return self.search.packing.why
        return self.unknown.why if self.unknown else "it is not given"
