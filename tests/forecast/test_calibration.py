"""A profile from a run: constants that were changed are found again, and what cannot be explained is said."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from replicas import plan
from replicas.deployment.file import find_deployment
from replicas.engines.profile import read_profile
from replicas.errors import ForecastError
from replicas.forecast import Load, forecast
from replicas.forecast.calibration import Calibration, Measured, calibrate, mean_error
from tests.conftest import ROOT

ENDPOINT = plan(find_deployment("llama-3-1-8b-g6e", ROOT / "deployments.py"))
COMPONENT = ENDPOINT.components[0]
LOAD = Load(users=1, input_tokens=600, output_tokens=80)
USERS = (4, 40, 160)
SECONDS = 4


def run_of(**constants: float) -> list[Measured]:
    """What a benchmark would measure on an engine whose constants are these."""
    real = replace(COMPONENT.engine.profile, **constants)  # type: ignore[arg-type]
    loads = [replace(LOAD, users=users) for users in USERS]
    told = forecast(ENDPOINT, COMPONENT, loads, duration_seconds=SECONDS, profile=real)
    return [
        Measured(
            load=replace(LOAD, users=point.users),
            requests_per_second_window=point.requests_per_second_window,
            latency_p50_seconds=point.latency_p50_seconds or 0,
            ttft_p50_seconds=point.ttft_p50_seconds,
        )
        for point in told.points
    ]


def calibrated(measured: list[Measured]) -> Calibration:
    return calibrate(
        *(ENDPOINT, COMPONENT, measured),
        duration_seconds=SECONDS,
        routing="RANDOM",
        described="a run of a test",
    )


@cache
def found_again(name: str, value: float) -> Calibration:
    return calibrated(run_of(**{name: value}))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), [("compute_efficiency", 0.5), ("step_seconds", 0.045)])
def test_a_constant_that_was_changed_is_found_again(name: str, value: float) -> None:
    found = found_again(name, value)
    assert next(iter(found.fitted)) == name
    assert found.fitted[name][1] == pytest.approx(value, rel=0.15)
    worst = max(abs(each.error) for each in found.after if each.what != "ttft_p50_seconds")
    assert worst < 0.05 < max(abs(each.error) for each in found.before)
    assert found.profile.fitted is not None
    assert found.profile.fitted.worst_residual == pytest.approx(worst)


@pytest.mark.slow
def test_its_profile_is_calibrated_for_what_it_was_fitted_to_and_nothing_else() -> None:
    profile = read_profile(found_again("compute_efficiency", 0.5).profile.to_document())

    def trust(load: Load) -> str:
        told = forecast(ENDPOINT, COMPONENT, [load], duration_seconds=SECONDS, profile=profile)
        return told.confidence

    assert trust(replace(LOAD, users=80)) == "calibrated"
    assert trust(replace(LOAD, users=800)) == "order-of-magnitude"
    assert trust(replace(LOAD, users=800, input_tokens=50)) == "order-of-magnitude"
    assert trust(replace(LOAD, users=80, shared_tokens=600)) == "order-of-magnitude"


@pytest.mark.slow
def test_a_run_that_no_constant_explains_is_not_called_calibrated() -> None:
    """Twice the requests and twice the latency: no closed loop does that."""
    impossible = [
        replace(
            each,
            requests_per_second_window=2 * each.requests_per_second_window,
            latency_p50_seconds=2 * each.latency_p50_seconds,
        )
        for each in run_of()
    ]
    found = calibrated(impossible)
    assert found.profile.fitted is not None
    assert found.profile.fitted.worst_residual > 0.15
    told = forecast(ENDPOINT, COMPONENT, [replace(LOAD, users=40)], duration_seconds=SECONDS, profile=found.profile)
    assert told.confidence == "order-of-magnitude"
    assert "the fit itself misses" in told.basis


def test_a_profile_of_another_line_is_refused() -> None:
    article: Any = plan(find_deployment("llama-2-13b", ROOT / "deployments.py"))
    with pytest.raises(
        ForecastError, match=r"the given profile is for vllm-0.14, but " r"tgi-1.1.0 needs a profile for tgi-1"
    ):
        forecast(article, article.components[0], [LOAD], profile=COMPONENT.engine.profile)


def test_without_a_whole_point_there_is_nothing_to_calibrate_with() -> None:
    with pytest.raises(ForecastError, match="no complete measurement without failed requests"):
        calibrated([])


@pytest.mark.slow
def test_points_are_held_back_and_the_fit_to_the_others_improves_them() -> None:
    found = found_again("compute_efficiency", 0.5)
    assert [residual.load.users for residual in found.held_back_after][:1] == [40]
    assert found.improves
    assert mean_error(found.held_back_after) < 0.01 < mean_error(found.held_back_before)


@pytest.mark.slow
def test_a_profile_of_another_model_is_refused() -> None:
    fitted = found_again("compute_efficiency", 0.5).profile
    assert fitted.fitted is not None
    small = replace(fitted, fitted=replace(fitted.fitted, parameters=1_000_000_000))
    with pytest.raises(
        ForecastError, match=r"calibrated with a run of a test, a model of 1.0 B parameters, but .* has 8"
    ):
        forecast(ENDPOINT, COMPONENT, [LOAD], profile=small)
