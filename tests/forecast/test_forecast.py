"""Forecasts as a whole: against the article, their classes of confidence, their limits, their speed and refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

from replicas import Component, ComponentPlan, Deployment, EndpointPlan, plan
from replicas.deployment.file import find_deployment
from replicas.errors import ForecastError
from replicas.forecast import Forecast, Load, forecast, forecasting, simulation
from tests.conftest import ROOT

ARTICLE: list[dict[str, Any]] = json.loads((ROOT / "replicas" / "benchmark" / "data" / "article.json").read_text())[
    "points"
]


def planned(name: str) -> tuple[EndpointPlan, ComponentPlan]:
    endpoint = plan(find_deployment(name, ROOT / "deployments.py"))
    return endpoint, endpoint.components[0]


def of_model(model: str, instance: str, **wishes: Any) -> tuple[EndpointPlan, ComponentPlan]:
    wanted = Deployment(name="x", instance_type=instance, components=[Component(model=model, **wishes)])
    endpoint = plan(wanted, to_deploy=False)
    return endpoint, endpoint.components[0]


def users(*counts: int, tokens_in: int = 1000, tokens_out: int = 50) -> list[Load]:
    return [Load(users=count, input_tokens=tokens_in, output_tokens=tokens_out) for count in counts]


@pytest.fixture(scope="module")
def followed() -> tuple[Forecast, list[int]]:
    """The forecast of the article's nine points, and the number of events of each of its simulations."""
    events = []
    follow = simulation._Simulation.run

    def counted(self: simulation._Simulation) -> simulation.Outcome:
        outcome = follow(self)
        events.append(self._made)
        return outcome

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forecasting, "simulate", simulation.simulate)
        patch.setattr(simulation._Simulation, "run", counted)
        return forecast(*planned("llama-2-13b"), users(*(point["users"] for point in ARTICLE))), events


@pytest.fixture(scope="module")
def article(followed: tuple[Forecast, list[int]]) -> Forecast:
    return followed[0]


def test_the_articles_nine_points(article: Forecast) -> None:
    """Requests a second as it has them, with the drain: within 4 % in the mean. Median latency: within 8 %."""
    rates = [
        point.requests_per_second_elapsed / measured["requests_per_second"] - 1
        for point, measured in zip(article.points, ARTICLE, strict=True)
    ]
    medians = [
        (point.latency_p50_seconds or 0) / measured["median_seconds"] - 1
        for point, measured in zip(article.points, ARTICLE, strict=True)
    ]
    assert fmean(map(abs, rates)) <= 0.04, rates
    assert fmean(map(abs, medians)) <= 0.08, medians
    assert article.confidence == "calibrated"
    assert all(abs(error) <= 0.15 for error in rates + medians), "what is called calibrated is within 15 %"


def test_its_drain_and_its_plateau_too(article: Forecast) -> None:
    """Neither is fitted: 4 to 29 s of drain; within the window 27.5 requests a second from 200 users on."""
    for point, measured in zip(article.points, ARTICLE, strict=True):
        drain = measured["requests"] / measured["requests_per_second"] - 90
        assert point.elapsed_seconds - 90 == pytest.approx(drain, abs=10)
        if point.users and point.users >= 200:
            assert point.requests_per_second_window == pytest.approx(27.5, rel=0.05)


