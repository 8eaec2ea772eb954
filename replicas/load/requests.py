"""Draws the requests of a load: the lengths of prompt and answer, and the parts that prompts have in common."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from replicas.load.load import Load, lognormal
from replicas.load.trace import BLOCK_TOKENS, TracedRequest

Segment = tuple[Hashable, int]
"""Part of a prompt: an identity of the part and everything before it, and the number of its tokens."""


@dataclass(frozen=True, slots=True)
class DrawnRequest:
    """One request of a load."""

    input_tokens: int
    output_tokens: int
    segments: tuple[Segment, ...] = ()
    """Beginning of the prompt, in parts that other requests may share. Parts with the same identity are equal."""
    prompt: int | None = None
    """Index of the repeated prompt; None if no other request has this prompt."""
    is_cut: bool = False
    """True if the drawn request was longer than the endpoint accepts, and was cut."""


def requests(load: Load, seed: int) -> Iterator[DrawnRequest]:
    """Yield the requests of a load in the order of sending. Only the requests of a trace come to an end.

    The same seed gives the same requests for any number of users and any rate.
    """
    if load.trace is not None:
        yield from map(_recorded, load.trace.requests)
        return
    chance = random.Random(f"lengths {seed}")  # noqa: S311 (nothing secret)
    shared: tuple[Segment, ...] = (("shared", load.shared_tokens),) if load.shared_tokens else ()
    own_tokens = _lengths(load.input_tokens - load.shared_tokens, load.input_stddev, chance)
    answer_tokens = _lengths(load.output_tokens, load.output_stddev, chance)
    if load.distinct_prompts is None:
        while True:
            yield _drawn(load, load.shared_tokens + own_tokens(), answer_tokens(), shared)
    prompts = [load.shared_tokens + own_tokens() for _ in range(load.distinct_prompts)]
    while True:
        number = chance.randrange(len(prompts))
        own = prompts[number] - load.shared_tokens
        segments = (*shared, (("prompt", number), own)) if own else shared
        yield _drawn(load, prompts[number], answer_tokens(), segments, number)


def _lengths(mean: int, stddev: float, chance: random.Random) -> Callable[[], int]:
    """Return a function that draws integer lengths of at least 1, or always the mean if the deviation is 0."""
    if not stddev:
        return lambda: mean
    middle, deviation = lognormal(mean, stddev)
    return lambda: max(1, round(chance.lognormvariate(middle, deviation)))


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
