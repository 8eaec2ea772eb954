"""Admission and batching: nothing is lost, no budget is broken, and TGI's rule is TGI's."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.engines import find_engine
from replicas.engines.profile import Profile
from replicas.forecast.batching import Batch, Limits, Overloaded, Request

TGI_1 = find_engine("tgi-1.1.0").profile
PROFILES = [TGI_1, find_engine("tgi-3.3.6").profile, find_engine("vllm").profile]


@st.composite
def loads(draw: st.DrawFn) -> tuple[Profile, Limits, list[tuple[int, Request]]]:
    """An engine with limits, and requests that it can hold, each with the step before which it arrives."""
    profile = draw(st.sampled_from(PROFILES))
    limits = Limits(
        prefill_tokens=draw(st.integers(8, 200)),
        kv_cache_tokens=draw(st.integers(60, 400)),
        sequences=None if profile.admission == "waiting" else draw(st.sampled_from([None, 1, 3])),
    )
    longest = limits.prefill_tokens if profile.admission == "waiting" else 50
    one = st.builds(Request, st.integers(1, min(40, longest)), st.integers(1, 20))
    return profile, limits, draw(st.lists(st.tuples(st.integers(0, 60), one), min_size=1, max_size=30))


@given(loads())
def test_every_request_gets_each_of_its_tokens_and_no_budget_is_ever_broken(
    load: tuple[Profile, Limits, list[tuple[int, Request]]],
) -> None:
    profile, limits, arrivals = load
    batch = Batch(profile, limits)
    served: dict[Request, int] = {request: 0 for _, request in arrivals}
    moment = 0
    while True:
        for at, request in arrivals:
            if at == moment:
                batch.submit(request)
        step = batch.next_step()
        moment += 1
        if step is None:
            if moment > 60:
                break
            continue
        assert moment < 5000, "the engine never comes to an end"
        computed = sum(tokens for tokens, _ in step.chunks)
        assert computed + (step.decoding if profile.admission == "continuous" else 0) <= max(
            limits.prefill_tokens, step.decoding
        )
        assert computed or step.decoding
        assert batch.occupancy[2] <= limits.kv_cache_tokens
        assert limits.sequences is None or step.decoding + len(step.requests) <= limits.sequences
        for request in batch.complete(step):
            served[request] += 1
    assert served == {request: request.output_tokens for _, request in arrivals}
    assert batch.requests == 0


@given(loads(), st.integers(0, 1000))
def test_a_request_that_is_cancelled_leaves_nothing_behind(
    load: tuple[Profile, Limits, list[tuple[int, Request]]], chosen: int
) -> None:
    profile, limits, arrivals = load
    batch = Batch(profile, limits)
    requests = [request for _, request in arrivals]
    for request in requests:
        batch.submit(request)
    step = batch.next_step()
    gone = requests[chosen % len(requests)]
    batch.cancel(gone)
    while step:
        assert gone not in batch.complete(step)
        step = batch.next_step()
    assert all(request.finished for request in requests if request is not gone)


def test_tgi_1_lets_a_prefill_budget_of_prompts_join_every_nineteen_steps() -> None:
    """Router source of 1.1.0: with 8 running and room for 4 prompts, 4 are too few until 20 tokens were waited."""
    batch = Batch(TGI_1, Limits(kv_cache_tokens=100_000, prefill_tokens=4096))
    for _ in range(100):
        batch.submit(Request(1000, 1000))
    kinds = []
    for _ in range(100):
        step = batch.next_step()
        assert step is not None
        kinds.append(len(step.requests))
        batch.complete(step)
    joined = [index for index, prompts in enumerate(kinds) if prompts]
    assert all(kinds[index] == 4 for index in joined)
    # The first group is alone: 1.2 times 4 are 4, so a second group may join at once; after it the wait is full.
    assert [later - earlier for earlier, later in pairwise(joined)] == [
        2,
        *[20] * (len(joined) - 2),
    ]


def test_where_a_cache_is_taken_token_by_token_the_youngest_gives_way_and_still_ends() -> None:
    batch = Batch(PROFILES[2], Limits(kv_cache_tokens=40, prefill_tokens=64))
    old, young = Request(10, 25), Request(10, 25)
    batch.submit(old)
    batch.submit(young)
    ends = []
    while step := batch.next_step():
        ends += [request for request in batch.complete(step) if request.finished]
    assert ends == [old, young]


def test_an_engine_that_bounds_its_requests_refuses_one_more() -> None:
    batch = Batch(TGI_1, Limits(kv_cache_tokens=1000, prefill_tokens=100, concurrent_requests=2))
    batch.submit(Request(1, 1))
    batch.submit(Request(1, 1))
    with pytest.raises(Overloaded):
        batch.submit(Request(1, 1))


def test_parts_of_a_prompt_know_what_was_computed_before() -> None:
    batch = Batch(replace(PROFILES[2]), Limits(kv_cache_tokens=1000, prefill_tokens=100))
    batch.submit(Request(250, 1))
    chunks = []
    while step := batch.next_step():
        chunks += step.chunks
        batch.complete(step)
    assert chunks == [(100, 0), (100, 100), (50, 200)]