def test_it_says_what_saturates_first_with_its_numbers(article: Forecast) -> None:
    limits = article.limits
    assert (limits.first, limits.users) == ("memory bandwidth", 100)
    assert "admission rule" in limits.why
    for point in limits.points:
        parts = point.compute + point.weights_read + point.cache_read + point.exchange + point.host
        assert parts == pytest.approx(point.busy)
        assert point.busy <= 1 + 1e-9
    assert limits.requests_per_second == max(point.requests_per_second_window for point in article.points)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("as the article", "calibrated"),
        ("one thing: another card memory", "unmeasured"),
        ("one thing: another model", "unmeasured"),
        ("one thing: lengths", "unmeasured"),
        ("one thing: arrivals", "unmeasured"),
        ("one thing: another minor version", "unmeasured"),
        ("two things", "unmeasured"),
        ("tensor parallel", "unmeasured"),
        ("quantization", "unmeasured"),
        ("another accelerator", "unmeasured"),
        ("another engine line", "order-of-magnitude"),
        ("a prefix that prompts share", "unmeasured"),
        ("another patch version", "unmeasured"),
        ("lengths that vary", "unmeasured"),
        ("prompts that repeat", "unmeasured"),
        ("one copy", "unmeasured"),
    ],
)
def test_the_class_of_confidence_says_how_much_differs_from_the_run_it_rests_on(case: str, expected: str) -> None:
    tgi = {"engine": "tgi-1.1.0", "max_total_tokens": 4096}
    cases: dict[str, tuple[tuple[EndpointPlan, ComponentPlan], Load]] = {
        "as the article": (planned("llama-2-13b"), users(400)[0]),
        "one thing: another card memory": (of_model("llama-2-13b", "ml.p4de.24xlarge", **tgi), users(400)[0]),
        "one thing: another model": (planned("llama-2-7b"), users(400)[0]),
        "one thing: lengths": (planned("llama-2-13b"), users(400, tokens_in=200)[0]),
        "one thing: arrivals": (
            planned("llama-2-13b"),
            Load(requests_per_second=10, input_tokens=1000, output_tokens=50),
        ),
        "one thing: another minor version": (
            of_model("llama-2-13b", "ml.p4d.24xlarge", **{**tgi, "engine": "tgi-1.3.1"}),
            users(400)[0],
        ),
        "two things": (planned("llama-2-7b"), users(400, tokens_in=200)[0]),
        "tensor parallel": (of_model("llama-2-13b", "ml.p4d.24xlarge", tensor_parallel=2, **tgi), users(100)[0]),
        "quantization": (planned("llama-2-13b-gptq"), users(400)[0]),
        "another accelerator": (of_model("llama-2-13b", "ml.g6e.48xlarge", **tgi), users(400)[0]),
        "another engine line": (of_model("llama-2-13b", "ml.p4d.24xlarge", max_total_tokens=4096), users(400)[0]),
        "a prefix that prompts share": (planned("llama-2-13b"), replace(users(400)[0], shared_tokens=900)),
        "another patch version": (
            of_model("llama-2-13b", "ml.p4d.24xlarge", **{**tgi, "engine": "tgi-1.1.1"}),
            users(400)[0],
        ),
        "lengths that vary": (planned("llama-2-13b"), replace(users(400)[0], output_stddev=30)),
        "prompts that repeat": (planned("llama-2-13b"), replace(users(400)[0], distinct_prompts=50)),
        "one copy": (of_model("llama-2-13b", "ml.p4d.24xlarge", copies=1, **tgi), users(50)[0]),
    }
    endpoint, load = cases[case]
    told = forecast(*endpoint, [load])
    assert told.confidence == expected, told.basis
    assert told.summary.startswith(f"{expected}: ")


def test_a_routing_that_the_run_did_not_have_is_a_difference_too() -> None:
    told = forecast(*planned("llama-2-13b"), users(400), routing="LEAST_OUTSTANDING_REQUESTS")
    assert told.confidence == "unmeasured"
    assert "LEAST_OUTSTANDING_REQUESTS instead of RANDOM" in told.basis


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"max_batch_prefill_tokens": 8192}, "prefill budget: 8,192 instead of 4,096"),
        ({"environment": {"WAITING_SERVED_RATIO": "0.3"}}, "admission: changed by the container's environment"),
        ({"environment": {"MAX_CONCURRENT_REQUESTS": "64"}}, "requests at once: 64 instead of 128"),
    ],
    ids=["prefill budget", "admission", "requests at once"],
)
def test_whatever_the_simulation_reads_and_the_run_had_otherwise_is_a_difference(
    options: dict[str, Any], difference: str
) -> None:
    wishes = {"engine": "tgi-1.1.0", "max_total_tokens": 4096, "max_input_tokens": 2048, **options}
    told = forecast(*of_model("llama-2-13b", "ml.p4d.24xlarge", **wishes), users(400))
    assert told.confidence == "unmeasured"
    assert difference in told.basis


def test_a_copy_that_is_full_refuses_as_tgi_does() -> None:
    """128 requests at once, running and waiting, is its router's default."""
    told = forecast(*of_model("llama-2-7b", "ml.g5.2xlarge", engine="tgi-1.1.0"), users(100, 200), duration_seconds=20)
    below, above = told.points
    assert below.refused == 0 < above.refused
    assert above.requests == above.refused + 128 + round(20 * above.requests_per_second_window)
    assert told.limits.first == "compute"


