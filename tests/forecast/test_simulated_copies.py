"""Copies simulated one after the other, and requests counted instead of walked through, change nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.forecast.batching import Batch, Request
from replicas.forecast.copies import CopyEngine
from replicas.forecast.simulation import Outcome, simulate, simulate_together
from replicas.load import Load, Trace, TracedRequest
from tests.examples import examples
from tests.forecast.test_simulation import engines, loads


@examples(60)
@given(engines(), loads(), st.integers(1, 4), st.integers(0, 3))
def test_copies_simulated_one_after_the_other_do_what_they_do_together(
    engine: CopyEngine, load: Load, copies: int, seed: int
) -> None:
    apart, together = (
        run(engine, copies=copies, load=load, duration_seconds=4, seed=seed, routing="RANDOM")
        for run in (simulate, simulate_together)
    )
    _assert_alike(apart, together)


@examples(30)
@given(engines(), st.lists(st.sampled_from([0.0, 0.01, 0.3]), min_size=1, max_size=40), st.integers(1, 3))
def test_so_do_the_requests_of_a_trace(engine: CopyEngine, pauses: list[float], copies: int) -> None:
    times = [sum(pauses[1:number]) for number in range(1, len(pauses) + 1)]
    load = Load.of_trace(Trace(tuple(TracedRequest(when, 40, 10, (number % 3,)) for number, when in enumerate(times))))
    apart, together = (
        run(engine, copies=copies, load=load, duration_seconds=4, seed=1, routing="RANDOM")
        for run in (simulate, simulate_together)
    )
    _assert_alike(apart, together)


def _assert_alike(one: Outcome, other: Outcome) -> None:
    assert len(one.answered) == len(other.answered)
    assert one.refused == pytest.approx(other.refused)
    assert one.elapsed_seconds == pytest.approx(other.elapsed_seconds)
    for answers in zip(sorted(one.answered), sorted(other.answered), strict=True):
        assert answers[0] == pytest.approx(answers[1], rel=1e-9)
    assert one.use.parts == pytest.approx(other.use.parts)
    assert (one.use.running, one.use.waiting) == pytest.approx((other.use.running, other.use.waiting))
    assert one.use.cached_tokens_max == other.use.cached_tokens_max
    assert one.use.waited_for == pytest.approx(other.use.waited_for)


@examples(60)
@given(engines(), st.lists(st.tuples(st.integers(1, 90), st.integers(1, 40), st.integers(0, 30)), max_size=25))
def test_what_the_batch_counts_is_what_its_requests_say(engine: CopyEngine, asked: list[tuple[int, int, int]]) -> None:
    """Each step's number of decoding requests and their context, against the requests one by one."""
    batch = Batch(engine.profile, engine.limits)
    arriving = sorted(((at, Request(prompt, answer)) for prompt, answer, at in asked), key=lambda pair: pair[0])
    running: dict[Request, None] = {}
    moment = 0
    while arriving or batch.requests:
        while arriving and arriving[0][0] <= moment:
            _, request = arriving.pop(0)
            limit = engine.limits.concurrent_requests
            if limit is None or batch.requests < limit:
                batch.submit(request)
                running[request] = None
        moment += 1
        step = batch.next_step()
        if step is None:
            continue
        computing = set(step.requests)
        before = {request: (request.computed, request.generated) for request in running}
        served = batch.complete(step)
        decoded = [request for request in served if request not in computing]
        assert len(decoded) == len(set(decoded)) == step.decoding
        assert sum(before[request][0] + 1 for request in decoded) == step.context_tokens
        for request in decoded:
            assert (request.computed, request.generated) == (before[request][0] + 1, before[request][1] + 1)
        for request in running:
            if request not in served and request not in computing and request.order:
                assert (request.computed, request.generated) == before[request]
        running = {request: None for request in running if not request.finished}
