"""Error messages of AWS, each with the public source that quotes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PREFLIGHT = "cdk-preflight 1.9.1, rule pf-"
"""Source of quotes. Each rule of cdk-preflight was reproduced by a deployment to AWS."""


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A quoted error message of AWS. Names in braces are replaced by values of the request."""

    words: str
    source: str
    fix: str
    """The change that fixes the fault, in CloudFormation terms."""

    def about(self, **values: object) -> Quote:
        """Return the quote with its names in braces replaced by the values of one request."""
        return Quote(words=self.words.format_map(values), source=self.source, fix=self.fix.format_map(values))

    @property
    def numbers(self) -> Mapping[str, str]:
        """The values for the messages of a rule: the quote, the fix and the source."""
        return {"words": self.words, "fix": self.fix, "seen_in": self.source}


def preflight(rule: str, words: str, fix: str) -> Quote:
    """Return a quote from the evidence of a cdk-preflight rule."""
    return Quote(words=words, source=f"{PREFLIGHT}{rule}", fix=fix)
