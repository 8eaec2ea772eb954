"""Recommendations for pools of instance types, compared with forecasts of every type alone."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from replicas import Component, Deployment, EndpointPlan, Traffic, plan
from replicas.catalogue.instances import find_instance
from replicas.cli.app import app
from replicas.cli.tables.recommend import recommendation_lines, recommendation_table
from replicas.errors import RecommendError, SizingError
from replicas.forecast import Load, forecast
from replicas.load.objectives import Bound
from replicas.recommend import Objective, Recommendation, Requirements, recommend

POOL = Requirements(
    model="Qwen/Qwen3-8B",
    load=Load(requests_per_second=6, input_tokens=500, output_tokens=50, output_stddev=25),
    objective=Objective(latency_p90_seconds=5.0, further=(Bound("ttft", "p99", 1.5),)),
    quantizations=("none",),
    instance_types=("ml.g6e.12xlarge",),
    fallback_instance_types=("ml.g5.12xlarge", "ml.g6e.xlarge"),
    duration_seconds=30,
    max_instances=6,
)
"""Four L40S, four A10G with less memory and bandwidth, and one L40S."""


@pytest.fixture(scope="module")
def found() -> Recommendation:
    return recommend(POOL)


def alone(instance_type: str, copies: int, instances: int, degree: int) -> EndpointPlan:
    component = Component(model="Qwen/Qwen3-8B", copies=copies, tensor_parallel=degree)
    return plan(Deployment(name="x", instance_type=instance_type, instances=instances, components=[component]))


def strain(planned: EndpointPlan) -> float:
    """Return the largest ratio of a figure to its limit, from a full forecast."""
    (point,) = forecast(planned, planned.components[0], [POOL.load], duration_seconds=30).points
    assert point.latency_p90_seconds is not None
    assert point.ttft_p99_seconds is not None
    return max(point.latency_p90_seconds / 5.0, point.ttft_p99_seconds / 1.5)


def test_a_layout_holds_on_every_type_and_on_no_fewer_instances(found: Recommendation) -> None:
    """Each type is planned and forecast alone on one instance more at a time, until all types hold the objective."""
    best = found.best
    assert best is not None
    types = ("ml.g6e.12xlarge", "ml.g5.12xlarge", "ml.g6e.xlarge")
    assert best.candidate.instance_types == types
    assert best.candidate.component.copies == 1, "one copy of one accelerator fits the instance with one accelerator"

    for instances in range(1, best.instances + 1):
        strains = {name: strain(alone(name, instances, instances, 1)) for name in types}
        assert (max(strains.values()) <= 1) is (instances == best.instances), strains

    assert best.worst is not None
    assert best.worst.instance.name == max(strains, key=lambda name: strains[name]) == "ml.g5.12xlarge"
    assert best.forecast is not None
    assert best.forecast.instance_type == "ml.g5.12xlarge"
    assert best.forecast.pool == types


def test_the_first_type_alone_needs_fewer_instances(found: Recommendation) -> None:
    single = recommend(replace(POOL, fallback_instance_types=())).best

    assert single is not None
    assert found.best is not None
    assert single.instances < found.best.instances
    assert single.worst is None


def test_the_price_is_that_of_the_dearest_type(found: Recommendation) -> None:
    best = found.best
    assert best is not None
    prices = [find_instance(name).price(None) for name in best.candidate.instance_types]

    dearest = max(price.usd for price in prices if price)
    assert best.usd_per_hour == pytest.approx(best.instances * dearest)
    assert best.usd_per_million_output_tokens == pytest.approx(best.instances * dearest / 3600 / (6 * 50) * 1e6)
    (why,) = [sentence for sentence in found.why() if sentence.startswith("SageMaker takes the first type")]
    assert why.endswith("the worst type, ml.g5.12xlarge, and the price is that of the dearest, ml.g6e.12xlarge.")


def test_a_budget_is_compared_with_the_dearest_type(found: Recommendation) -> None:
    best = found.best
    assert best is not None
    assert best.usd_per_hour is not None
    for usd, meets in ((best.usd_per_hour + 0.01, True), (best.usd_per_hour - 0.01, False)):
        limited = recommend(replace(POOL, objective=replace(POOL.objective, max_usd_per_hour=usd)))
        assert (limited.best is not None) is meets


def test_a_type_without_a_price_leaves_the_pool_without_one() -> None:
    unpriced = recommend(replace(POOL, fallback_instance_types=("ml.g6e.16xlarge",)))

    assert unpriced.best is not None
    assert unpriced.best.usd_per_hour is None
    (line,) = [line for line in recommendation_lines(unpriced, 10) if line.startswith("No price is known")]
    assert line == "No price is known for ml.g6e.16xlarge: ranked last."


def test_the_document_and_the_table_name_the_worst_type(found: Recommendation) -> None:
    document = found.to_document()
    first = document["ranked"][0]

    assert document["fallback_instance_types"] == ["ml.g5.12xlarge", "ml.g6e.xlarge"]
    assert first["instance_type"] == "ml.g6e.12xlarge"
    assert first["fallback_instance_types"] == ["ml.g5.12xlarge", "ml.g6e.xlarge"]
    assert first["worst_instance_type"] == first["forecast"]["instance_type"] == "ml.g5.12xlarge"
    console = Console(file=StringIO(), width=200)
    console.print(recommendation_table(found, 10))
    assert isinstance(console.file, StringIO)
    titles, row = console.file.getvalue().splitlines()
    assert titles.split("  ")[0] == "instances"
    assert "worst type" in titles
    assert "ml.g5.12xlarge" in row


def test_the_lines_are_a_deployment_with_the_pool(found: Recommendation) -> None:
    lines = found.lines()
    assert lines is not None
    names: dict[str, Any] = {"Component": Component, "Deployment": Deployment, "Traffic": Traffic}
    (pasted,) = eval(f"[{lines.partition(chr(10) * 2)[2]}]", names)  # noqa: S307 (written by the test's subject)

    planned = plan(pasted)

    assert found.best is not None
    assert planned.components[0].copies == found.best.copies
    assert [other.instance.name for other in planned.fallbacks] == ["ml.g5.12xlarge", "ml.g6e.xlarge"]


def test_misses_name_the_type() -> None:
    """A single A10G of 600 GB/s reads 15.3 GiB of weights in 27 ms (data sheet), so that 50 tokens take over 1.3 s."""
    strict = replace(POOL, objective=Objective(latency_p90_seconds=1.2), load=replace(POOL.load, output_stddev=0))
    missed = recommend(strict)

    assert missed.best is None
    sentences = [shortfall.sentence for each in missed.missed for shortfall in each.option.shortfalls]
    assert any(sentence.startswith("on ml.g5.12xlarge: latency of a single request ") for sentence in sentences)


def test_a_pool_with_a_type_on_which_no_copy_fits_is_refused_with_the_reason() -> None:
    """Weights of 70 billion parameters in 16 bits are 131 GiB; an A10G has 24 GB (data sheet)."""
    refused = recommend(
        replace(
            POOL,
            model="llama-3.1-70b",
            instance_types=("ml.p4d.24xlarge",),
            fallback_instance_types=("ml.g5.xlarge",),
        )
    )

    assert refused.best is None
    assert refused.layouts == 0
    (unfit,) = refused.unfit
    assert unfit.instance == "ml.p4d.24xlarge"
    assert unfit.reason == "a fallback instance type does not fit"
    assert unfit.detail.startswith("on ml.g5.xlarge: no copy fits: a copy of NousResearch/Meta-Llama-3.1-70B-Instruct ")
    assert any(unfit.detail in line for line in recommendation_lines(refused, 10))


def test_types_without_a_common_degree_are_refused() -> None:
    """Weights of 15.3 GiB fit an A10G of 24 GB; 61 GiB of Qwen3 32B need four, and one H100 of 80 GB holds them."""
    refused = recommend(
        replace(
            POOL,
            model="Qwen/Qwen3-32B",
            instance_types=("ml.p5.4xlarge",),
            fallback_instance_types=("ml.g5.12xlarge",),
        )
    )

    (unfit,) = refused.unfit
    assert unfit.reason == "no copy fits all types of the pool"
    assert unfit.detail == "on ml.g5.12xlarge: no copy fits over 1 accelerator"


@pytest.mark.parametrize(
    ("fallbacks", "problem"),
    [
        (("ml.g6e.12xlarge",), "'ml.g6e.12xlarge' is listed twice, in instance_types and in fallback_instance_types"),
        (("ml.g5.xlarge", "ml.g5.xlarge"), "'ml.g5.xlarge' is listed twice, in fallback_instance_types: list it once"),
        (("ml.g5.huge",), "ml.g5.huge"),
        (
            ("ml.g5.xlarge", "ml.g5.2xlarge", "ml.g5.4xlarge", "ml.g5.8xlarge", "ml.g5.16xlarge"),
            "fallback_instance_types: 5 types, at most 4, because an endpoint has at most 5 instance pools",
        ),
    ],
)
def test_faults_of_the_pool(fallbacks: tuple[str, ...], problem: str) -> None:
    with pytest.raises(RecommendError) as refused:
        recommend(replace(POOL, fallback_instance_types=fallbacks))

    (fault,) = refused.value.problems
    assert problem in fault


def test_four_fallback_types_are_what_a_deployment_accepts() -> None:
    types = ["ml.g5.xlarge", "ml.g5.2xlarge", "ml.g5.4xlarge", "ml.g5.8xlarge", "ml.g5.16xlarge"]
    component = Component(model="Qwen/Qwen3-8B", copies=1)
    plan(Deployment(name="x", instance_type=types[0], fallback_instance_types=types[1:], components=[component]))
    with pytest.raises(SizingError):
        plan(Deployment(name="x", instance_type="ml.g6.xlarge", fallback_instance_types=types, components=[component]))


def test_without_a_first_type_every_other_type_is_tried() -> None:
    requirements = replace(POOL, instance_types=(), fallback_instance_types=("ml.g5.xlarge",))
    subject = requirements.resolved()

    names = [instance.name for instance in subject.instances]
    assert "ml.g5.xlarge" not in names
    assert {"ml.g5.2xlarge", "ml.p4d.24xlarge"} <= set(names)
    assert [instance.name for instance in subject.fallbacks] == ["ml.g5.xlarge"]


def test_the_flag_takes_types_separated_by_commas() -> None:
    command = "recommend Qwen/Qwen3-8B --instance ml.g6e.xlarge --fallback-instance-types ml.g6e.2xlarge,ml.g5.2xlarge"
    options = "--quantization none --rate 0.5 --input-tokens 100 --output-tokens 10 --duration 20 --json"
    result = CliRunner().invoke(app, [*command.split(), *options.split()])

    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["ranked"][0]["fallback_instance_types"] == ["ml.g6e.2xlarge", "ml.g5.2xlarge"]
    assert document["ranked"][0]["worst_instance_type"] == "ml.g5.2xlarge"
