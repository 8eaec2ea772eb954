"""Fleets: what comes out is planned, holds what was asked, and costs what is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from replicas import plan
from replicas.errors import RecommendError
from replicas.forecast import forecast
from replicas.recommend import Fleet, FleetFile, fleet, read_fleet
from replicas.recommend.candidates import Candidate
from replicas.recommend.measuring import Effort, Gauge, Measured
from tests.conftest import ROOT
from tests.recommend.test_recommend import deployments_of

EXAMPLE = ROOT / "docs" / "examples" / "fleet.yaml"


@pytest.fixture(scope="module")
def example() -> Fleet:
    return fleet(read_fleet(EXAMPLE))


@pytest.mark.slow
def test_models_share_an_instance_where_that_is_cheaper_than_one_each(example: Fleet) -> None:
    assert example.shares.proven
    assert example.usd_per_hour < example.usd_per_hour_alone
    assert max(len(served) for _, served in example.endpoints) > 1
    assert sorted(each.name for _, served in example.endpoints for each in served) == [
        *("assistant", "code", "summary", "support")
    ]
    assert example.usd_per_hour == pytest.approx(sum(planned.usd_per_hour or 0 for planned, _ in example.endpoints))


@pytest.mark.slow
def test_the_lines_are_deployments_that_plan_proves_at_that_price(example: Fleet) -> None:
    plans = [plan(deployment) for deployment in deployments_of(example.lines())]

    assert sum(planned.usd_per_hour or 0 for planned in plans) == pytest.approx(example.usd_per_hour)
    for planned, (proven, _) in zip(plans, example.endpoints, strict=True):
        assert planned.placement == proven.placement
        assert [part.copies for part in planned.components] == [part.copies for part in proven.components]
        assert all(part.traffic for part in planned.components)


@pytest.mark.slow
def test_every_model_holds_what_was_asked_and_with_a_copy_less_it_would_not(example: Fleet) -> None:
    asked = {
        each.name: requirements
        for each, requirements in zip(example.file.models, example.file.requirements(), strict=True)
    }
    for planned, _ in example.endpoints:
        for part in planned.components:
            requirements = asked[part.name]
            for copies in {part.copies, max(1, part.copies - 1)}:
                one = replace(part, copies=copies)
                point = forecast(planned, one, [requirements.load]).points[0]
                slow = (point.latency_p90_seconds or 99) > requirements.objective.latency_p90_seconds
                late = (point.ttft_p90_seconds or 99) > (requirements.objective.ttft_p90_seconds or 99)
                rate = requirements.load.requests_per_second
                # The shortest queue that grows is one of arrivals: too few copies answer less than arrives.
                behind = bool(rate) and point.requests_per_second_window < 0.8 * (rate or 0)
                assert (slow or late or behind) == (copies < part.copies), part.name


def test_quick_forecasts_that_promise_too_much_are_corrected_by_full_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every quick forecast held whatever was asked: the copies are still those that full forecasts ask for."""
    measure = Gauge.measure

    def credulous(self: Gauge, candidate: Candidate, copies: int, effort: Effort) -> Measured:
        measured = measure(self, candidate, copies, effort)
        return replace(measured, shortfalls=()) if effort == "quick" else measured

    monkeypatch.setattr(Gauge, "measure", credulous)
    file = read_fleet(EXAMPLE).model_copy(update={"instance_types": ("ml.g5.12xlarge",)})
    file = file.model_copy(update={"models": tuple(each for each in file.models if each.name in ("code", "summary"))})

    found = fleet(file)

    for planned, _ in found.endpoints:
        for part in planned.components:
            requirements = next(
                w for each, w in zip(file.models, file.requirements(), strict=True) if each.name == part.name
            )
            point = forecast(planned, part, [requirements.load]).points[0]
            assert (point.latency_p90_seconds or 99) <= requirements.objective.latency_p90_seconds
            assert (point.ttft_p90_seconds or 99) <= (requirements.objective.ttft_p90_seconds or 99)


@pytest.mark.slow
def test_without_a_wish_the_weights_are_taken_as_they_are_stored(example: Fleet) -> None:
    labels = {each.name: each.candidate.weights.label for _, served in example.endpoints for each in served}

    assert labels == {"support": "none", "code": "none", "summary": "none", "assistant": "awq"}


def test_a_budget_that_is_exceeded_is_refused_with_the_price() -> None:
    file = read_fleet(EXAMPLE).model_copy(update={"max_usd_per_hour": 5.0})

    with pytest.raises(RecommendError, match=r"max_usd_per_hour=5: the cheapest fleet costs \d+\.\d\d USD an hour"):
        fleet(file)


def test_a_model_that_nothing_holds_is_named_with_the_nearest_layout() -> None:
    content = yaml.safe_load(EXAMPLE.read_text())
    content["models"][0]["latency_p90_seconds"] = 0.1

    with pytest.raises(RecommendError, match=r"support: no layout meets its objective; the nearest is .*wanted 0.1 s"):
        fleet(FleetFile.model_validate(content))


def test_unknown_names_of_all_models_are_told_together() -> None:
    content = yaml.safe_load(EXAMPLE.read_text())
    content["models"][0]["model"] = "lama-2-13b"
    content["models"][1]["engine"] = "triton"

    with pytest.raises(RecommendError) as refused:
        fleet(FleetFile.model_validate(content))

    assert len(refused.value.problems) == 2
    assert "support: model 'lama-2-13b'" in str(refused.value)
    assert "code: engine 'triton'" in str(refused.value)


def written(folder: Path, content: Any) -> Path:
    path = folder / "fleet.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    model = {"name": "a", "model": "llama-2-7b", "users": 4, "input_tokens": 10, "output_tokens": 10}
    content = {
        "models": [
            model | {"users": 0},
            model | {"name": "b c", "requests_per_second": 3},
            {"name": "d", "model": "llama-2-7b", "input_token": 10, "output_tokens": 10},
        ],
        "max_instances": 0,
        "budget": 3,
    }

    with pytest.raises(RecommendError) as refused:
        read_fleet(written(tmp_path, content))

    told = str(refused.value)
    for fault in ("models.0.users", "models.1.name", "models.2.input_tokens", "models.2.input_token:", "max_instances"):
        assert fault in told
    assert "budget" in told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"users": None}, "needs either users or requests_per_second"),
        ({"requests_per_second": 1}, "needs either users or requests_per_second"),
    ],
)
def test_a_model_has_one_load(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    model = {"name": "a", "model": "llama-2-7b", "users": 4, "input_tokens": 10, "output_tokens": 10} | change

    with pytest.raises(RecommendError, match=message):
        read_fleet(written(tmp_path, {"models": [model]}))


@pytest.mark.parametrize("content", ["", "[1, 2", "- a", "models: []", "\x00", "models: {a: 1}"])
def test_what_is_no_fleet_is_refused_without_a_traceback(tmp_path: Path, content: str) -> None:
    with pytest.raises(RecommendError, match=r"fleet\.json"):
        read_fleet(written(tmp_path, content))


def test_models_need_names_of_their_own(tmp_path: Path) -> None:
    model = {"model": "llama-2-7b", "users": 4, "input_tokens": 10, "output_tokens": 10}

    with pytest.raises(RecommendError, match="must differ in more than hyphens and case"):
        read_fleet(written(tmp_path, {"models": [model | {"name": "a-b"}, model | {"name": "AB"}]}))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecommendError, match="No such file"):
        read_fleet(tmp_path / "none.yaml")
