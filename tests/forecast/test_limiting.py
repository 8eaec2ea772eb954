"""What limits a busy copy: the resource of which twice as much brings the most answers, as simulations confirm."""

from __future__ import annotations

from dataclasses import replace

import pytest

from replicas.forecast import forecast
from replicas.forecast.copies import CopyEngine, copy_engine
from replicas.forecast.simulation import simulate
from replicas.load import Load
from tests.forecast.test_forecast import of_model

LONG_ANSWERS = Load(users=90, input_tokens=100, output_tokens=1900)
"""Decoding alone: each sequence holds up to 2,000 tokens of the cache."""


def _answered(engine: CopyEngine, load: Load) -> float:
    outcome = simulate(engine, copies=1, load=load, duration_seconds=300, seed=0, routing="RANDOM")
    return sum(
        request.output_tokens * min(1.0, (300 - request.first_token) / (request.ended - request.first_token))
        for request in outcome.answered
        if request.first_token < 300
    )


@pytest.mark.slow
@pytest.mark.parametrize(("share", "first"), [(0.26, "KV cache"), (0.3, "memory bandwidth")])
def test_a_cache_that_keeps_the_batch_small_is_named_and_twice_of_it_brings_what_is_said(
    share: float, first: str
) -> None:
    endpoint, component = of_model(
        "llama-3.1-8b",
        "ml.p5.48xlarge",
        copies=1,
        tensor_parallel=1,
        max_total_tokens=4096,
        gpu_memory_share=share,
    )
    told = forecast(endpoint, component, [LONG_ANSWERS], duration_seconds=300)
    (limit,) = told.limits.points
    engine = copy_engine(component, endpoint.instance)
    twice = replace(engine, limits=replace(engine.limits, kv_cache_tokens=2 * engine.limits.kv_cache_tokens))
    brought = _answered(twice, LONG_ANSWERS) / _answered(engine, LONG_ANSWERS) - 1
    assert limit.batch_gain == pytest.approx(brought, abs=0.1)
    assert told.limits.first == first
    assert "twice the KV cache" in told.limits.why
    assert f" {limit.batch_gain:.0%}" in told.limits.why


def test_a_limit_of_sequences_that_binds_is_named() -> None:
    load = Load(users=64, input_tokens=100, output_tokens=400)
    endpoint, component = of_model("llama-3.1-8b", "ml.p5.48xlarge", copies=1, max_total_tokens=4096, max_sequences=4)
    assert forecast(endpoint, component, [load], duration_seconds=60).limits.first == "sequences"


def test_a_full_queue_is_not_the_limit_where_the_engine_is() -> None:
    """Twice the requests at once would wait twice as long: the copy answers as many as before."""
    endpoint, component = of_model("llama-2-7b", "ml.g5.2xlarge", engine="tgi-1.1.0")
    told = forecast(endpoint, component, [Load(users=200, input_tokens=1000, output_tokens=50)], duration_seconds=20)
    assert told.points[0].refused
    assert told.limits.first == "compute"
    assert "are refused: a copy accepts 128 at once" in told.limits.why


@pytest.mark.slow
def test_a_rate_that_is_reached_saturates_nothing_though_requests_wait_for_a_step() -> None:
    endpoint, component = of_model("llama-3.1-8b", "ml.g5.xlarge", copies=1, max_total_tokens=4096)
    loads = [Load(requests_per_second=rate, input_tokens=1000, output_tokens=200) for rate in (1, 20)]
    told = forecast(endpoint, component, loads, duration_seconds=300)
    light, heavy = told.points
    assert told.limits.points[0].busy > 0.95
    assert (light.is_reached, heavy.is_reached) == (True, False)
    assert told.limits.requests_per_second_offered == 20


def test_an_embedding_of_one_user_leaves_room_for_more_prompts_in_a_step() -> None:
    endpoint, component = of_model("BAAI/bge-m3", "ml.g5.xlarge", copies=1, task="embed")
    told = forecast(endpoint, component, [Load(users=1, input_tokens=50)], duration_seconds=5)
    assert told.limits.first is None
