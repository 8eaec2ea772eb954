"""Suggestions for a model name that is not in the table: models of the same family, generation and similar size."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

_SIZE = re.compile(r"^(?:(\d+)x)?(\d+(?:\.\d+)?)([bm]?)$")
_FAMILY = re.compile(r"^([a-z]+)(\d+(?:\.\d+)?)?$")
_GENERATION = re.compile(r"^\d(?:\.\d+)?$")
_PUBLISHERS = frozenset({"meta", "nvidia"})
"""First words that are not part of the family's name, such as Meta in Meta-Llama-3.1-8B."""
_KINDS = frozenset({"audio", "coder", "embedding", "guard", "math", "omni", "reranker", "vl", "vision"})
"""Words in a name that mark a variant of the family, such as a coding or a vision model."""

_SIMILAR = 0.75
"""Minimum similarity, 0 to 1, at which a family name counts as a misspelling of another family name."""


@dataclass(frozen=True)
class _Name:
    """The parts of a model's name: family, generation, size and kind."""

    family: str
    generation: str
    kinds: frozenset[str]
    billions: float | None


def near_models(name: str, candidates: Iterable[str], most: int = 3) -> list[str]:
    """Return the candidates most similar to a name, the most similar first.

    The result is empty if no candidate has the name's family and generation. The family may be misspelt; the generation
    (`2.5` of Qwen2.5) must match. Candidates are ordered by the difference in size, then by the similarity of names.
    """
    requested = _read(name)
    read = {candidate: _read(candidate) for candidate in candidates}
    families = {other.family for other in read.values()}
    family = requested.family if requested.family in families else _misspelt(requested.family, families)
    related = {
        candidate: other
        for candidate, other in read.items()
        if other.family == family and other.generation == (requested.generation or other.generation)
    }
    same_kind = {candidate: other for candidate, other in related.items() if other.kinds == requested.kinds}

    def distance(candidate: str) -> tuple[float, float]:
        return _size_distance(requested, related[candidate]), -_similarity(name.lower(), candidate.lower())

    return sorted(same_kind or related, key=distance)[:most]


def _read(name: str) -> _Name:
    words = [word for word in re.split(r"[-_/ ]+", name.lower().rpartition("/")[2]) if word]
    if words and words[0] in _PUBLISHERS:
        words = words[1:]
    family, generation = "", ""
    sizes: list[float] = []
    for place, word in enumerate(words):
        size, letters = _SIZE.match(word), _FAMILY.match(word)
        if place and not generation and not sizes and _GENERATION.match(word):
            generation = word
        elif size:
            sizes.append(int(size[1] or 1) * float(size[2]) * (0.001 if size[3] == "m" else 1))
        elif letters and not generation and not sizes and word not in _KINDS:
            family += letters[1]
            generation = letters[2] or ""
    return _Name(family, generation, _KINDS.intersection(words), sizes[0] if sizes else None)


def _misspelt(family: str, families: Iterable[str]) -> str | None:
    """Return the family that a misspelt word most likely means; None if no family is similar."""
    nearest = max(families, key=lambda other: _similarity(family, other), default="")
    return nearest if _similarity(family, nearest) >= _SIMILAR else None


def _similarity(left: str, right: str) -> float:
    return SequenceMatcher(None, left, right).ratio()


def _size_distance(left: _Name, right: _Name) -> float:
    if not left.billions or not right.billions:
        return 0.0 if left.billions == right.billions else math.inf
    return abs(math.log(left.billions / right.billions))
