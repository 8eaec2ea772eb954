"""The prefix cache: what it finds, what it counts, and what it forgets first."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.forecast.batching import Batch, Limits, Request
from replicas.forecast.copies import CopyEngine
from replicas.forecast.prefixes import PrefixCache
from replicas.forecast.simulation import simulate
from replicas.load import Load, Trace, TracedRequest
from tests.forecast.test_batching import PROFILES
from tests.forecast.test_simulation import TIMES

CACHING = [profile for profile in PROFILES if profile.prefix_caching]
ROOMY = Limits(kv_cache_tokens=100_000, prefill_tokens=4000)


def test_a_part_is_found_only_after_all_parts_before_it() -> None:
    cache = PrefixCache()
    cache.keep((("a", 512), ("b", 512), ("c", 100)))
    assert cache.reusable((("a", 512), ("b", 512), ("d", 400)), 9999) == 1024
    assert cache.reusable((("b", 512), ("c", 100)), 9999) == 608  # 612 in whole blocks of 16
    assert cache.reusable((("x", 512), ("b", 512)), 9999) == 0


def test_what_nobody_uses_is_forgotten_oldest_first_and_what_is_used_stays() -> None:
    cache = PrefixCache()
    for name in ("a", "b", "c"):
        cache.keep(((name, 160),))
    cache.hold((("a", 160),), 160)
    assert cache.tokens_in_use == 160
    cache.shrink_to(160)
    assert [cache.reusable(((name, 160),), 999) for name in ("a", "b", "c")] == [160, 0, 160]
    cache.release((("a", 160),), 160)
    assert cache.tokens_in_use == 0
    cache.shrink_to(160)
    assert [cache.reusable(((name, 160),), 999) for name in ("a", "b", "c")] == [160, 0, 0]


@pytest.mark.parametrize("profile", CACHING, ids=lambda profile: profile.profile)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 60), st.integers(1, 20)), min_size=1, max_size=30),
    st.integers(100, 400),
)
def test_cached_prompts_never_take_more_than_the_cache_and_every_request_ends(
    profile: object, asked: list[tuple[int, int, int]], room: int
) -> None:
    batch = Batch(profile, Limits(kv_cache_tokens=room, prefill_tokens=64))  # type: ignore[arg-type]
    requests = [
        Request(20 + own, answer, (("shared", 20), (("prompt", prompt, own), own))) for prompt, own, answer in asked
    ]
    for request in requests:
        batch.submit(request)
    while step := batch.next_step():
        assert batch.occupancy[2] <= room
        batch.complete(step)
    assert all(request.finished for request in requests)
    assert batch.occupancy[2] == 0


def _first_tokens(load: Load, engine: CopyEngine) -> float:
    answered = simulate(engine, copies=1, load=load, duration_seconds=60, seed=0, routing="RANDOM").answered
    return fmean(request.first_token - request.asked for request in answered)


def test_prompts_that_repeat_whole_are_computed_once_where_the_cache_holds_them() -> None:
    engine = CopyEngine(CACHING[-1], TIMES, ROOMY)
    load = Load(users=2, input_tokens=800, output_tokens=20)
    own, few = _first_tokens(load, engine), _first_tokens(replace(load, distinct_prompts=5), engine)
    assert few < own / 2
    small = CopyEngine(CACHING[-1], TIMES, Limits(kv_cache_tokens=2000, prefill_tokens=4000))
    assert _first_tokens(replace(load, distinct_prompts=5), small) > 1.5 * few
    uncached = CopyEngine(replace(CACHING[-1], prefix_caching=False), TIMES, ROOMY)
    assert _first_tokens(replace(load, distinct_prompts=5), uncached) == pytest.approx(own)


def test_the_hash_ids_of_a_trace_say_what_is_found_again() -> None:
    engine = CopyEngine(CACHING[-1], TIMES, ROOMY)
    apart = Trace(tuple(TracedRequest(5.0 * number, 1024, 4, (2 * number, 2 * number + 1)) for number in range(9)))
    alike = Trace(tuple(replace(request, hash_ids=(0, 1000 + number)) for number, request in enumerate(apart.requests)))
    seconds = [_first_tokens(Load.of_trace(trace), engine) for trace in (apart, alike)]
    assert seconds[1] < 0.65 * seconds[0]
