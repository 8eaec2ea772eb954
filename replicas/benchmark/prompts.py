"""Prompts of a requested length, made of words that are one token each in most vocabularies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

_WORDS = (Path(__file__).parent / "data" / "words.txt").read_text().split()
_ASK = "Write a long story about all of this."
_OWN_WORDS = 24
"""Random words at the start of each prompt, so that no two prompts share a prefix."""
_PAGES = 8


def prompts(input_tokens: int, *, fixed: bool, seed: int) -> Iterator[str]:
    """Yield prompts of about `input_tokens` tokens without end. With `fixed` all are the same; else no two start alike.

    The rest of each prompt is a random page of one long text, which is cheap to generate.
    """
    chance = random.Random(seed)  # noqa: S311 (nothing secret)
    words = max(1, input_tokens - len(_ASK.split()) - 2)  # 2: the full stop, and the start-of-sequence token
    own = min(words, _OWN_WORDS)
    shared = words - own
    text = chance.choices(_WORDS, k=_PAGES * shared)
    pages = [" ".join(text[begin : begin + shared]) for begin in range(0, len(text), max(1, shared))] or [""]
    prompt = None
    while True:
        if prompt is None or not fixed:
            prompt = " ".join([*chance.choices(_WORDS, k=own), chance.choice(pages), _ASK]).replace("  ", " ")
        yield prompt