def test_a_rate_beyond_the_capacity_is_said_with_what_waits_and_what_sagemaker_ends() -> None:
    """One copy on an A10G carries about two requests a second of 1,000 + 200 tokens, not twenty."""
    load = Load(requests_per_second=20, input_tokens=1000, output_tokens=200)
    endpoint, component = of_model("llama-3.1-8b", "ml.g5.xlarge", copies=1, max_total_tokens=4096)
    told = forecast(endpoint, component, [load], duration_seconds=60)
    (point,) = told.points
    assert point.requests_per_second < 0.3 * 20
    reached, ended = told.warnings[-2:]
    assert f"20 requests a second are not reached: {point.requests_per_second:.3g} a second are answered" in reached
    assert "requests wait for the" in reached
    assert "s or more, and the wait grows as long as the load lasts" in reached
    assert "longer than 60 s, after which SageMaker ends an answer of InvokeEndpoint" in ended
    light = forecast(endpoint, component, [replace(load, requests_per_second=0.5)], duration_seconds=120)
    assert light.warnings == told.warnings[:-2]


def test_nothing_saturates_where_time_is_left() -> None:
    load = Load(requests_per_second=1, input_tokens=1000, output_tokens=50)
    told = forecast(*planned("llama-2-13b"), [load])
    assert told.limits.first is None
    assert told.points[0].requests_per_second_window == pytest.approx(1, rel=0.3)
    assert (told.points[0].latency_p50_seconds or 0) < 2


def test_a_price_is_that_of_the_components_part() -> None:
    """Two components on half of the accelerators each: half of the price each."""
    endpoint = plan(find_deployment("llama-13b-mistral-7b", ROOT / "deployments.py"))
    for component in endpoint.components:
        (point,) = forecast(endpoint, component, users(50), duration_seconds=20).points
        per_hour = (point.usd_per_million_output_tokens or 0) * point.output_tokens_per_second * 3600 / 1e6
        assert per_hour == pytest.approx((endpoint.usd_per_hour or 0) / 2)


def test_every_fault_is_told_at_once() -> None:
    endpoint, component = planned("llama-2-13b")
    loads = [
        Load(users=1, requests_per_second=1, input_tokens=10, output_tokens=10),
        Load(users=0, input_tokens=0, output_tokens=0),
        Load(users=1, input_tokens=3000, output_tokens=2000),
    ]
    with pytest.raises(ForecastError) as refusal:
        forecast(endpoint, component, loads, duration_seconds=0)
    told = str(refusal.value)
    for expected in (
        "users=1, requests_per_second=1: give exactly one of users, requests_per_second, burst and trace",
        "users=0: 1 to 100,000",
        "input_tokens=0: at least 1",
        "output_tokens=0: at least 1",
        "the component accepts at most 2,048",
        "are 5,000: a request has at most 4,096",
        "duration_seconds=0: more than 0",
    ):
        assert expected in told


def test_without_a_copy_there_is_no_forecast() -> None:
    endpoint, component = planned("llama-2-13b")
    assert (endpoint.name, component.name) == ("llama-2-13b", "llama-2-13b")
    with pytest.raises(ForecastError, match=r"^no forecast of llama-2-13b: the component has no copies"):
        forecast(endpoint, replace(component, copies=0), users(1))


def test_nine_points_are_nine_simulations_of_few_events(followed: tuple[Forecast, list[int]]) -> None:
    """Time is measured by `make benchmark`; here is what it depends on."""
    points, events = followed[0].points, followed[1]
    assert len(events) == len(ARTICLE) == 9
    assert sum(events) < 3 * sum(point.requests for point in points), events


_MANY_COPIES = """
import psutil
from replicas import Component, Deployment, plan
from replicas.forecast import Load, forecast, simulation
events = []
follow = simulation._Simulation.run
def counted(self):
    outcome = follow(self)
    events.append(self._made)
    return outcome
simulation._Simulation.run = counted
component = Component(model="llama-2-7b", tensor_parallel=1)
wanted = Deployment(name="x", instance_type="ml.p4d.24xlarge", instances=8, components=[component])
endpoint = plan(wanted, to_deploy=False)
assert endpoint.components[0].copies == 64
load = Load(users=500, input_tokens=1000, output_tokens=50)
(point,) = forecast(endpoint, endpoint.components[0], [load], duration_seconds=15).points
print(point.requests, *events, psutil.Process().memory_info().rss)
"""


def test_500_users_on_64_copies_take_few_events_and_little_memory() -> None:
    finished = subprocess.run([sys.executable, "-c", _MANY_COPIES], capture_output=True, text=True, check=True)
    requests, events, resident = map(int, finished.stdout.split())
    assert requests > 4_000
    assert events < 6 * requests, "steps that nobody joins or leaves are one event"
    assert resident < 200 * 2**20
