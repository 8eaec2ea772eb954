"""No class without a number: each figure states the error of the runs that have it, and how many those are."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from replicas.engines.profile import FitError, FittedRun
from replicas.forecast import Forecast, Load, forecast
from replicas.forecast.copies import copy_engine
from replicas.forecast.fitted_runs import Conditions, differences, probes
from scripts.exam import results
from tests.forecast.test_forecast import of_model, planned, users

ARTICLE = Load(users=400, input_tokens=1000, output_tokens=50)
_DESCRIPTIVE = {"constant", "described", "worst_residual", "errors", "held_back_error", "shared_tokens"}
"""Fields of a fitted run that the simulation does not read; of `shared_tokens` 0 has no neighbour."""


@pytest.fixture(scope="module")
def vllm() -> Forecast:
    return forecast(*of_model("llama-3.1-8b", "ml.p5.48xlarge", copies=1), users(8), duration_seconds=5)


def _conditions(**changes: Any) -> Conditions:
    endpoint, component = planned("llama-2-13b")
    known = Conditions(
        engine=copy_engine(component, endpoint.instance),
        given=component.engine.profile,
        component=component,
        accelerator=endpoint.instance.accelerator,
        accelerator_memory_mib=endpoint.instance.accelerator_memory_mib,
        loads=[ARTICLE],
        routing="RANDOM",
        duration_seconds=90,
    )
    return replace(known, **changes)


def _run() -> FittedRun:
    run = planned("llama-2-13b")[1].engine.profile.fitted
    assert run is not None
    return run


def test_the_run_of_the_article_differs_in_nothing() -> None:
    assert differences(_run(), _conditions()) == []


@pytest.mark.parametrize("field", [each.name for each in fields(FittedRun) if each.name not in _DESCRIPTIVE])
def test_every_property_of_the_run_is_compared(field: str) -> None:
    run = replace(
        _run(), least_load_per_copy=_run().least_users_per_copy, most_load_per_copy=_run().most_users_per_copy
    )
    other = replace(run, **{field: _another(getattr(run, field), field)})
    if field in ("least_users_per_copy", "most_users_per_copy"):  # stand for the load of older profiles
        other = replace(other, least_load_per_copy=None, most_load_per_copy=None)
    assert len(differences(other, _conditions())) >= 1


def _another(value: Any, field: str) -> Any:
    if isinstance(value, str):
        return "burst" if field == "kind" else f"{value}-other"
    if isinstance(value, tuple):
        return tuple(2 * each for each in value)
    if field.startswith("most_"):
        return 20.0
    return 100 if not value else 3 * value + 50


def test_another_duration_and_prompts_in_common_are_differences() -> None:
    assert differences(_run(), _conditions(duration_seconds=20)) == ["duration: 20 s instead of 90"]
    shared = replace(ARTICLE, shared_tokens=900)
    assert differences(_run(), _conditions(loads=[shared])) == ["prefix cache: fitted with 0 shared tokens"]
    rate = Load(requests_per_second=10, input_tokens=1000, output_tokens=50)
    assert differences(_run(), _conditions(loads=[rate])) == [
        "load: 10 requests a second instead of users in a closed loop"
    ]


def test_steps_that_take_another_time_are_a_difference_whatever_changed_them() -> None:
    engine = _conditions().engine
    slower = replace(engine, times=replace(engine.times, sequence_host=engine.times.sequence_host + 0.001))
    (found,) = differences(_run(), _conditions(engine=slower))
    assert "step times: a token of 16 sequences takes" in found
    assert probes(slower.times)[0] == pytest.approx(probes(engine.times)[0], rel=0.1)


def test_an_older_profile_says_what_it_does_not_record() -> None:
    old = replace(_run(), copies=None, duration_seconds=None, probed_seconds=None)
    assert len(differences(old, _conditions())) == 3


def test_each_figure_counts_the_runs_that_have_it(vllm: Forecast) -> None:
    """Counted from the exam's own file."""
    runs = [run for run in results.stored()["runs"] if not run["fitted"] and run["engine"].startswith("vllm-")]
    assert vllm.measured_error is not None
    figures = vllm.measured_error.figures
    for name in ("requests_per_second", "latency", "ttft"):
        having = [run for run in runs if run["errors"][name] is not None]
        sources = {run["origin"] for run in having}
        if figures[name].confidence != "extrapolated":  # that has the near ones alone
            assert (figures[name].runs, figures[name].sources) == (len(having), len(sources))
        assert figures[name].worst <= max(abs(run["errors"][name]) for run in having)


