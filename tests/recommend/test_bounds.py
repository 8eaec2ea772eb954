"""What spares simulations must be true: bounds that no simulation beats, searches that miss nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas import Component, Deployment, EndpointPlan, plan
from replicas.forecast import Load, forecast
from replicas.forecast.copies import copy_engine
from replicas.recommend.frontier import Spot, frontier
from replicas.recommend.options import smallest
from replicas.recommend.speed import bounds, capacity
from tests.examples import examples

LAYOUTS = [
    ("ml.p4d.24xlarge", Component(model="llama-2-13b", engine="tgi-1.1.0")),
    ("ml.p4d.24xlarge", Component(model="llama-2-13b", tensor_parallel=4)),
    ("ml.g5.12xlarge", Component(model="TheBloke/Llama-2-13B-chat-AWQ")),
    ("ml.g6e.12xlarge", Component(model="Qwen/Qwen3-30B-A3B-FP8")),
    ("ml.g6e.xlarge", Component(model="Qwen/Qwen3-8B", engine="tgi-3.3.6")),
]
PLANS = [plan(Deployment(name="x", instance_type=name, components=[part])) for name, part in LAYOUTS]


@examples(30)
@given(
    planned=st.sampled_from(PLANS),
    users=st.integers(1, 120),
    prompt=st.integers(1, 2000),
    answer=st.integers(1, 200),
)
def test_no_forecast_beats_the_roofline(planned: EndpointPlan, users: int, prompt: int, answer: int) -> None:
    part = planned.components[0]
    load = Load(users=users, input_tokens=prompt, output_tokens=answer)
    bound = bounds(copy_engine(part, planned.instance), load)

    point = forecast(planned, part, [load], duration_seconds=10).points[0]

    assert point.requests_per_second_window <= part.copies * bound.requests_per_second * 1.001
    if point.latency_p50_seconds is not None and point.ttft_p50_seconds is not None:
        assert point.latency_p50_seconds >= bound.latency_seconds * 0.999
        assert point.ttft_p50_seconds >= bound.ttft_seconds * 0.999


@pytest.mark.parametrize("planned", [PLANS[0], PLANS[2], PLANS[4]], ids=["tgi-1", "vllm", "tgi-3"])
def test_arrivals_above_the_capacity_wait_longer_and_longer_and_those_below_do_not(planned: EndpointPlan) -> None:
    part = replace(planned.components[0], copies=1)
    alone = replace(planned, components=(part,))
    load = Load(requests_per_second=1, input_tokens=600, output_tokens=60)
    most = capacity(copy_engine(part, planned.instance), load)

    def p50(share: float, duration: float) -> float:
        told = forecast(alone, part, [replace(load, requests_per_second=share * most)], duration_seconds=duration)
        return told.points[0].latency_p50_seconds or 0.0

    # An engine that takes so many requests and no more refuses instead of letting them wait.
    refused = forecast(alone, part, [replace(load, requests_per_second=1.3 * most)], duration_seconds=600)
    assert refused.points[0].refused or p50(1.3, 600) > 2 * p50(1.3, 200)
    assert p50(0.8, 600) < 1.5 * p50(0.8, 200)


@given(first=st.integers(1, 50), length=st.integers(0, 60), threshold=st.integers(0, 130))
def test_the_smallest_number_is_found(first: int, length: int, threshold: int) -> None:
    last = first + length
    asked: list[int] = []

    def holds(number: int) -> bool:
        asked.append(number)
        return number >= threshold

    expected = next((number for number in range(first, last + 1) if number >= threshold), None)
    assert smallest(holds, first, last) == expected
    assert len(asked) <= 10
    assert all(first <= number <= last for number in asked)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12))
def test_the_frontier_is_what_nothing_beats(places: list[tuple[int, int]]) -> None:
    spots = [
        Spot(
            instance_type=f"ml.x{number}.large",
            instances=1,
            copies=1,
            tensor_parallel=1,
            quantization="none",
            engine="vllm",
            usd_per_hour=price,
            latency_p90_seconds=latency,
            requests_per_second=1.0,
            holds=True,
        )
        for number, (price, latency) in enumerate(places)
    ]

    found = {(spot.usd_per_hour, spot.latency_p90_seconds) for spot in frontier(spots)}

    assert found == {
        (price, latency)
        for price, latency in places
        if not any(p <= price and s <= latency and (p, s) != (price, latency) for p, s in places)
    }
