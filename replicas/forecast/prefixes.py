"""The prefix cache of one copy: parts of prompts whose keys and values are kept after their request has ended.

A part is found only if all parts before it are found. Parts that no running request uses make room for new tokens, the
one that was used longest ago first (least recently used, as block pools and radix trees do).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from replicas.load.requests import Segment

_BLOCK_TOKENS = 16
"""Prefixes are cached in whole blocks of the KV cache."""


@dataclass(slots=True)
class _Held:
    """A part of a prefix that running requests use: the number of these requests, and the most tokens of it that one
    uses.
    """

    requests: int
    tokens: int


class PrefixCache:
    """Parts of prompts in the KV cache of a copy."""

    def __init__(self) -> None:
        self._tokens: dict[Hashable, int] = {}
        self._held: dict[Hashable, _Held] = {}
        self._idle: OrderedDict[Hashable, None] = OrderedDict()
        """Parts that no running request uses, the one that was used longest ago first."""
        self.idle_tokens = 0
        """Tokens of those parts."""
        self.tokens_in_use = 0
        """Tokens that running requests use, each counted once."""

    def reusable(self, segments: tuple[Segment, ...], most: int) -> int:
        """Return the tokens at the beginning of a prompt that the cache has: whole blocks, at most `most` tokens."""
        found = 0
        for identity, tokens in segments:
            cached = min(tokens, self._tokens.get(identity, 0))
            found += cached
            if cached < tokens:
                break
        found = min(found, most)
        return found - found % _BLOCK_TOKENS

    def growth(self, segments: tuple[Segment, ...], tokens: int) -> int:
        """Return by how much `tokens_in_use` grows if a request uses this many tokens of the cache."""
        growth = 0
        for identity, part in _parts(segments, tokens):
            held = self._held.get(identity)
            growth += max(0, part - (held.tokens if held else 0))
        return growth

    def hold(self, segments: tuple[Segment, ...], tokens: int) -> None:
        """A running request uses this many tokens of the cache, until `release` with the same arguments."""
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
        """A request no longer uses the tokens that it held."""
        for identity, _ in reversed(_parts(segments, tokens)):  # the end of a prompt is of less use than its beginning
            held = self._held[identity]
            held.requests -= 1
            if not held.requests:
                self.tokens_in_use -= held.tokens
                del self._held[identity]
                self._idle[identity] = None
                self.idle_tokens += self._tokens[identity]

    def keep(self, segments: tuple[Segment, ...]) -> None:
        """A prompt was computed: keep the parts of it that the cache does not have yet."""
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
        """Forget parts that no request uses until they have at most `room` tokens."""
        while self.idle_tokens > room and self._idle:
            identity, _ = self._idle.popitem(last=False)
            self.idle_tokens -= self._tokens.pop(identity)


def _parts(segments: tuple[Segment, ...], tokens: int) -> list[Segment]:
    """Return the parts that hold the first `tokens` tokens, each with its tokens."""
    parts: list[Segment] = []
    for identity, length in segments:
        if tokens <= 0:
            break
        parts.append((identity, min(length, tokens)))
        tokens -= length
    return parts
