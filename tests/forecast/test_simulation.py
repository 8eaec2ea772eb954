"""The simulation: what it skips changes nothing, nobody is lost, and its laws are those of queues."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.engines import find_engine
from replicas.errors import ForecastError
from replicas.forecast.batching import Batch, Limits
from replicas.forecast.copies import CopyEngine
from replicas.forecast.simulation import Outcome, Routing, simulate
from replicas.load import Load
from replicas.speed.kernels import Curve
from replicas.speed.times import Decoding, PromptAttention, StepTimes
from tests.examples import examples

_FEW, _MANY = 0.0, 100_000.0
TIMES = StepTimes(
    computed=Curve((_FEW, _MANY), (0.0, 10.0)),
    read=Curve((_FEW, _MANY), (0.015, 0.015)),
    head=Curve((_FEW, _MANY), (0.0, 1.0)),
    prompts=(PromptAttention(Curve((_FEW, _MANY), (1e-8, 1e-8)), None, 0.0),),
    decoding=Decoding(((1.0, Curve((_FEW, _MANY), (0.0, 0.1))),)),
    exchange=None,
    least=0.0153,
    step_host=0.001,
    sequence_host=5e-4,
)
"""A step reads for 15 ms, computes 0.1 ms a token, reads 1 us a token of the contexts, and launches for 15.3 ms."""
PROFILES = [find_engine(name).profile for name in ("tgi-1.1.0", "tgi-2.4.0", "tgi-3.3.6", "vllm-0.11.0", "vllm-0.19.0")]
ROUTINGS: tuple[Routing, ...] = ("RANDOM", "LEAST_OUTSTANDING_REQUESTS")


@st.composite
def engines(draw: st.DrawFn) -> CopyEngine:
    profile = draw(st.sampled_from(PROFILES))
    limits = Limits(
        kv_cache_tokens=draw(st.integers(150, 1500)),
        prefill_tokens=draw(st.integers(100, 400)),
        sequences=draw(st.sampled_from([None, 3])) if profile.admission == "continuous" else None,
        concurrent_requests=draw(st.sampled_from([None, 5])),
    )
    return CopyEngine(profile, TIMES, limits)


@st.composite
def loads(draw: st.DrawFn) -> Load:
    tokens_in = draw(st.integers(1, 100))
    arrivals: dict[str, Any] = draw(
        st.one_of(
            st.fixed_dictionaries({"users": st.integers(1, 25)}),
            st.fixed_dictionaries({"requests_per_second": st.floats(0.5, 20)}),
            st.fixed_dictionaries({"burst": st.integers(1, 40)}),
        )
    )
    shared = draw(st.integers(0, tokens_in))
    return Load(
        **arrivals,
        input_tokens=tokens_in,
        output_tokens=draw(st.integers(1, 40)),
        input_stddev=draw(st.sampled_from([0, 20])) if shared < tokens_in else 0,
        output_stddev=draw(st.sampled_from([0, 10])),
        shared_tokens=shared,
        distinct_prompts=draw(st.sampled_from([None, 1, 3])),
        max_input_tokens=100,
        max_total_tokens=140,
    )


@examples(75)
@given(engines(), loads(), st.integers(1, 3), st.sampled_from(ROUTINGS), st.integers(0, 3))
def test_steps_taken_at_once_end_when_single_steps_would(
    engine: CopyEngine, load: Load, copies: int, routing: Routing, seed: int
) -> None:
    # Copies that begin at once are in step and events coincide: which one comes first is then a matter of rounding.
    copies = copies if load.requests_per_second is not None else 1

    def outcome() -> Outcome:
        return simulate(engine, copies=copies, load=load, duration_seconds=4, seed=seed, routing=routing)

    quick = outcome()
    with patch.object(Batch, "repeats", lambda *_: 1):
        single = outcome()
    assert len(quick.answered) == len(single.answered)
    assert len(quick.refused) == len(single.refused)
    for one, other in zip(quick.answered, single.answered, strict=True):
        assert one.ended == pytest.approx(other.ended, rel=1e-9)
        assert one.first_token == pytest.approx(other.first_token, rel=1e-9)
    for one_part, other_part in zip(quick.use.parts, single.use.parts, strict=True):
        # The end of the duration cuts a step short here and a run of steps there.
        assert one_part == pytest.approx(other_part, rel=0.02, abs=0.02)


@examples(60)
@given(engines(), loads(), st.integers(1, 3), st.sampled_from(ROUTINGS))
def test_everybody_is_answered_or_refused_and_the_same_seed_gives_the_same_numbers(
    engine: CopyEngine, load: Load, copies: int, routing: Routing
) -> None:
    first, second = (
        simulate(engine, copies=copies, load=load, duration_seconds=3, seed=7, routing=routing) for _ in range(2)
    )
    assert first == second
    assert all(each.asked < each.first_token <= each.ended for each in first.answered)
    if load.users is not None:
        assert len(first.answered) + len(first.refused) >= load.users
        assert all(_at_once(first, moment) <= load.users for moment in (0.5, 1.5, 2.5))
    if engine.limits.concurrent_requests is None:
        assert not first.refused
    else:
        assert all(
            _at_once(first, moment) <= copies * engine.limits.concurrent_requests for moment in (0.5, 1.5, 2.5, 3.5)
        )


def _at_once(outcome: Outcome, moment: float) -> int:
    return sum(each.asked <= moment < each.ended for each in outcome.answered)


@pytest.mark.parametrize(
    "engine",
    [CopyEngine(each, TIMES, Limits(kv_cache_tokens=9999, prefill_tokens=400)) for each in PROFILES],
    ids=lambda each: each.profile.profile,
)
def test_littles_law_holds(engine: CopyEngine) -> None:
    """Requests there at once = rate times their latency, in the middle of a long run."""
    load = Load(requests_per_second=4, input_tokens=50, output_tokens=20)
    outcome = simulate(engine, copies=2, load=load, duration_seconds=400, seed=1, routing="RANDOM")
    middle = [each for each in outcome.answered if 50 <= each.asked <= 350]
    at_once = sum(max(0.0, min(each.ended, 350) - max(each.asked, 50)) for each in outcome.answered) / 300
    assert at_once == pytest.approx(len(middle) / 300 * fmean(each.ended - each.asked for each in middle), rel=0.02)


def test_one_user_alone_waits_for_his_own_steps_only() -> None:
    engine = CopyEngine(PROFILES[0], TIMES, Limits(kv_cache_tokens=9999, prefill_tokens=400))
    load = Load(users=1, input_tokens=200, output_tokens=10)
    outcome = simulate(engine, copies=1, load=load, duration_seconds=5, seed=0, routing="RANDOM")
    alone = TIMES.prefill([200]) + sum(TIMES.decode(1, 201 + step) for step in range(9))
    assert {round(each.ended - each.asked, 9) for each in outcome.answered} == {round(alone, 9)}


def test_a_prefix_that_all_prompts_share_is_computed_once_a_copy() -> None:
    engine = CopyEngine(PROFILES[3], TIMES, Limits(kv_cache_tokens=9999, prefill_tokens=400))
    load = Load(users=1, input_tokens=320, output_tokens=2)
    same = replace(load, shared_tokens=320)
    apart, shared = (
        simulate(engine, copies=1, load=each, duration_seconds=2, seed=0, routing="RANDOM").answered
        for each in (load, same)
    )
    first, later = (shared[0], shared[-1])
    assert first.first_token - first.asked == pytest.approx(apart[0].first_token - apart[0].asked)
    # 304 of 320 tokens are whole blocks that leave the last token to compute.
    frontend = engine.profile.frontend_seconds
    assert later.first_token - later.asked == pytest.approx(frontend + _chunk_seconds(16, 304))


def _chunk_seconds(tokens: int, cached: int) -> float:
    return TIMES.step([(tokens, cached)])


def test_least_outstanding_requests_spreads_what_random_leaves_uneven() -> None:
    engine = CopyEngine(PROFILES[0], TIMES, Limits(kv_cache_tokens=9999, prefill_tokens=400))
    load = Load(users=40, input_tokens=200, output_tokens=50)
    spread, even = (
        simulate(engine, copies=8, load=load, duration_seconds=60, seed=0, routing=routing) for routing in ROUTINGS
    )
    assert even.elapsed_seconds < spread.elapsed_seconds
    assert len(even.answered) > len(spread.answered)


def test_what_would_take_days_is_refused_and_not_computed() -> None:
    slow = replace(TIMES, step_host=60.0)
    engine = CopyEngine(PROFILES[0], slow, Limits(kv_cache_tokens=9999, prefill_tokens=400))
    load = Load(users=1000, input_tokens=200, output_tokens=50)
    with pytest.raises(ForecastError, match="1,000 users on 1 copy: not answered within a day"):
        simulate(engine, copies=1, load=load, duration_seconds=90, seed=0, routing="RANDOM")
