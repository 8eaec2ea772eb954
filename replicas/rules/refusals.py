"""Refusals that AWS itself words: the words and the public source that quotes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PREFLIGHT = "cdk-preflight 1.9.1, rule pf-"
"""Source of quotes: each of its rules was reproduced by a deployment to AWS."""


@dataclass(frozen=True, kw_only=True)
class Quote:
    """AWS's answer to a request. Names in braces are values of the request."""

    words: str
    source: str
    fix: str
    """The change that mends it, in the words of CloudFormation."""

    def about(self, **values: object) -> Quote:
        """The quote with the values of one request in place of the names in braces."""
        return Quote(words=self.words.format_map(values), source=self.source, fix=self.fix.format_map(values))

    @property
    def numbers(self) -> Mapping[str, str]:
        """The quote under the names that the sentences of a case use."""
        return {"words": self.words, "fix": self.fix, "seen_in": self.source}


def preflight(rule: str, words: str, fix: str) -> Quote:
    """A quote from the evidence of a cdk-preflight rule."""
    return Quote(words=words, source=f"{PREFLIGHT}{rule}", fix=fix)
