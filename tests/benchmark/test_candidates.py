"""`replicas verify NAME --against OTHER`: jobs run only where forecasts do not decide."""

from __future__ import annotations

import pytest

from replicas.benchmark import candidates
from replicas.benchmark.verification import Verification
from replicas.errors import UsageError
from replicas.forecast.comparable import Candidate
from replicas.load import Load

LOAD = Load(users=20, input_tokens=1000, output_tokens=50)
PRICES = {"near": (1.1, 0.1), "cheapest": (1.0, 0.1), "dear": (1.6, 0.1), "unmeasured": (3.0, None)}


@pytest.fixture(autouse=True)
def forecasts(monkeypatch: pytest.MonkeyPatch) -> None:
    def candidate(_aws: object, name: str, *_: object) -> Candidate:
        usd, error = PRICES[name]
        return Candidate(name=name, usd_per_million_output_tokens=usd, error=error)

    monkeypatch.setattr(candidates, "_candidate", candidate)


def _compared(*names: str) -> tuple[list[str], list[str]]:
    measured: list[str] = []
    said: list[str] = []

    def measure(name: str) -> Verification:
        measured.append(name)
        return Verification((), None, "nothing")

    compared = candidates.compare(
        names, loads=[LOAD], region="eu-west-1", duration_seconds=90, profile=None, measure=measure, tell=said.append
    )
    assert set(compared.verifications) == set(measured)
    document = compared.to_document()
    assert {each["deployment"] for each in document["candidates"] if each["is_measured"]} == set(measured)
    return measured, said


def test_only_those_whose_bands_overlap_are_sent_to_a_job() -> None:
    measured, said = _compared("near", "dear", "cheapest")
    assert measured == ["cheapest", "near"]
    assert (
        said[0]
        == "dear: the forecast alone decides, so no job runs: 1.60 USD for a million output tokens, 1.44 to 1.76"
    )


def test_nothing_is_measured_where_the_forecast_decides() -> None:
    assert _compared("dear", "cheapest")[0] == []


def test_what_has_no_measured_error_must_be_measured_too() -> None:
    assert _compared("cheapest", "unmeasured")[0] == ["cheapest", "unmeasured"]


def test_prices_are_compared_at_one_load_and_of_different_deployments() -> None:
    with pytest.raises(UsageError, match="compares deployments at one load"):
        _compared("cheapest", "cheapest")
