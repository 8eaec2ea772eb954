"""Where a refusal has been seen: the argument that every refusal requires.

`docs/embedded-aws.md` lists all refusals by their evidence; `embedded_aws.refusals` reads them from the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How well it is known that AWS refuses a request."""

    QUOTED = "quoted"
    """AWS's own words, quoted in public by somebody who met them."""
    DOCUMENTED = "documented"
    """AWS's documentation or API model forbids the request; the words are those of the embedded AWS."""
    ASSUMED = "assumed"
    """No source is known: the strict reading of what an operation means."""
    LIMIT = "limit"
    """AWS takes the request; the embedded AWS does not model it."""


@dataclass(frozen=True)
class Evidence:
    """The evidence of one refusal. `source` is empty for refusals that are assumed or limits."""

    kind: Kind
    source: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` unless exactly the kinds that need a source have one."""
        if bool(self.source) != (self.kind in (Kind.QUOTED, Kind.DOCUMENTED)):
            raise ValueError(f"evidence of kind {self.kind} with source {self.source!r}")


def quoted(source: str) -> Evidence:
    """AWS's own words, as the source quotes them: a repository with issue or file, a rule of cdk-preflight, a page."""
    return Evidence(Kind.QUOTED, source)


def preflight(rule: str) -> Evidence:
    """AWS's own words, as a rule of cdk-preflight quotes them from a deployment of its failing template."""
    return quoted(f"cdk-preflight 1.9.1, rule pf-{rule}")


def documented(source: str) -> Evidence:
    """A rule that the named document states."""
    return Evidence(Kind.DOCUMENTED, source)


ASSUMED = Evidence(Kind.ASSUMED)
LIMIT = Evidence(Kind.LIMIT)
