"""The prefix cache of one copy: parts of prompts whose keys and values stay in the KV cache after their request.

A part is found only if all parts before it are found. Parts that no running request uses are evicted for new tokens,
the least recently used part first, as block pools and radix trees do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from replicas.load.requests import Segment

_BLOCK_TOKENS = 16
"""Tokens of a block of the KV cache. Prefixes are cached in whole blocks."""


@dataclass(slots=True)
class _Held:
    """Use of a part by running requests: their number, and the largest number of its tokens that a request uses."""

    requests: int
    tokens: int


class PrefixCache:
    """Parts of prompts in the KV cache of a copy."""

    def __init__(self) -> None:
        self._tokens: dict[Hashable, int] = {}
        self._held: dict[Hashable, _Held] = {}
        self._idle: OrderedDict[Hashable, None] = OrderedDict()
        """Parts that no running request uses, the least recently used part first."""
        self.idle_tokens = 0
        """Tokens of the parts that no running request uses."""
        self.tokens_in_use = 0
        """Tokens that running requests use. Shared tokens count once."""

    def reusable(self, segments: tuple[Segment, ...], most: int) -> int:
        """Return how many tokens at the beginning of a prompt are in the cache, in whole blocks and at most `most`."""
        found = 0
        for identity, tokens in segments:
            cached = min(tokens, self._tokens.get(identity, 0))
            found += cached
            if cached < tokens:
                break
        found = min(found, most)
        return found - found % _BLOCK_TOKENS

    def growth(self, segments: tuple[Segment, ...], tokens: int) -> int:
        """Return the increase of `tokens_in_use` if a request uses `tokens` tokens of the cache."""
        growth = 0
        for identity, part in _parts(segments, tokens):
            held = self._held.get(identity)
            growth += max(0, part - (held.tokens if held else 0))
        return growth

    def hold(self, segments: tuple[Segment, ...], tokens: int) -> None:
        """Mark `tokens` tokens as used by a running request, until `release` with the same arguments."""
        for identity, part in _parts(segments, tokens):
            held = self._held.get(identity)
            if held is None:
                held = self._held[identity] = _Held(0, 0)
                del self._idle[identity]
                self.idle_tokens -= self._tokens[identity]
            held.requests += 1
            if part > held.tokens:
                self.tokens_in_use += part - held.tokens
                held.tokens = part

    def release(self, segments: tuple[Segment, ...], tokens: int) -> None:
        """Undo `hold`: the request no longer uses these tokens."""
        for identity, _ in reversed(_parts(segments, tokens)):  # evict the end of a prompt before its beginning
            held = self._held[identity]
            held.requests -= 1
            if not held.requests:
                self.tokens_in_use -= held.tokens
                del self._held[identity]
                self._idle[identity] = None
                self.idle_tokens += self._tokens[identity]

    def keep(self, segments: tuple[Segment, ...]) -> None:
        """Add the parts of a computed prompt that the cache does not have yet."""
        left = sum(tokens for _, tokens in segments)
        left -= left % _BLOCK_TOKENS
        for identity, tokens in segments:
            part = min(tokens, left)
            left -= part
            if part <= 0:
                return
            more = part - self._tokens.get(identity, 0)
            if more <= 0:
                continue
            self._tokens[identity] = part
            if identity not in self._held:
                self._idle[identity] = None
                self.idle_tokens += more

    def shrink_to(self, room: int) -> None:
        """Evict unused parts until the remaining unused parts have at most `room` tokens."""
        while self.idle_tokens > room and self._idle:
            identity, _ = self._idle.popitem(last=False)
            self.idle_tokens -= self._tokens.pop(identity)


def _parts(segments: tuple[Segment, ...], tokens: int) -> list[Segment]:
    """Return the parts of the first `tokens` tokens, each with its number of tokens."""
    parts: list[Segment] = []
    for identity, length in segments:
        if tokens <= 0:
            break
        parts.append((identity, min(length, tokens)))
        tokens -= length
    return parts
