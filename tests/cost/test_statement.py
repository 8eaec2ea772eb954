"""A statement of cost: by hand, against the forecast's own price, and adding up."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from replicas import Component, EndpointPlan, InstanceScaling, Scaling, Traffic, plan
from replicas.cost import Statement, statement
from replicas.deployment.file import load_catalogue
from replicas.errors import SizingError
from replicas.forecast import Load, forecast
from tests.conftest import ROOT
from tests.examples import examples
from tests.planning.build import deployment

P4D_USD = 25.251286
LOAD = Load(users=200, input_tokens=1000, output_tokens=50)


@pytest.fixture(scope="module")
def article() -> EndpointPlan:
    (row,) = [each for each in load_catalogue(ROOT / "deployments.py") if each.name == "llama-2-13b"]
    return plan(row)


def test_a_copy_and_a_million_tokens_by_hand(article: EndpointPlan) -> None:
    """Eight copies share 25.251286 USD an hour; its requests have 50 tokens out and 1,050 in all."""
    (part,) = statement(article, {"llama-2-13b": LOAD}).components
    point = part.points["start"]
    assert point.load is not None
    rate = point.load.requests_per_second_window

    assert point.usd_per_hour_per_copy == pytest.approx(3.15641075)
    assert point.usd_per_million_output_tokens == pytest.approx(P4D_USD / 3600 / (50 * rate) * 1e6)
    assert point.usd_per_million_tokens == pytest.approx(P4D_USD / 3600 / (1050 * rate) * 1e6)
    # The article's plateau, 27.5 requests a second, is 5.10 USD for a million output tokens at today's price.
    assert point.usd_per_million_output_tokens == pytest.approx(5.10, rel=0.05)
    assert part.confidence == "calibrated"


def test_the_price_of_tokens_is_the_forecasts_own(article: EndpointPlan) -> None:
    (told,) = statement(article, {"llama-2-13b": LOAD}).components
    (point,) = forecast(article, article.components[0], [LOAD]).points
    assert told.points["start"].load == point
    assert told.points["start"].usd_per_million_output_tokens == pytest.approx(point.usd_per_million_output_tokens)


def test_without_a_load_nothing_is_forecast(article: EndpointPlan) -> None:
    (part,) = statement(article).components
    assert (part.load, part.confidence, part.not_forecast) == (None, None, None)
    assert part.points["start"].usd_per_million_output_tokens is None


def test_declared_traffic_is_forecast_at_both_ends_and_nothing_answers_without_a_copy() -> None:
    traffic = Traffic(requests_per_second=2, input_tokens=500, output_tokens=100)
    sleeping = deployment(
        traffic=traffic,
        scaling=Scaling(to_zero=True, max_copies=4),
        instance_scaling=InstanceScaling(max_instances=1),
    )
    (part,) = statement(plan(sleeping)).components
    assert part.load == Load(requests_per_second=2, input_tokens=500, output_tokens=100)
    floor, start, ceiling = (part.points[name] for name in ("floor", "start", "ceiling"))
    assert (floor.usd_per_hour, floor.usd_per_hour_per_copy, floor.load) == (0, None, None)
    assert start.load is not None
    assert ceiling.load is not None
    assert ceiling.copies == 4
    assert (ceiling.load.latency_p50_seconds or 0) < (start.load.latency_p50_seconds or 0)


def test_a_load_that_does_not_fit_leaves_the_rest_of_the_statement(article: EndpointPlan) -> None:
    told = statement(article, {"llama-2-13b": Load(users=1, input_tokens=9000, output_tokens=50)})
    assert told.components[0].not_forecast is not None
    assert "input_tokens=9,000" in told.components[0].not_forecast
    assert told.bounds["start"].usd_per_hour == pytest.approx(P4D_USD)


def test_tokens_of_an_unknown_price_have_none() -> None:
    unpriced = plan(deployment(instance_type="ml.p4d.24xlarge", region="eu-west-1", engine="vllm"))
    told = statement(unpriced, {"chat": LOAD})
    point = told.components[0].points["start"]
    assert told.price is None
    assert point.load is not None
    assert (point.usd_per_hour_per_copy, point.usd_per_million_tokens) == (None, None)


@examples(30)
@given(
    copies=st.lists(st.integers(1, 4), min_size=1, max_size=3), more=st.integers(0, 3), degree=st.sampled_from([1, 2])
)
def test_the_parts_of_the_components_add_up_to_the_endpoint(copies: list[int], more: int, degree: int) -> None:
    parts = [
        Component(
            name=f"part{index}",
            model="NousResearch/Llama-2-7b-chat-hf",
            max_total_tokens=1024,
            copies=number,
            tensor_parallel=degree if index == 0 else None,
            scaling=Scaling(max_copies=number + more) if index == 0 else None,
        )
        for index, number in enumerate(copies)
    ]
    try:
        told: Statement = statement(
            plan(deployment(components=parts, instances=2, instance_scaling=InstanceScaling(max_instances=3)))
        )
    except SizingError:
        assume(False)
    for name, bound in told.bounds.items():
        points = [part.points[name] for part in told.components]
        assert sum(point.usd_per_hour or 0 for point in points) == pytest.approx(bound.usd_per_hour)
        assert sum((point.usd_per_hour_per_copy or 0) * point.copies for point in points) == pytest.approx(
            bound.usd_per_hour
        )


def test_the_example_with_every_option_has_a_whole_statement() -> None:
    (production,) = load_catalogue(Path(ROOT / "docs" / "examples" / "production.py"))
    document = statement(plan(production)).to_document()
    assert document["bounds"]["ceiling"]["usd_per_month"] == pytest.approx(2 * 13.1158 * 730)
    assert document["adds_usd_per_month"] == pytest.approx(5.00)
    assert [part["load"] is not None for part in document["components"]] == [True, False]
