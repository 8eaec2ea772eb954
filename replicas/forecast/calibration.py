"""Fits an engine profile to one measured run, and reports the remaining errors.

A run with few loads cannot determine many constants. The constant that brings the forecast closest to the run is
fitted. A second constant is fitted only if it clearly reduces the remaining error. All other constants keep their
values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log, sqrt
from pathlib import Path
from statistics import fmean, median
from typing import Any

from replicas.engines.profile import FitError, FittedRun, Profile
from replicas.errors import ForecastError
from replicas.forecast.copies import copy_engine
from replicas.forecast.fitted_runs import kind_of, probes, size_of
from replicas.forecast.forecasting import forecast
from replicas.forecast.simulation import Routing
from replicas.load import Load
from replicas.planning.plans import ComponentPlan, EndpointPlan

RANGES = {
    "compute_efficiency": (0.1, 1.3),
    "weights_efficiency": (0.1, 1.3),
    "sequence_seconds": (0.0, 0.005),
    "step_seconds": (0.0, 0.05),
}
"""Constants that a run can determine, with the range of values to search."""
COMPARED = (
    "requests_per_second",
    "requests_per_second_window",
    *(f"{time}_p50_seconds" for time in ("latency", "ttft", "tpot")),
)
"""Figures that are compared with the forecast, if the run states them."""
_OF_A_TOKEN = ("ttft_p50_seconds", "tpot_p50_seconds")
"""Figures without influence on the worst residual."""
_GRID = 7
_REFINEMENTS = 9
_WORTH_A_SECOND = 0.7
"""A second constant is fitted only if it reduces the error below this share of the error with one constant."""
_MOST_POINTS = 4
"""Maximum number of loads to compare during the search, spread evenly from the smallest to the largest."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The measured figures of one load of a run; None for a figure that the run does not state."""

    load: Load
    requests_per_second: float | None = None
    requests_per_second_window: float | None = None
    latency_p50_seconds: float | None = None
    ttft_p50_seconds: float | None = None
    tpot_p50_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Residual:
    """Forecast and measurement of one figure under one load. `error` is their relative difference."""

    load: Load
    what: str
    measured: float
    forecast: float

    @property
    def error(self) -> float:
        """Relative error; positive if the forecast is larger."""
        return self.forecast / self.measured - 1


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A fitted profile, and its errors on the measured run."""

    profile: Profile
    fitted: dict[str, tuple[float, float]]
    """Fitted constants by name, each with its value before and after the fit."""
    before: tuple[Residual, ...]
    after: tuple[Residual, ...]
    held_back_before: tuple[Residual, ...] = ()
    """Errors of the original profile for the loads that are held back for validation; empty if the run has fewer than
    three loads."""
    held_back_after: tuple[Residual, ...] = ()
    """Errors for the held-back loads, of a profile that was fitted to the other loads."""

    @property
    def improves(self) -> bool | None:
        """True if fitting does not increase the mean error for the held-back loads; None without held-back loads."""
        if not self.held_back_after:
            return None
        return mean_error(self.held_back_after) <= mean_error(self.held_back_before)

    def to_document(self, path: Path | None) -> dict[str, Any]:
        """Return the JSON document (`replicas.forecast.document.CalibrationDocument`).

        Args:
            path: file that contains the profile; None if it was not written.

        """
        fitted = self.profile.fitted
        return {
            "schema": "replicas.calibration/1",
            "profile": None if path is None else str(path),
            "fitted": {name: {"was": was, "is": now} for name, (was, now) in self.fitted.items()},
            "worst_residual": fitted.worst_residual if fitted else None,
            "residuals": _documents(self.before, self.after),
            "held_back": _documents(self.held_back_before, self.held_back_after),
            "improves": self.improves,
        }


def mean_error(residuals: Sequence[Residual]) -> float:
    """Return the mean of the absolute relative errors."""
    return fmean(abs(residual.error) for residual in residuals)


def _documents(before: Sequence[Residual], after: Sequence[Residual]) -> list[dict[str, Any]]:
    return [
        {
            "users": now.load.users,
            "load": now.load.description,
            "what": now.what,
            "measured": now.measured,
            "forecast": now.forecast,
            "error": now.error,
            "error_before": was.error,
        }
        for was, now in zip(before, after, strict=True)
    ]


def calibrate(
    plan: EndpointPlan,
    component: ComponentPlan,
    measured: Sequence[Measured],
    *,
    duration_seconds: float,
    routing: Routing,
    described: str,
    tell: Callable[[str], None] = lambda _: None,
) -> Calibration:
    """Fit the profile of the component's engine to a run.

    `described` describes the run in one line. If the run has three loads or more, a first fit leaves some of them out.
    The errors for the loads that were left out show whether fitting improves forecasts of loads that were not measured.

    Raises:
        ForecastError: the run has no measured load, or the component cannot be forecast.

    """
    if not measured:
        raise ForecastError("the run has no complete measurement without failed requests: calibrate with another run")
    start = component.engine.profile

    def residuals(profile: Profile, points: Sequence[Measured]) -> tuple[Residual, ...]:
        forecasts = forecast(
            plan,
            component,
            [point.load for point in points],
            duration_seconds=duration_seconds,
            routing=routing,
            profile=profile,
        ).points
        compared = [
            (point.load, what, getattr(point, what), getattr(expected, what))
            for point, expected in zip(points, forecasts, strict=True)
            for what in COMPARED
        ]
        return tuple(
            Residual(load=load, what=what, measured=was, forecast=expected or 0.0)
            for load, what, was, expected in compared
            if was
        )

    def fitted_to(points: Sequence[Measured]) -> tuple[Profile, list[str]]:
        few = _spread(points)

        def loss(profile: Profile) -> float:
            return _rms(residuals(profile, few))

        best, constants, error = _fit(start, [], loss, tell)
        if len(few) > 1:
            second, both, left = _fit(best, constants, loss, tell)
            if left < _WORTH_A_SECOND * error:
                # The first constant was fitted with the old value of the second, so both are fitted once more.
                best, constants = _refit(second, both, loss), both
        return best, constants

    held_back = _held_back(measured)
    before_held: tuple[Residual, ...] = ()
    after_held: tuple[Residual, ...] = ()
    if held_back:
        tell(f"first fit without {len(held_back)} of {len(measured)} loads, which are held back to check it")
        tried, _ = fitted_to([point for point in measured if point not in held_back])
        before_held, after_held = residuals(start, held_back), residuals(tried, held_back)
    best, constants = fitted_to(measured)
    after = residuals(best, measured)
    first = measured[0].load
    users = [_users(point) for point in measured]
    engine = copy_engine(component, plan.instance, best)
    limits = engine.limits
    kinds = {(kind_of(point.load), *_lengths(point.load)) for point in measured}
    sizes = [size_of(point.load) / component.copies for point in measured]
    fitted = FittedRun(
        constant=", ".join(constants),
        described=described,
        engine=str(component.engine),
        routing=routing,
        accelerator=plan.instance.accelerator,
        accelerator_memory_mib=plan.instance.accelerator_memory_mib,
        tensor_parallel=component.accelerators,
        quantization=component.quantization.method if component.quantization else None,
        parameters=component.model.architecture.parameters,
        kv_bytes_per_token=component.model.architecture.cached_bytes_per_token(1, 2),
        input_tokens=first.input_tokens,
        output_tokens=first.output_tokens,
        least_users_per_copy=min(users) / component.copies,
        most_users_per_copy=max(users) / component.copies,
        worst_residual=max(abs(residual.error) for residual in after if residual.what not in _OF_A_TOKEN),
        shared_tokens=first.shared_tokens,
        kind=kind_of(first) if len(kinds) == 1 else "several",
        least_load_per_copy=min(sizes),
        most_load_per_copy=max(sizes),
        copies=component.copies,
        duration_seconds=duration_seconds,
        input_stddev=first.input_stddev,
        output_stddev=first.output_stddev,
        distinct_prompts=first.distinct_prompts,
        probed_seconds=probes(engine.times),
        errors=_errors(after),
        held_back_error=mean_error(after_held) if after_held else None,
        prefill_tokens=limits.prefill_tokens,
        sequences=limits.sequences,
        concurrent_requests=limits.concurrent_requests,
        kv_cache_tokens=limits.kv_cache_tokens,
    )
    source = f"{', '.join(constants)}: fitted to {described}. Other constants: {start.source}"
    return Calibration(
        profile=replace(best, fitted=fitted, source=source),
        fitted={name: (getattr(start, name), getattr(best, name)) for name in constants},
        before=residuals(start, measured),
        after=after,
        held_back_before=before_held,
        held_back_after=after_held,
    )


def _errors(residuals: Sequence[Residual]) -> tuple[FitError, ...]:
    """Return the errors of the fit for each measured figure."""
    errors: dict[str, dict[int, float]] = {}
    for residual in residuals:
        figure = "requests_per_second" if "per_second" in residual.what else residual.what.partition("_")[0]
        own = errors.setdefault(figure, {})
        own[id(residual.load)] = max(own.get(id(residual.load), 0.0), abs(residual.error))
    return tuple(
        FitError(figure=figure, points=len(own), median=median(own.values()), worst=max(own.values()))
        for figure, own in errors.items()
    )


def _lengths(load: Load) -> tuple[float | None, ...]:
    return (
        *(load.input_tokens, load.output_tokens, load.input_stddev, load.output_stddev),
        *(load.shared_tokens, load.distinct_prompts),
    )


def _users(point: Measured) -> float:
    """Return the number of users of a closed loop, or the mean number of requests by Little's law (rate * latency)."""
    if point.load.at_once is not None:
        return point.load.at_once
    return (point.load.offered or 0.0) * (point.latency_p50_seconds or 0.0)


