"""Declared traffic that the forecast does not carry is a warning, whatever its size."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from replicas import Component, Deployment, Traffic, plan
from replicas.forecast import Load, Point, declared, forecast
from replicas.forecast.declared import traffic_warnings
from replicas.forecast.sampling import Sample


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

    assert re.search(r"exceeds the forecast capacity of 4 copies: with [\d,.]+ (users|requests a second) ", warning)
    assert "add copies, or use instances with faster accelerators" in warning


def test_traffic_longer_than_a_request_may_be_is_left_to_the_plan() -> None:
    assert warnings(users=1, input_tokens=100_000) == []


def test_a_component_without_traffic_has_none() -> None:
    component = Component(model="Qwen/Qwen3-8B")
    assert traffic_warnings(plan(Deployment(name="x", instance_type="ml.g6e.12xlarge", components=[component]))) == []


# ---- objectives


def of_objective(objective: str | None, **wishes: Any) -> list[str]:
    traffic = Traffic(input_tokens=1000, output_tokens=100, objective=objective, **{"requests_per_second": 5, **wishes})
    component = Component(model="Qwen/Qwen3-8B", copies=2, tensor_parallel=1, traffic=traffic)
    return traffic_warnings(plan(Deployment(name="x", instance_type="ml.g6e.12xlarge", components=[component])))


def forecast_of(copies: int, **load: Any) -> Point:
    component = Component(model="Qwen/Qwen3-8B", copies=copies, tensor_parallel=1)
    planned = plan(
        Deployment(name="x", instance_type="ml.g6e.12xlarge", components=[component], instances=1 + copies // 5)
    )
    return forecast(planned, planned.components[0], [Load(input_tokens=1000, output_tokens=100, **load)]).points[0]


@pytest.mark.parametrize("figure", ["ttft_p90", "latency_p50", "tpot_p90"])
def test_an_objective_is_missed_exactly_where_the_forecast_misses_it(figure: str) -> None:
    seconds = getattr(forecast_of(2, requests_per_second=5), f"{figure}_seconds")

    assert of_objective(f"{figure}={1.001 * seconds:.6f}") == []
    (warning,) = of_objective(f"{figure}={0.999 * seconds:.6f}")
    assert f"{figure.replace('_', ' ')} {seconds:.3g} s, wanted " in warning


def test_every_bound_that_is_missed_is_named_and_no_other() -> None:
    (warning,) = of_objective("ttft_p90=0.001,latency_p90=30,tpot_p50=0.001")

    assert "ttft p90" in warning
    assert "tpot p50" in warning
    assert "latency" not in warning


def test_the_copies_that_a_warning_names_keep_the_objective() -> None:
    (warning,) = of_objective("ttft_p90=0.3", requests_per_second=None, users=40)
    named = re.search(r"set copies=(\d+) with enough instances: the forecast then meets the objective$", warning)

    assert named
    assert (forecast_of(int(named[1]), users=40).ttft_p90_seconds or 9) <= 0.3
    assert (forecast_of(2, users=40).ttft_p90_seconds or 0) > 0.3


def test_more_copies_are_not_named_where_a_request_that_is_alone_misses_it() -> None:
    (warning,) = of_objective("tpot_p90=0.001")

    assert "even a single request misses it, so more copies do not help: raise tensor_parallel=" in warning


@pytest.mark.parametrize(
    ("model", "load"),
    [
        ("Qwen/Qwen3-8B", {"users": 2000, "objective": "ttft_p90=2,latency_p90=20"}),
        ("Qwen/Qwen3-8B", {"users": 20_000}),
        ("llama-2-13b", {"users": 3000}),
    ],
)
def test_parts_that_the_closed_form_decides_are_not_simulated_and_the_warning_is_the_same(
    model: str, load: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """TGI refuses more than 128 requests in a copy (its default); a closed loop of 20,000 users waits for minutes."""
    traffic = Traffic(**{"input_tokens": 1000, "output_tokens": 100, **load})
    engine = "tgi-1.1.0" if model == "llama-2-13b" else "vllm"
    component = Component(model=model, engine=engine, tensor_parallel=1, traffic=traffic)
    planned = plan(Deployment(name="x", instance_type="ml.p4d.24xlarge", components=[component]))
    numbers: list[int] = []
    simulated: list[int | None] = []
    forecast_of_sample = declared._Judged._forecast

    def counted(judged: declared._Judged, sample: Sample) -> Point:
        simulated.append(sample.load.users)
        return forecast_of_sample(judged, sample)

    monkeypatch.setattr(declared._Judged, "_forecast", counted)
    few = traffic_warnings(planned)
    numbers.append(len(simulated))
    monkeypatch.setattr(declared._Judged, "_is_carried", lambda *_: False)
    every = traffic_warnings(planned)

    assert few == every
    assert len(few) == 1
    assert numbers[0] <= len(simulated) - numbers[0] - 2


def test_a_load_that_is_not_carried_has_no_second_warning() -> None:
    (warning,) = of_objective("ttft_p90=0.001", requests_per_second=10_000)

    assert "the declared traffic exceeds the forecast capacity of" in warning


def test_users_near_a_bound_are_simulated_on_all_copies() -> None:
    """A sample of two copies has other percentiles than all of them."""
    traffic = Traffic(users=120, input_tokens=1000, output_tokens=100, objective="ttft_p90=5,latency_p90=9")
    component = Component(model="Qwen/Qwen3-8B", copies=4, tensor_parallel=1, traffic=traffic)
    planned = plan(Deployment(name="x", instance_type="ml.g6e.12xlarge", components=[component]))
    exact = forecast_of(4, users=120).latency_p90_seconds or 0.0

    for seconds, missed in ((0.99 * exact, True), (1.01 * exact, False)):
        near = replace(traffic, objective=f"latency_p90={seconds:.4f}")
        found = traffic_warnings(replace(planned, components=(replace(planned.components[0], traffic=near),)))
        assert bool(found) is missed
        assert not missed or f"latency p90 {exact:.3g} s" in found[0]


def test_each_type_of_a_pool_has_to_carry_the_traffic() -> None:
    """An A10G reads weights at two thirds of the speed of an L40S (600 and 864 GB/s, data sheets)."""
    seconds = forecast_of(2, requests_per_second=1).tpot_p90_seconds or 0.0
    traffic = Traffic(
        requests_per_second=1, input_tokens=1000, output_tokens=100, objective=f"tpot_p90={1.05 * seconds:.4f}"
    )
    component = Component(model="Qwen/Qwen3-8B", copies=2, tensor_parallel=1, traffic=traffic, max_total_tokens=2048)
    pool = Deployment(
        name="x",
        instance_type="ml.g6e.12xlarge",
        fallback_instance_types=["ml.g5.12xlarge"],
        components=[component],
    )

    (warning,) = traffic_warnings(plan(pool))

    assert warning.startswith("on ml.g5.12xlarge: 2 copies are forecast to miss the objective")
    assert "tpot p90" in warning
