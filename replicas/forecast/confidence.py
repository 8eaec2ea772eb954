"""Confidence of a forecast, from the similarity of measured runs and the errors of forecasts of these runs.

Each figure has its own confidence class, because few runs publish all figures:

`calibrated`: all inputs of the simulation equal those of a run to which a constant was fitted, and the fit reproduces
this figure of the run. `extrapolated`: enough similar runs exist that were not used for fitting. They differ from the
forecast in few properties. `order-of-magnitude`: enough runs of the engine exist that were not used for fitting, but
too few of them are similar. `unmeasured`: too few runs have the figure. If any run has it, its error is stated.

The class of a forecast is the lower one of the classes of throughput and latency. Every class states its measured
error. The runs and their errors come from the exam, which forecasts published runs (`exam.json`, `make exam`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from replicas.catalogue import data
from replicas.catalogue.instances import Instance
from replicas.engines.profile import FittedRun, Profile
from replicas.forecast.copies import CopyEngine
from replicas.forecast.fitted_runs import Conditions, differences
from replicas.forecast.loads import Confidence, FigureError, MeasuredError
from replicas.load import Load
from replicas.planning.plans import ComponentPlan

CALIBRATED_WITHIN = 0.15
"""Largest error of a figure, over the values of the fitted run, that still counts as `calibrated`."""
FEWEST_RUNS, FEWEST_SOURCES = 20, 3
"""Minimum number of runs that were not used for fitting, and of their sources. With fewer, the confidence class is
`unmeasured`."""
FIGURES = {
    "requests_per_second": "requests a second",
    "latency": "median latency",
    "ttft": "time to first token",
    "tpot": "time per token",
}
"""Figures whose errors are measured, with their descriptions."""
_DECISIVE = ("requests_per_second", "latency")
"""Figures that decide the confidence class of a forecast. The lower class of the two decides."""
_ORDER: tuple[Confidence, ...] = ("unmeasured", "order-of-magnitude", "extrapolated", "calibrated")
_NEAR = 3
"""Maximum number of properties in which a similar run may differ from the forecast."""
_SIZE, _LENGTH, _LOAD = 2.0, 4.0, 4.0
"""Largest ratios of parameters, of lengths and of concurrent requests that count as similar."""
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Trust:
    """Confidence class of a forecast, with its reason and measured error."""

    confidence: Confidence
    basis: str
    """Reason for the class, with the measured error of each figure."""
    error: MeasuredError | None
    """Measured error of the forecast; None if nothing was measured."""

    @property
    def summary(self) -> str:
        """The class, with the measured error of the throughput or, without one, of the latency."""
        figures = self.error.figures if self.error else {}
        for name in _DECISIVE:
            if name in figures:
                return f"{self.confidence}: {FIGURES[name]} {_size(figures[name])}"
        return f"{self.confidence}: not compared with any run"


def confidence(
    engine: CopyEngine | None,
    given: Profile,
    component: ComponentPlan,
    instance: Instance,
    loads: Sequence[Load],
    routing: str,
    duration_seconds: float,
) -> Trust:
    """Return the confidence of a forecast of these loads.

    Its class is the lower one of the classes of throughput and latency.

    Args:
        engine: the engine of a copy, including changes by the container's environment. It can be None if the profile
            was not fitted to a run.
        given: the profile without changes by the environment.
        component: the component of the plan.
        instance: instance type of the plan.
        loads: the loads.
        routing: SageMaker's routing strategy.
        duration_seconds: time in which requests are sent.

    """
    run = given.fitted
    fit: Mapping[str, FigureError] = {}
    if run is None or engine is None:
        rests = f"the constants of {given.profile} were not all fitted to one run"
    else:
        conditions = Conditions(
            engine=engine,
            given=given,
            component=component,
            accelerator=instance.accelerator,
            accelerator_memory_mib=instance.accelerator_memory_mib,
            loads=loads,
            routing=routing,
            duration_seconds=duration_seconds,
        )
        rests = f"{given.profile}, fitted to {run.described}"
        found = differences(run, conditions)
        if found:
            rests += f"; the forecast differs from this run: {'; '.join(found)}"
        else:
            fit = _errors_of_fit(run)
            rests += _misses_of_fit(run)
    runs = _runs(component)
    near = _near(runs, component, instance, loads)
    figures = {**_errors(runs, near), **fit}
    decisive = [figures[name].confidence if name in figures else "unmeasured" for name in _DECISIVE]
    lowest = min(decisive, key=_ORDER.index)
    if not figures:
        what = component.engine.kind.name if component.task == "generate" else f"{component.task} by any engine"
        return Trust(lowest, f"{rests}. It is not compared with any published run of {what}", None)
    error = _measured(figures, runs if lowest != "calibrated" else [])
    sentences = "; ".join(_sentence(name, figures.get(name), lowest) for name in FIGURES)
    return Trust(lowest, f"{rests}. Measured errors: {sentences}", error)


# ---- runs of the exam


def _runs(component: ComponentPlan) -> list[dict[str, Any]]:
    """Return the runs of the engine that were not used for fitting.

    All of them generate text: embeddings and scores have no runs.
    """
    if component.task != "generate":
        return []
    name = component.engine.kind.name
    return [run for run in _unfitted() if run["engine"].rpartition("-")[0] == name]


@cache
def _unfitted() -> list[dict[str, Any]]:
    return [run for run in data.load("exam", _FOLDER)["runs"] if not run["fitted"]]


def _sources(runs: Sequence[dict[str, Any]]) -> set[str]:
    return {run["origin"] for run in runs}


def _near(
    runs: Sequence[dict[str, Any]], component: ComponentPlan, instance: Instance, loads: Sequence[Load]
) -> list[dict[str, Any]]:
    """Return the runs that differ from a forecast in few properties.

    If the forecast has several loads, the load that differs most from a run counts.
    """
    quantization = component.quantization.method if component.quantization else None
    profile = component.engine.profile.profile
    near = []
    for run in runs:
        differences = (
            run["profile"] != profile,
            (run["accelerator"], run["accelerator_memory_mib"])
            != (instance.accelerator, instance.accelerator_memory_mib),
            not run["own_links"],
            run["degree"] != component.accelerators,
            run["quantization"] != quantization,
            not _alike(run["parameters"], component.model.architecture.parameters, _SIZE),
        )
        left = _NEAR - sum(differences)
        if left >= 0 and all(_distance_of_load(run, load, component.copies) <= left for load in loads):
            near.append(run)
    return near


def _distance_of_load(run: dict[str, Any], load: Load, copies: int) -> int:
    """Return the number of properties in which the load of a run differs from `load`."""
    kind = "closed" if load.users is not None else "rate" if load.burst is None else "offline"
    at_once = (load.users or load.burst or load.offered or 0) / copies
    return sum(
        (
            run["kind"] != kind,
            not _alike(run["load"], at_once, _LOAD),
            not (
                _alike(run["input_tokens"], load.input_tokens, _LENGTH)
                and _alike(run["output_tokens"], load.output_tokens, _LENGTH)
            ),
            run["varies"] != load.is_varied,
            run["shares_prompts"] != load.has_shared_prompts,
        )
    )


def _alike(one: float, other: float, ratio: float) -> bool:
    return one <= ratio * other and other <= ratio * one


# ---- errors


def _errors(runs: Sequence[dict[str, Any]], near: Sequence[dict[str, Any]]) -> dict[str, FigureError]:
    """Return the error of each figure over the similar runs that have this figure.

    If these runs are too few, return the error over all runs.
    """
    found = {}
    for figure in FIGURES:
        having, having_near = ([run for run in some if run["errors"].get(figure) is not None] for some in (runs, near))
        if _are_enough(having_near):
            found[figure] = _figure(figure, having_near, "extrapolated")
        elif having:
            found[figure] = _figure(figure, having, "order-of-magnitude" if _are_enough(having) else "unmeasured")
    return found


def _are_enough(runs: Sequence[dict[str, Any]]) -> bool:
    return len(runs) >= FEWEST_RUNS and len(_sources(runs)) >= FEWEST_SOURCES


def _figure(figure: str, runs: Sequence[dict[str, Any]], trust: Confidence) -> FigureError:
    errors = [abs(run["errors"][figure]) for run in runs]
    return FigureError(
        confidence=trust,
        runs=len(runs),
        sources=len(_sources(runs)),
        median=median(errors),
        worst=max(errors),
    )


def _errors_of_fit(run: FittedRun) -> dict[str, FigureError]:
    """Return the errors of the figures that a fit reproduces."""
    return {
        error.figure: FigureError(
            confidence="calibrated", runs=error.points, sources=1, median=error.median, worst=error.worst
        )
        for error in run.errors
        if error.worst <= CALIBRATED_WITHIN
    }


def _misses_of_fit(run: FittedRun) -> str:
    """Return the reasons why a fit is not called calibrated, and its error for held-back loads."""
    words = "".join(
        f"; the fit itself misses the {FIGURES[error.figure]} of its run by up to {error.worst:.0%}"
        for error in run.errors
        if error.worst > CALIBRATED_WITHIN
    )
    having = {error.figure for error in run.errors}
    missing = [FIGURES[figure] for figure in _DECISIVE if figure not in having]
    if missing:
        words += f"; the profile records no {' and no '.join(missing)} of the run"
    if run.held_back_error is not None:
        words += f"; the mean error for loads held back from a first fit was {run.held_back_error:.0%}"
    return words


def _measured(figures: Mapping[str, FigureError], runs: Sequence[dict[str, Any]]) -> MeasuredError:
    def part(figure: str, name: str) -> float | None:
        return getattr(figures[figure], name) if figure in figures else None

    decisive = [figures[name] for name in _DECISIVE if name in figures]
    having = [run for run in runs if any(run["errors"].get(name) is not None for name in FIGURES)]
    return MeasuredError(
        runs=len(having) or max((error.runs for error in decisive), default=0),
        sources=len(_sources(having)) or max((error.sources for error in decisive), default=0),
        figures=dict(figures),
        requests_per_second_median=part("requests_per_second", "median"),
        requests_per_second_worst=part("requests_per_second", "worst"),
        latency_median=part("latency", "median"),
        latency_worst=part("latency", "worst"),
        ttft_median=part("ttft", "median"),
        ttft_worst=part("ttft", "worst"),
    )


def _size(error: FigureError) -> str:
    return f"with a median error of {error.median:.0%}, at worst {error.worst:.0%}"


def _sentence(figure: str, error: FigureError | None, lowest: Confidence) -> str:
    """Return a text with the error of a figure and its basis.

    The text also has the confidence class if it differs from the class of the forecast.
    """
    if error is None:
        return f"{FIGURES[figure]} not measured"
    if error.confidence == "calibrated":
        rests = f"{error.runs} points of that run"
    else:
        near = " similar" if error.confidence == "extrapolated" else ""
        rests = f"{error.runs} published{near} runs of {error.sources} sources, none used for fitting"
    if error.confidence == "unmeasured":
        rests += f"; a class needs {FEWEST_RUNS} of {FEWEST_SOURCES} sources"
    elif error.confidence != lowest:
        rests += f", {error.confidence}"
    return f"{FIGURES[figure]} {_size(error)} ({rests})"
