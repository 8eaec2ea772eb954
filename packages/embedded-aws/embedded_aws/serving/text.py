"""Tokens of the stand-in engines: a word or a punctuation mark is one."""

from __future__ import annotations

import re
from itertools import cycle, islice

_TOKEN = re.compile(r"\w+|[^\w\s]")


def count_tokens(text: str) -> int:
    """How many tokens a text has."""
    return len(_TOKEN.findall(text))


def answer_tokens(model: str, tokens: int) -> list[str]:
    """An answer of so many tokens, which says what it is."""
    sentence = f" This answer comes from a stand-in for {model} on the embedded AWS, in the time the model would take."
    parts = re.findall(r"\s*(?:\w+|[^\w\s])", sentence)
    return list(islice(cycle(parts), tokens))
