"""Writes the prompts of a load with words that are one token each in most vocabularies."""

from __future__ import annotations

import random
from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path

from replicas.load import DrawnRequest

_WORDS = (Path(__file__).parent / "data" / "words.txt").read_text().split()
_ASK = ["Write", "a", "long", "story", "about", "all", "of", "this."]
_BESIDE = 2
"""Number of tokens in addition to the words: the full stop and the start of the sequence."""
_OWN_WORDS = 24
"""Number of random words after the shared segments of a prompt, so that no two prompts share more by chance."""
_POOL = 20_000
"""Number of words of the text from which the end of a prompt is cut. Cutting is faster than drawing each word."""
_KEPT_PARTS = 1024


class PromptTexts:
    """Writes the prompts of a load. Prompts share a prefix only if their requests have the same first segments."""

    def __init__(self, *, seed: int, own: int) -> None:
        """Create the source of the texts.

        Args:
            seed: seed of the shared prefixes, which are the same in every process.
            own: seed of the words after the shared prefixes.

        """
        self._chance = random.Random(own)  # noqa: S311 (nothing secret)
        self._pool = self._chance.choices(_WORDS, k=_POOL)
        self._part = lru_cache(_KEPT_PARTS)(lambda identity, words: _common(seed, identity, words))

    def text(self, request: DrawnRequest) -> str:
        """Return a prompt of about the length of the request."""
        ask = _ASK if request.input_tokens > 2 * len(_ASK) else []
        left = max(1, request.input_tokens - len(ask) - _BESIDE)
        words: list[str] = []
        for identity, tokens in request.segments:
            part = self._part(identity, tokens)
            words += part if tokens <= left else part[:left]
            left -= min(tokens, left)
        own = min(left, _OWN_WORDS)
        words += self._chance.choices(_WORDS, k=own)
        left -= own
        while left:
            page = min(left, len(self._pool))
            begin = self._chance.randrange(len(self._pool) - page + 1)
            words += self._pool[begin : begin + page]
            left -= page
        return " ".join([*words, *ask])


def _common(seed: int, identity: Hashable, words: int) -> list[str]:
    return random.Random(f"{seed} {identity}").choices(_WORDS, k=words)  # noqa: S311 (nothing secret)
