"""Forecasts of many copies simulate some of them: their figures are those of a simulation of all copies."""

from __future__ import annotations

import pytest

from replicas import Component, ComponentPlan, Deployment, EndpointPlan, plan
from replicas.forecast import Load, forecast
from replicas.forecast.copies import copy_engine
from replicas.forecast.forecasting import within_limits
from replicas.forecast.sampling import EXACT, FAR, QUICK, ROUGH, Extent, copies_to_simulate
from replicas.forecast.simulation import Outcome, Routing, simulate
from replicas.load.figures import percentile

COPIES, SECONDS = 40, 60.0


@pytest.fixture(scope="module")
def planned() -> EndpointPlan:
    component = Component(model="llama-2-13b", engine="tgi-1.1.0", copies=COPIES, tensor_parallel=1)
    return plan(Deployment(name="x", instance_type="ml.p4d.24xlarge", instances=5, components=[component]))


def of_all_copies(planned: EndpointPlan, component: ComponentPlan, load: Load) -> Outcome:
    engine = copy_engine(component, planned.instance)
    return simulate(engine, copies=COPIES, load=load, duration_seconds=SECONDS, seed=0, routing="RANDOM")


@pytest.mark.parametrize(
    "load",
    [
        Load(requests_per_second=200, input_tokens=1000, output_tokens=50),
        Load(requests_per_second=240, input_tokens=300, output_tokens=50, output_stddev=20),
        Load(users=800, input_tokens=1000, output_tokens=50, output_stddev=20),
        Load(users=2000, input_tokens=300, output_tokens=50, output_stddev=20),
    ],
    ids=["rate", "rate-varied", "users", "overloaded users"],
)
def test_a_sample_has_the_figures_of_all_copies(planned: EndpointPlan, load: Load) -> None:
    component = planned.components[0]
    outcome = of_all_copies(planned, component, load)
    latencies = sorted(ended - asked for asked, _, ended, _ in outcome.answered)
    in_window = sum(ended <= SECONDS for _, _, ended, _ in outcome.answered)

    result = forecast(planned, component, [load], duration_seconds=SECONDS)

    (point,) = result.points
    assert (result.copies, point.users, point.requests_per_second_offered) == (COPIES, load.users, load.offered)
    assert 16 <= result.copies_simulated < COPIES
    assert point.requests == pytest.approx(len(outcome.answered), rel=0.03)
    assert point.requests_per_second_window == pytest.approx(in_window / SECONDS, rel=0.03)
    assert point.latency_p50_seconds == pytest.approx(percentile(latencies, 0.5), rel=0.03)
    assert point.latency_p90_seconds == pytest.approx(percentile(latencies, 0.9), rel=0.05)
    busy = sum(outcome.use.parts) / (COPIES * SECONDS)
    assert result.limits.points[0].busy == pytest.approx(busy, rel=0.03)


@pytest.mark.parametrize(
    ("copies", "requests", "extent", "expected"),
    [
        (64, 64_000, EXACT, 16),
        (64, 6400, EXACT, 50),
        (12, 90_000, EXACT, 12),
        (40, 4000, QUICK, 10),
        (8, 4000, QUICK, 4),
        (40, 40_000, QUICK, 2),  # 2,000 requests are plenty
        (8, 6000, FAR, 2),
        (40, 40_000, FAR, 1),
        (8, 60_000, ROUGH, 2),
        (8, 0, ROUGH, 8),
    ],
)
def test_a_sample_has_the_requests_and_copies_of_its_extent(
    copies: int, requests: float, extent: Extent, expected: int
) -> None:
    assert copies_to_simulate(copies, requests, extent) == expected


@pytest.mark.parametrize(
    ("load", "routing"),
    [
        (Load(users=80, input_tokens=1000, output_tokens=50), "RANDOM"),
        (Load(burst=8000, input_tokens=100, output_tokens=5), "RANDOM"),
        (Load(requests_per_second=200, input_tokens=100, output_tokens=5), "LEAST_OUTSTANDING_REQUESTS"),
    ],
    ids=["few requests", "burst", "copies that depend on each other"],
)
def test_all_copies_are_simulated_where_a_sample_would_differ(
    planned: EndpointPlan, load: Load, routing: Routing
) -> None:
    result = forecast(planned, planned.components[0], [load], duration_seconds=SECONDS, routing=routing)

    assert result.copies_simulated == COPIES


def test_the_price_of_tokens_is_that_of_all_copies(planned: EndpointPlan) -> None:
    load = Load(requests_per_second=200, input_tokens=1000, output_tokens=50)

    (point,) = forecast(planned, planned.components[0], [load], duration_seconds=SECONDS).points

    assert planned.usd_per_hour
    tokens_an_hour = 3600 * point.output_tokens_per_second
    assert point.usd_per_million_output_tokens == pytest.approx(1e6 * planned.usd_per_hour / tokens_an_hour)


def test_requests_that_are_cut_are_counted_for_all_copies(planned: EndpointPlan) -> None:
    component = planned.components[0]
    load = Load(requests_per_second=200, input_tokens=1000, output_tokens=50, input_stddev=3000)

    result = forecast(planned, component, [load], duration_seconds=SECONDS)

    (warning,) = [warning for warning in result.warnings if "were cut" in warning]
    cut, requests = (int(text.replace(",", "")) for text in warning.split(": ")[1].split()[:3:2])
    assert requests == result.points[0].requests
    outcome = of_all_copies(planned, component, within_limits(load, component))
    assert cut == pytest.approx(outcome.cut, rel=0.2)
