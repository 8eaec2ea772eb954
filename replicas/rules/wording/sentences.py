"""Code that both vocabularies share: the sentence of a finding, and the format of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from replicas.rules.declaration import Rule
from replicas.rules.finding import Finding

_LONGEST = 2000
"""Characters of the longest sentence that is printed whole."""


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A finding in words. In the texts of a table, names in braces are names of the finding's numbers."""

    what: str
    """Text of the case, with the numbers."""
    fix: str
    """Text of the nearest change that fixes the case."""

    def filled(self, numbers: Mapping[str, Any]) -> Sentence:
        """Return the sentence with the numbers of one finding filled in."""
        return Sentence(what=self.what.format(**numbers), fix=self.fix.format(**numbers))


def why_of(rule: Rule, finding: Finding) -> str:
    """Text that states what a finding costs."""
    return rule.why.format(**finding.numbers)


def shortened(text: str) -> str:
    """A sentence without the middle of a very long value that it quotes from a template."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} [...] {text[-_LONGEST // 4 :]}"


def plain(number: Fraction | int) -> str:
    """A number without needless digits."""
    return str(int(number)) if Fraction(number).denominator == 1 else f"{float(number):g}"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun: `1 copy`, `2 copies`."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"
