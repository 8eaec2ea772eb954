"""Only candidates whose error bands overlap with the best one's are worth a measurement."""

from __future__ import annotations

import pytest

from replicas.forecast import forecast
from replicas.forecast.comparable import Candidate, split_by_forecast
from tests.forecast.test_forecast import of_model, users


def _one(name: str, usd: float | None, error: float | None = 0.1) -> Candidate:
    return Candidate(name=name, usd_per_million_output_tokens=usd, error=error)


@pytest.mark.parametrize(
    ("candidates", "undecided"),
    [
        ([_one("a", 1.0), _one("b", 1.2), _one("c", 1.3)], ["a", "b"]),  # 1.1 ends a; 1.08 begins b, 1.17 c
        ([_one("c", 1.3), _one("a", 1.0)], []),
        ([_one("a", 1.0)], []),
        ([_one("a", 1.0), _one("wide", 2.0, 0.5)], ["a", "wide"]),
        ([_one("a", 1.0), _one("unmeasured", 9.0, None)], ["a", "unmeasured"]),
        ([_one("a", 1.0), _one("unpriced", None)], ["a", "unpriced"]),
        ([_one("vague", 1.0, 0.9), _one("sure", 1.5, 0.05), _one("dear", 1.8, 0.01)], ["vague", "sure"]),
    ],
)
def test_those_whose_bands_overlap_with_the_best_are_measured(
    candidates: list[Candidate], undecided: list[str]
) -> None:
    split = split_by_forecast(candidates)
    assert [one.name for one in split.undecided] == undecided
    assert {one.name for one in (*split.undecided, *split.decided)} == {one.name for one in candidates}


def test_a_decision_names_the_best_first() -> None:
    split = split_by_forecast([_one("c", 1.3), _one("a", 1.0)])
    assert [one.name for one in split.decided] == ["a", "c"]


def test_a_forecast_without_a_class_tells_nothing_apart() -> None:
    """No run of SGLang is published: its forecast has no error, and so no band."""
    unmeasured = Candidate.of(
        "x",
        forecast(*of_model("llama-3.1-8b", "ml.p5.48xlarge", copies=1, engine="sglang"), users(8), duration_seconds=3),
    )
    assert unmeasured.band is None
    predicted = forecast(*of_model("llama-3.1-8b", "ml.p5.48xlarge", copies=1), users(8), duration_seconds=3)
    measured = Candidate.of("y", predicted)
    assert measured.band is not None
    assert predicted.measured_error is not None
    rate = predicted.measured_error.figures["requests_per_second"]
    usd = predicted.points[0].usd_per_million_output_tokens or 0.0
    assert measured.band == pytest.approx((usd * (1 - rate.median), usd * (1 + rate.median)))
