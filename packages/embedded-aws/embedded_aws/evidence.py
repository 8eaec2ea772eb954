"""Evidence that AWS refuses a request: a required argument of every refusal.

`docs/embedded-aws.md` lists all refusals by their evidence; `embedded_aws.refusals` reads them from the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Strength of the evidence that AWS refuses a request."""

    QUOTED = "quoted"
    """The message is AWS's own, quoted in a public source by a user who received it."""
    DOCUMENTED = "documented"
    """AWS's documentation or API model forbids the request; the message is worded by the embedded AWS."""
    ASSUMED = "assumed"
    """No source is known: the embedded AWS takes the strict interpretation of the operation."""
    LIMIT = "limit"
    """AWS accepts the request; the embedded AWS does not implement it."""


@dataclass(frozen=True)
class Evidence:
    """The evidence for one refusal. `source` is empty for the kinds `assumed` and `limit`."""

    kind: Kind
    source: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` if a quoted or documented refusal has no source, or another kind has one."""
        if bool(self.source) != (self.kind in (Kind.QUOTED, Kind.DOCUMENTED)):
            raise ValueError(
                f"evidence of kind {self.kind} with source {self.source!r}: only quoted and documented evidence has a "
                "source"
            )


def quoted(source: str) -> Evidence:
    """Return evidence of AWS's message, quoted in a source: issue, repository file, cdk-preflight rule or web page."""
    return Evidence(Kind.QUOTED, source)


def preflight(rule: str) -> Evidence:
    """Return evidence that a cdk-preflight rule quotes AWS's message, which its author received in a deployment."""
    return quoted(f"cdk-preflight 1.9.1, rule pf-{rule}")


def documented(source: str) -> Evidence:
    """Return evidence that a document of AWS, named by `source`, forbids the request."""
    return Evidence(Kind.DOCUMENTED, source)


ASSUMED = Evidence(Kind.ASSUMED)
LIMIT = Evidence(Kind.LIMIT)
