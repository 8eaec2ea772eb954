"""Prompts of an asked length: words that most vocabularies hold as one token each."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

_WORDS = (Path(__file__).parent / "data" / "words.txt").read_text().split()
_ASK = " Write a long story about all of this."


def prompts(input_tokens: int, *, fixed: bool, seed: int) -> Iterator[str]:
    """Endless prompts of about so many tokens; they differ from their first words on, unless one is fixed."""
    chance = random.Random(seed)  # noqa: S311 (nothing secret)
    words = max(1, input_tokens - len(_ASK.split()) - 2)  # the full stop, and the beginning of the sequence
    prompt = _prompt(chance, words)
    while True:
        yield prompt
        if not fixed:
            prompt = _prompt(chance, words)


def _prompt(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words)) + _ASK
