"""Small samples of layouts far from the objective decide as large samples do."""

from __future__ import annotations

import pytest

from replicas.forecast import Load
from replicas.forecast.sampling import QUICK
from replicas.recommend import Objective, Recommendation, Requirements, measuring, recommend
from replicas.recommend.candidates import Candidate, candidates
from replicas.recommend.measuring import Gauge

TYPES = ("ml.p4d.24xlarge", "ml.p5.48xlarge", "ml.g6e.12xlarge", "ml.g7e.48xlarge")


def requirements(objective: Objective, rate: float, types: tuple[str, ...] = TYPES) -> Requirements:
    return Requirements(
        model="llama-2-13b",
        load=Load(requests_per_second=rate, input_tokens=1000, output_tokens=50, input_stddev=500, output_stddev=25),
        objective=objective,
        instance_types=types,
    )


@pytest.mark.soak
@pytest.mark.parametrize("rate", [60.0, 200.0])
@pytest.mark.parametrize(
    "objective",
    [Objective(), Objective(latency_p90_seconds=8), Objective(ttft_p90_seconds=1.5), Objective(latency_p90_seconds=2)],
    ids=str,
)
def test_each_layout_gets_the_instances_of_the_large_sample(
    objective: Objective, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All layouts of four instance types, with and without the small samples."""
    quick = recommend(requirements(objective, rate), top=3)
    monkeypatch.setattr(measuring, "FAR", QUICK)
    large = recommend(requirements(objective, rate), top=3)

    assert decisions(quick) == decisions(large)
    assert [each.option.forecast for each in quick.ranked[:3]] == [each.option.forecast for each in large.ranked[:3]]


def decisions(recommendation: Recommendation) -> dict[object, tuple[int, bool]]:
    return {
        (each.option.candidate.instance.name, each.option.candidate.layout): (
            each.option.instances,
            bool(each.option.shortfalls),
        )
        for each in (*recommendation.ranked, *recommendation.missed)
    }


@pytest.mark.parametrize(("limit", "copies"), [(1.1, 4), (0.9, 4), (20.0, 3), (0.02, 3)])
def test_a_layout_near_the_objective_gets_the_large_sample(limit: float, copies: int) -> None:
    """In 30 s, 8 copies get 3,000 requests: 1,000 of them are those of 3 copies; 4 copies spread them unevenly."""
    wanted = requirements(Objective(), 100, ("ml.p5.48xlarge",))
    fitting, _ = candidates(wanted, wanted.resolved())
    (candidate,) = [each for each in fitting if each.component.copies == 8 and each.weights.label == "fp8"]
    p90 = quick_p90(candidate, wanted, Objective())

    gauge = Gauge(wanted.load, Objective(latency_p90_seconds=limit * p90), 90, "RANDOM", 0)

    assert gauge.measure(candidate, 8, "quick").forecast.copies_simulated == copies


def quick_p90(candidate: Candidate, wanted: Requirements, objective: Objective) -> float:
    point = Gauge(wanted.load, objective, 90, "RANDOM", 0).measure(candidate, 8, "quick").point
    assert point.latency_p90_seconds is not None
    return point.latency_p90_seconds