def _held_back(measured: Sequence[Measured]) -> list[Measured]:
    """Return every third load in ascending order, without the smallest and the largest."""
    return sorted(measured, key=_users)[1:-1:3]


def _spread(measured: Sequence[Measured]) -> list[Measured]:
    if len(measured) <= _MOST_POINTS:
        return list(measured)
    ordered = sorted(measured, key=_users)
    return [ordered[round(number * (len(ordered) - 1) / (_MOST_POINTS - 1))] for number in range(_MOST_POINTS)]


def _rms(residuals: Sequence[Residual]) -> float:
    return sqrt(fmean(log(max(residual.forecast, 1e-9) / residual.measured) ** 2 for residual in residuals))


def _with(profile: Profile, name: str, value: float) -> Profile:
    changes: dict[str, Any] = {name: value}
    return replace(profile, **changes)


def _fit(
    profile: Profile, fitted: list[str], loss: Callable[[Profile], float], tell: Callable[[str], None]
) -> tuple[Profile, list[str], float]:
    """Fit the constant that reduces the error most, in addition to the `fitted` constants."""
    fits = []
    for name in RANGES:
        if name not in fitted:
            value, error = _search(profile, name, loss)
            fits.append((error, name, value))
            tell(f"{name} = {value:.3g}: mean error {error:.1%}")
    error, name, value = min(fits)
    return _with(profile, name, value), [*fitted, name], error


