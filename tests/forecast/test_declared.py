"""Declared traffic that the forecast does not carry is a warning, whatever its size."""

from __future__ import annotations

import re

import pytest

from replicas import Component, Deployment, Traffic, plan
from replicas.forecast.declared import traffic_warnings


def warnings(**load: float) -> list[str]:
    traffic = Traffic(**{"input_tokens": 1000, "output_tokens": 100, **load})  # type: ignore[arg-type]
    component = Component(model="Qwen/Qwen3-8B", traffic=traffic)
    return traffic_warnings(plan(Deployment(name="x", instance_type="ml.g6e.12xlarge", components=[component])))


@pytest.mark.parametrize(
    "load", [{"users": 1}, {"users": 10}, {"requests_per_second": 0.01}, {"requests_per_second": 5}]
)
def test_a_load_that_is_carried_is_no_warning(load: dict[str, float]) -> None:
    assert warnings(**load) == []


@pytest.mark.parametrize("load", [{"users": 100_000}, {"requests_per_second": 10_000}])
def test_a_load_that_is_not_carried_names_the_part_at_which_it_fails(load: dict[str, float]) -> None:
    (warning,) = warnings(**load)

    assert re.search(r"more than 4 copies are forecast to carry: with [\d,.]+ (users|requests a second) ", warning)
    assert "more copies, or instances with faster accelerators" in warning


def test_traffic_longer_than_a_request_may_be_is_left_to_the_plan() -> None:
    assert warnings(users=1, input_tokens=100_000) == []


def test_a_component_without_traffic_has_none() -> None:
    component = Component(model="Qwen/Qwen3-8B")
    assert traffic_warnings(plan(Deployment(name="x", instance_type="ml.g6e.12xlarge", components=[component]))) == []
