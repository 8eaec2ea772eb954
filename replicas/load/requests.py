"""Draws the requests of a load: the lengths of prompt and answer, and the parts that prompts have in common."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

from replicas.load.load import Load, lognormal
from replicas.load.trace import BLOCK_TOKENS, TracedRequest

Segment = tuple[Hashable, int]
"""Part of a prompt, as a pair: an identity, which stands for this part and everything before it, and the number of
tokens of the part."""
_KEPT = 20_000
"""Maximum number of drawn requests of a load that are cached."""


class DrawnRequest(NamedTuple):
    """One request of a load."""

    input_tokens: int
    output_tokens: int
    segments: tuple[Segment, ...] = ()
    """Beginning of the prompt, in parts that other requests may share. The same identity means the same tokens."""
    prompt: int | None = None
    """Index of the repeated prompt; None if no other request has this prompt."""
    is_cut: bool = False
    """True if the drawn request was longer than the endpoint accepts, and was cut."""


def requests(load: Load, seed: int) -> Iterator[DrawnRequest]:
    """Yield the requests of a load in the order of sending.

    A trace has a last request; other loads have requests without end.
    """
    if load.trace is not None:
        yield from map(_recorded, load.trace.requests)
        return
    shared: tuple[Segment, ...] = (("shared", load.shared_tokens),) if load.shared_tokens else ()
    own = load.input_tokens - load.shared_tokens, load.input_stddev
    answer = load.output_tokens, load.output_stddev
    if load.distinct_prompts is None:
        if load.is_varied:
            yield from _varied(replace(load, users=None, requests_per_second=None, burst=None), seed).drawn()
        yield from repeat(_drawn(load, load.input_tokens, load.output_tokens, shared))
        return
    chance = _chance(seed)
    prompts = [load.shared_tokens + _length(*own, chance) for _ in range(load.distinct_prompts)]
    while True:
        number = chance.randrange(len(prompts))
        length = prompts[number] - load.shared_tokens
        segments = (*shared, (("prompt", number), length)) if length else shared
        yield _drawn(load, prompts[number], _length(*answer, chance), segments, number)


class _Varied:
    """Requests of different lengths, in the order of sending.

    The first 20,000 requests are cached, because many simulations of a load need the same requests.
    """

    def __init__(self, load: Load, seed: int) -> None:
        """Take a load without its arrivals."""
        self._load = load
        self._shared: tuple[Segment, ...] = (("shared", load.shared_tokens),) if load.shared_tokens else ()
        self._chance = _chance(seed)
        self._kept: list[DrawnRequest] = []

    def drawn(self) -> Iterator[DrawnRequest]:
        """Yield all requests from the first one, without end."""
        kept = self._kept
        for number in range(_KEPT):
            if number == len(kept):
                kept.append(self._draw(self._chance))
            yield kept[number]
        chance = random.Random()  # noqa: S311 (nothing secret)
        chance.setstate(self._chance.getstate())  # the state after the kept requests
        while True:
            yield self._draw(chance)

    def _draw(self, chance: random.Random) -> DrawnRequest:
        load = self._load
        own_tokens = _length(load.input_tokens - load.shared_tokens, load.input_stddev, chance)
        answer_tokens = _length(load.output_tokens, load.output_stddev, chance)
        return _drawn(load, load.shared_tokens + own_tokens, answer_tokens, self._shared)


@lru_cache(maxsize=4)
def _varied(load: Load, seed: int) -> _Varied:
    return _Varied(load, seed)


def _chance(seed: int) -> random.Random:
    return random.Random(f"lengths {seed}")  # noqa: S311 (nothing secret)


def _length(mean: int, stddev: float, chance: random.Random) -> int:
    """Draw an integer length of at least 1; the mean if the deviation is 0."""
    if not stddev:
        return mean
    middle, deviation = lognormal(mean, stddev)
    return max(1, round(chance.lognormvariate(middle, deviation)))


def _drawn(
    load: Load, input_tokens: int, output_tokens: int, segments: tuple[Segment, ...], prompt: int | None = None
) -> DrawnRequest:
    most_input, most_total = load.max_input_tokens, load.max_total_tokens
    tokens_in, tokens_out = input_tokens, output_tokens
    if most_total is not None:
        least_answer = 1 if output_tokens else 0
        most_input = min(most_total - least_answer, most_total if most_input is None else most_input)
    if most_input is not None:
        tokens_in = min(tokens_in, most_input)
    if most_total is not None:
        tokens_out = min(tokens_out, most_total - tokens_in)
    is_cut = (tokens_in, tokens_out) != (input_tokens, output_tokens)
    if tokens_in < input_tokens:
        segments = tuple(_first(segments, tokens_in))
    return DrawnRequest(tokens_in, tokens_out, segments, prompt, is_cut)


def _first(segments: tuple[Segment, ...], tokens: int) -> Iterator[Segment]:
    """Yield the parts of the first `tokens` tokens."""
    for identity, length in segments:
        if tokens > 0:
            yield identity, min(length, tokens)
        tokens -= length


def _recorded(request: TracedRequest) -> DrawnRequest:
    segments: list[Segment] = []
    for number, identity in enumerate(request.hash_ids):
        segments.append((identity, min(BLOCK_TOKENS, request.input_tokens - number * BLOCK_TOKENS)))
    return DrawnRequest(request.input_tokens, request.output_tokens, tuple(segments))