def _refit(profile: Profile, names: Sequence[str], loss: Callable[[Profile], float]) -> Profile:
    for name in names:
        profile = _with(profile, name, _search(profile, name, loss)[0])
    return profile


def _search(profile: Profile, name: str, loss: Callable[[Profile], float]) -> tuple[float, float]:
    """Return the value of a constant with the smallest loss, and this loss, by a grid and a golden-section search."""
    low, high = RANGES[name]
    # Most host times are near the lower end of their range, so quadratic spacing puts more grid points there.
    grid = [low + (high - low) * (number / (_GRID - 1)) ** 2 for number in range(_GRID)]
    losses = {value: loss(_with(profile, name, value)) for value in [*grid, getattr(profile, name)]}
    ordered = sorted(losses)
    place = ordered.index(min(losses, key=lambda value: losses[value]))
    below, above = ordered[max(0, place - 1)], ordered[min(len(ordered) - 1, place + 1)]
    golden = (sqrt(5) - 1) / 2
    for _ in range(_REFINEMENTS):
        left, right = above - golden * (above - below), below + golden * (above - below)
        for value in (left, right):
            if value not in losses:
                losses[value] = loss(_with(profile, name, value))
        if losses[left] <= losses[right]:
            above = right
        else:
            below = left
    best = min(losses, key=lambda value: losses[value])
    return best, losses[best]
