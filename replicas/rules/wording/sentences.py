"""Functions that both kinds of wording use: insert the numbers of a finding into a message, and format numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from replicas.rules.declaration import Rule
from replicas.rules.finding import Finding

_LONGEST = 2000
"""Maximum length of a message in characters. Longer messages are shortened."""


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A finding in words. Names in braces are keys of the finding's numbers."""

    what: str
    """The fault, with its numbers."""
    fix: str
    """The smallest change that corrects the fault."""

    def filled(self, numbers: Mapping[str, Any]) -> Sentence:
        """Insert the numbers of a finding into both texts."""
        return Sentence(what=self.what.format(**numbers), fix=self.fix.format(**numbers))


def why_of(rule: Rule, finding: Finding) -> str:
    """Return the consequence of a finding, with its numbers, as a clause."""
    return rule.why.format(**finding.numbers)


def shortened(text: str) -> str:
    """Return a message. The middle of a very long message is omitted."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} [...] {text[-_LONGEST // 4 :]}"


def plain(number: Fraction | int) -> str:
    """Format a number without trailing zeros."""
    return str(int(number)) if Fraction(number).denominator == 1 else f"{float(number):g}"
