"""Prompts of an asked length: words that most vocabularies hold as one token each."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

_WORDS = (Path(__file__).parent / "data" / "words.txt").read_text().split()
_ASK = "Write a long story about all of this."
_OWN_WORDS = 24
"""At the beginning of a prompt: enough that no two begin alike."""
_PAGES = 8


def prompts(input_tokens: int, *, fixed: bool, seed: int) -> Iterator[str]:
    """Endless prompts of about so many tokens; they differ from their first words on, unless one is fixed.

    After its first words a prompt goes on somewhere in one long text: making it costs next to nothing.
    """
    chance = random.Random(seed)  # noqa: S311 (nothing secret)
    words = max(1, input_tokens - len(_ASK.split()) - 2)  # the full stop, and the beginning of the sequence
    own = min(words, _OWN_WORDS)
    shared = words - own
    text = chance.choices(_WORDS, k=_PAGES * shared)
    pages = [" ".join(text[begin : begin + shared]) for begin in range(0, len(text), max(1, shared))] or [""]
    prompt = None
    while True:
        if prompt is None or not fixed:
            prompt = " ".join([*chance.choices(_WORDS, k=own), chance.choice(pages), _ASK]).replace("  ", " ")
        yield prompt
