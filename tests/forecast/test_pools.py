"""The forecast of an endpoint with instance pools is that of its slowest type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from replicas import Component, Deployment, EndpointPlan, plan
from replicas.cli.tables.forecast import forecast_lines, forecast_title
from replicas.errors import ForecastError
from replicas.forecast import Forecast, Load, forecast
from replicas.forecast.pools import forecast_pool

LOADS = [Load(users=users, input_tokens=500, output_tokens=50) for users in (4, 16)]


def planned(instance_type: str, *fallbacks: str, **options: Any) -> EndpointPlan:
    component = Component(model="Qwen/Qwen3-8B", copies=2, tensor_parallel=1, max_total_tokens=2048, **options)
    return plan(
        Deployment(name="x", instance_type=instance_type, fallback_instance_types=fallbacks, components=[component])
    )


def forecast_of(endpoint: EndpointPlan, loads: list[Load] = LOADS) -> Forecast:
    return forecast_pool(endpoint, endpoint.components[0], loads, duration_seconds=20)


@pytest.mark.parametrize("types", [("ml.g6e.12xlarge", "ml.g5.12xlarge"), ("ml.g5.12xlarge", "ml.g6e.12xlarge")])
def test_the_slowest_type_decides_whatever_its_place(types: tuple[str, str]) -> None:
    """An A10G reads weights at two thirds of the speed of an L40S (600 and 864 GB/s, data sheets)."""
    alone = forecast_of(planned("ml.g5.12xlarge"))
    pool = forecast_of(planned(*types))

    assert pool.instance_type == "ml.g5.12xlarge"
    assert pool.pool == types
    assert alone.pool == ()
    unpriced = [replace(point, usd_per_million_output_tokens=None) for point in pool.points]
    assert unpriced == [replace(point, usd_per_million_output_tokens=None) for point in alone.points]


def test_the_price_of_tokens_is_the_highest_of_all_types() -> None:
    types = ("ml.g6e.12xlarge", "ml.g5.12xlarge", "ml.g6.12xlarge")
    prices = [
        [point.usd_per_million_output_tokens or 0 for point in forecast_of(planned(name)).points] for name in types
    ]

    pool = forecast_of(planned(*types))

    assert [point.usd_per_million_output_tokens for point in pool.points] == [
        max(each) for each in zip(*prices, strict=True)
    ]


def test_a_type_without_a_price_leaves_tokens_without_one() -> None:
    pool = forecast_of(planned_single("ml.g6e.16xlarge"))

    assert [point.usd_per_million_output_tokens for point in pool.points] == [None, None]


def planned_single(other: str) -> EndpointPlan:
    component = Component(model="Qwen/Qwen3-8B", copies=1, tensor_parallel=1, max_total_tokens=2048)
    return plan(
        Deployment(name="x", instance_type="ml.g6e.xlarge", fallback_instance_types=[other], components=[component])
    )


def test_a_load_at_which_another_type_is_slower_is_a_warning() -> None:
    """An L4 computes fewer operations a second than an A10G and reads more slowly, but not in all steps."""
    types = ("ml.g5.12xlarge", "ml.g6.12xlarge")
    loads = [Load(users=8, input_tokens=500, output_tokens=50), Load(users=64, input_tokens=500, output_tokens=50)]
    alone = {name: forecast_of(planned(name), loads) for name in types}
    p90 = {name: [point.latency_p90_seconds or 0 for point in each.points] for name, each in alone.items()}

    pool = forecast_of(planned(*types), loads)

    other = next(name for name in types if name != pool.instance_type)
    slower = [index for index in (0, 1) if p90[other][index] > p90[pool.instance_type][index]]
    warnings = [warning for warning in pool.warnings if "of the pool is slower at this load" in warning]
    assert sum(p90[pool.instance_type]) >= sum(p90[other])
    assert warnings == [
        f"{loads[index].users} users: {other} of the pool is slower at this load: latency p90 {p90[other][index]:.2f} s"
        for index in slower
    ]


def test_the_text_names_the_slowest_type_and_the_pool() -> None:
    endpoint = planned("ml.g6e.12xlarge", "ml.g5.12xlarge")
    pool = forecast_of(endpoint)

    assert "on 1 x ml.g5.12xlarge, routed" in forecast_title(pool, endpoint)
    (line,) = [line for line in forecast_lines(pool) if line.startswith("pool: ")]
    assert "the first of ml.g6e.12xlarge, ml.g5.12xlarge that it has" in line
    assert "the slowest, ml.g5.12xlarge" in line


def test_without_pools_it_is_the_forecast() -> None:
    endpoint = planned("ml.g6e.12xlarge")

    assert forecast_of(endpoint) == forecast(endpoint, endpoint.components[0], LOADS, duration_seconds=20)


def test_a_load_that_a_fallback_type_does_not_take_is_refused_with_its_name() -> None:
    endpoint = planned("ml.g6e.12xlarge", "ml.g5.12xlarge")
    (member,) = endpoint.fallbacks
    shorter = replace(member, components=(replace(member.components[0], max_input_tokens=100),))

    with pytest.raises(ForecastError, match=r"^on ml\.g5\.12xlarge, a fallback instance type: no forecast of x: "):
        forecast_of(replace(endpoint, fallbacks=(shorter,)))