def test_no_class_is_granted_where_fewer_than_20_runs_of_three_sources_have_the_figure(vllm: Forecast) -> None:
    assert vllm.measured_error is not None
    for error in vllm.measured_error.figures.values():
        assert (error.confidence == "unmeasured") == (error.runs < 20 or error.sources < 3)
        assert f"with a median error of {error.median:.0%}, at worst {error.worst:.0%}" in vllm.basis
    assert vllm.confidence in ("extrapolated", "order-of-magnitude")
    rate = vllm.measured_error.figures["requests_per_second"]
    assert vllm.summary == (
        f"{vllm.confidence}: requests a second with a median error of {rate.median:.0%}, at worst {rate.worst:.0%}"
    )


def test_what_an_embedding_is_off_by_is_not_what_answers_are() -> None:
    endpoint, component = of_model("BAAI/bge-m3", "ml.g5.xlarge", copies=1, task="embed")
    told = forecast(endpoint, component, [Load(users=4, input_tokens=100)], duration_seconds=2)
    assert (told.confidence, told.measured_error) == ("unmeasured", None)
    assert "It is not compared with any published run of embed by any engine" in told.basis


def test_an_engine_without_runs_has_no_error() -> None:
    told = forecast(
        *of_model("llama-3.1-8b", "ml.p5.48xlarge", copies=1, engine="sglang"), users(8), duration_seconds=5
    )
    assert (told.confidence, told.measured_error) == ("unmeasured", None)
    assert "It is not compared with any published run of sglang" in told.basis
    assert told.summary == "unmeasured: not compared with any run"


def test_a_fit_states_the_errors_of_the_figures_that_its_run_has() -> None:
    """The article's nine points: within 8.4 % and 11.8 %. It has no first tokens."""
    told = forecast(*planned("llama-2-13b"), users(400))
    assert told.confidence == "calibrated"
    assert told.measured_error is not None
    figures = told.measured_error.figures
    assert (figures["requests_per_second"].worst, figures["latency"].worst) == (0.084, 0.118)
    assert "ttft" not in figures
    assert told.measured_error.ttft_worst is None
    assert "median latency with a median error of 6%, at worst 12% (9 points of that run)" in told.basis


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        (
            (FitError(figure="requests_per_second", points=3, median=0.02, worst=0.05),),
            "the profile records no median latency of the run",
        ),
        (
            (
                FitError(figure="requests_per_second", points=3, median=0.02, worst=0.05),
                FitError(figure="latency", points=3, median=0.1, worst=0.4),
            ),
            "the fit itself misses the median latency of its run by up to 40%",
        ),
    ],
    ids=["without latency", "off in latency"],
)
def test_a_fit_is_not_called_calibrated_by_figures_that_it_does_not_explain(
    errors: tuple[FitError, ...], reason: str
) -> None:
    endpoint, component = planned("llama-2-13b")
    profile = replace(component.engine.profile, fitted=replace(_run(), errors=errors))
    told = forecast(endpoint, component, users(400), profile=profile)
    assert told.confidence == "unmeasured"
    assert reason in told.basis
    assert told.measured_error is not None
    assert told.measured_error.figures["requests_per_second"].confidence == "calibrated"
    assert told.measured_error.figures["latency"].confidence == "unmeasured"
