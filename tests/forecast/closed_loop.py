"""A small simulation for these tests: users who each wait for an answer and ask again, over copies of one engine."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass

from replicas.forecast.batching import Request, Step
from replicas.forecast.copies import CopyEngine


@dataclass(frozen=True)
class Answered:
    at: float
    latency: float


def closed_loop(
    engine: CopyEngine, *, copies: int, users: int, input_tokens: int, output_tokens: int, seconds: float
) -> list[Answered]:
    """Everything that was answered within so many seconds, with least outstanding requests as the routing."""
    chance = random.Random(0)  # noqa: S311 (nothing secret)
    batches = [engine.batch() for _ in range(copies)]
    steps: list[tuple[float, int, Step]] = []
    stands: dict[Request, float] = {}
    answered: list[Answered] = []

    def ask(now: float) -> None:
        fewest = min(batch.requests for batch in batches)
        copy = chance.choice([index for index, batch in enumerate(batches) if batch.requests == fewest])
        request = Request(input_tokens, output_tokens)
        stands[request] = now
        batches[copy].submit(request)
        if copy not in {index for _, index, _ in steps}:
            go_on(copy, now)

    def go_on(copy: int, now: float) -> None:
        step = batches[copy].next_step()
        if step:
            heapq.heappush(steps, (now + step.seconds(engine.times), copy, step))

    for _ in range(users):
        ask(0.0)
    while steps:
        now, copy, step = heapq.heappop(steps)
        if now > seconds:
            break
        done = list(_finished(batches[copy].complete(step)))
        go_on(copy, now)
        for request in done:
            answered.append(Answered(now, now - stands.pop(request)))
            ask(now)
    return answered


def _finished(requests: list[Request]) -> Iterator[Request]:
    return (request for request in requests if request.finished)
