"""Text of the answers of a stand-in."""

from __future__ import annotations

import re
from itertools import cycle, islice


def answer_tokens(model: str, tokens: int) -> list[str]:
    """Return an answer of `tokens` tokens. Its text says that it comes from a stand-in."""
    sentence = f" This answer comes from a stand-in for {model} on the embedded AWS, in the time the model would take."
    parts = re.findall(r"\s*(?:\w+|[^\w\s])", sentence)
    return list(islice(cycle(parts), tokens))
