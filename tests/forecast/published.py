"""Published measurements (published.json) beside what the forecast says of the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from replicas import Component, ComponentPlan, Deployment, EndpointPlan, plan
from replicas.forecast import Load, Point, forecast
from replicas.forecast.copies import copy_engine
from replicas.speed.times import StepTimes

PUBLISHED: dict[str, Any] = json.loads((Path(__file__).parent / "published.json").read_text())
SPLITWISE, SMALL = PUBLISHED["splitwise"], PUBLISHED["philschmid"]


def one_copy(model: str, instance: str, degree: int, engine: str, tokens: int) -> tuple[EndpointPlan, ComponentPlan]:
    component = Component(
        model=model,
        engine=engine,
        tensor_parallel=degree,
        copies=1,
        max_total_tokens=tokens,
        max_input_tokens=tokens // 2,
    )
    endpoint = plan(Deployment(name="x", instance_type=instance, components=[component]), to_deploy=False)
    return endpoint, endpoint.components[0]


def splitwise(case: dict[str, Any]) -> StepTimes:
    endpoint, component = one_copy(
        SPLITWISE["model"], case["instance"], case["degree"], SPLITWISE["engine"], tokens=4096
    )
    return copy_engine(component, endpoint.instance).times


def prompt_errors(case: dict[str, Any]) -> list[float]:
    times = splitwise(case)
    return [times.prefill([int(n)]) * 1000 / ms - 1 for n, ms in case["ms_by_tokens"].items()]


def decode_errors(case: dict[str, Any]) -> list[float]:
    """A prompt of 512 tokens and half of the 128 that were generated."""
    times = splitwise(case)
    return [times.decode(int(n), int(n) * 576) * 1000 / ms - 1 for n, ms in case["ms_by_batch"].items()]


def points_of(run: dict[str, Any]) -> Iterator[tuple[Point, dict[str, Any]]]:
    """Forecast and measurement of each number of users of a run of a small endpoint."""
    endpoint, component = one_copy(run["model"], run["instance"], run["degree"], SMALL["engine"], tokens=2048)
    tokens_in, tokens_out = SMALL["input_tokens"], SMALL["output_tokens"]
    loads = [Load(users=point["users"], input_tokens=tokens_in, output_tokens=tokens_out) for point in run["points"]]
    told = forecast(endpoint, component, loads)
    yield from zip(told.points, run["points"], strict=True)


def ratios_of(run: dict[str, Any]) -> list[float]:
    """Forecast over measured, requests and median latency of each point."""
    return [
        ratio
        for point, measured in points_of(run)
        for ratio in (
            point.requests / measured["requests"],
            (point.latency_p50_seconds or 0) * 1000 / measured["median_ms"],
        )
    ]
