"""Results of benchmarks, verifications and calibrations as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from replicas.benchmark.calibrating import CalibratedRun
from replicas.benchmark.candidates import Comparison
from replicas.benchmark.charts import forecast_points
from replicas.benchmark.forecast_comparison import measured_values
from replicas.benchmark.report import columns, rows
from replicas.benchmark.result import Result, key_of_point, name_of_point
from replicas.benchmark.runs import BenchmarkRun
from replicas.benchmark.verification import Verification
from replicas.cli.tables.columns import Table
from replicas.forecast.calibration import Calibration, Residual, mean_error
from replicas.forecast.tokens import task_lines
from replicas.units import rate_text

_LEAST_OF_BENCHMARK = (
    *("req/s", "p99 s", "ITL p50 ms", "requests", "article p50 s", "article req/s", "TTFT p50 s", "forecast p50 s"),
    *("off by", "forecast req/s", "USD / M tokens", "tokens/s"),
)
"""Columns that are omitted in a narrow terminal, in this order."""


def benchmark_table(result: Result) -> Table:
    """Return a table with one row per measurement."""
    titles = [title for title, _ in columns(result)]
    may_go = [title for title in _LEAST_OF_BENCHMARK if title in titles]
    table = Table(*(f">{title}" for title in titles), may_go=may_go, is_ruled=False)
    for cells in rows(result):
        table.add_row(*cells)
    return table


_FIGURES = {
    "requests_per_second": ("req/s that lasts", 1.0),
    "output_tokens_per_second": ("output tokens/s", 1.0),
    "latency_p50_seconds": ("latency p50 s", 1.0),
    "latency_p90_seconds": ("latency p90 s", 1.0),
    "latency_p99_seconds": ("latency p99 s", 1.0),
    "ttft_p50_seconds": ("TTFT p50 s", 1.0),
    "ttft_p90_seconds": ("TTFT p90 s", 1.0),
    "tpot_p50_seconds": ("time per token p50 ms", 1000.0),
    "tpot_p90_seconds": ("time per token p90 ms", 1000.0),
}
"""Measured values that are compared with the forecast, each with its title and the factor to the displayed unit."""


def comparison_table(result: Result) -> Table | None:
    """Return a table of every measured value and its forecast; None if there is no forecast."""
    predicted = forecast_points(result)
    if not predicted:
        return None
    table = Table("load", "figure", ">measured", ">forecast", ">off by", "class of the forecast", is_ruled=False)
    classes = ((result.forecast or {}).get("measured_error") or {}).get("figures", {})
    for point in result.points:
        expected, measured = predicted.get(key_of_point(point), {}), measured_values(point)
        for figure, (title, factor) in _FIGURES.items():
            was, is_forecast = measured.get(figure), expected.get(figure)
            if was is None or is_forecast is None:
                continue
            cells = (
                f"{was * factor:.2f}",
                f"{is_forecast * factor:.2f}",
                f"{is_forecast / was - 1:+.0%}" if was else "-",
            )
            table.add_row(name_of_point(point), title, *cells, _class(figure, classes))
    return table


def _class(figure: str, classes: Mapping[str, Any]) -> str:
    """Return the confidence class of a value with its median error. All percentiles use the class of the median."""
    name = "requests_per_second" if figure.endswith("per_second") else figure.partition("_")[0]
    error = classes.get(name)
    return "unmeasured" if error is None else f"{error['confidence']}, median error {error['median']:.0%}"


def benchmark_lines(run: BenchmarkRun) -> Iterator[str]:
    """Yield the lines below the table: confidence of the forecast, failures by kind, goodput, and path of the page."""
    if run.result.forecast:
        missing = run.result.forecast.get("missing")
        class_of = run.result.forecast.get("confidence")
        yield f"no forecast: {missing}" if missing else f"forecast: {class_of} ({run.result.forecast['basis']})"
    yield from task_lines(run.result.subject.task)
    for point in run.result.points:
        for kind, count in point.errors.items():
            yield f"{name_of_point(point)}: {count} requests: {kind}"
        if point.misses is not None:
            goodput = f"goodput {point.goodput_requests_per_second or 0.0:.2f} requests a second"
            yield f"{name_of_point(point)}: {'; '.join(point.misses) or 'the objective is met'}; {goodput}"
    if run.result.highest:
        yield _highest(run.result.highest, run.result.objective or "")
    if run.page:
        yield f"page with plots: {run.page}"


def _highest(outcome: dict[str, Any], objective: str) -> str:
    what = outcome["what"].replace("_", " ")
    if outcome["holds"] is None:
        return f"no measured load meets {objective}; the lowest measured load was {what} {outcome['misses']:g}"
    misses = "no measured load misses it" if outcome["misses"] is None else f"{outcome['misses']:g} misses it"
    forecast = "" if outcome["forecast"] is None else f"; forecast {outcome['forecast']:g}"
    end = "" if outcome["is_complete"] else "; the search ended while these two loads were still far apart"
    return f"highest load that meets {objective}: {what} {outcome['holds']:g}; {misses}{forecast}{end}"


def verification_table(verification: Verification) -> Table:
    """Return a table with one row per benchmark job: measured and forecast values."""
    titles = ("load", "requests", "req/s", "forecast", "off by", "p50 s", "forecast", "off by", "TTFT p50 s")
    table = Table(*(f">{title}" for title in titles), may_go=("TTFT p50 s", "requests"), is_ruled=False)
    for judgement, row in zip(verification.judgements, verification.rows, strict=True):
        cells = [judgement.load, f"{row['requests']:,}"]
        for metric in ("requests_per_second", "latency_p50_seconds"):
            cells += [
                _number(row[metric]),
                _number(row["forecast"][metric]) if row["forecast"] else "-",
                f"{row['errors'][metric]:+.0%}" if row["errors"] and metric in row["errors"] else "-",
            ]
        table.add_row(*cells, _number(row["ttft_p50_seconds"]))
    return table


def verification_lines(verification: Verification) -> Iterator[str]:
    """Yield the lines below the table: location of each job's results, and confidence of the forecast."""
    for judgement in verification.judgements:
        yield f"{judgement.load}: {judgement.result}"
    forecast = verification.forecast
    if forecast is None:
        yield f"no forecast: {verification.no_forecast}"
    else:
        yield f"forecast: {forecast.confidence} ({forecast.basis})"


def candidates_table(comparison: Comparison) -> Table:
    """Return a table with one row per candidate: forecast price, its error band, and whether a job measured it."""
    table = Table("deployment", ">USD / M tokens, forecast", ">within", "measured by a job", is_ruled=False)
    for one in (*comparison.split.undecided, *comparison.split.decided):
        is_measured = one.name in comparison.verifications
        usd = one.usd_per_million_output_tokens
        band = "-" if one.band is None else f"{one.band[0]:.2f} to {one.band[1]:.2f}"
        table.add_row(one.name, _number(usd), band, "yes" if is_measured else "no: the forecast decides")
    return table


_UNITS = {
    "requests_per_second": "req/s that lasts",
    "requests_per_second_window": "req/s in the window",
    "latency_p50_seconds": "p50 s",
    "ttft_p50_seconds": "TTFT p50 s",
    "tpot_p50_seconds": "time per token p50 s",
}


def calibration_table(run: CalibratedRun) -> Table:
    """Return a table of the differences between measurement and forecast, before and after the fit."""
    table = Table("load", "", ">measured", ">forecast", ">off by", ">before", may_go=("before",), is_ruled=False)
    for before, after in zip(run.calibration.before, run.calibration.after, strict=True):
        table.add_row(*_residual_row(before, after))
    return table


def calibration_lines(run: CalibratedRun) -> Iterator[str]:
    """Yield the lines below the table: fitted constants, worst residual, and path of the profile."""
    for name, (was, now) in run.calibration.fitted.items():
        yield f"{name}: {was:.4g} before, {now:.4g} now"
    assert run.calibration.profile.fitted is not None  # noqa: S101 (a calibrated profile contains its run)
    yield f"worst residual of rates and median latencies: {run.calibration.profile.fitted.worst_residual:.0%}"
    yield _held_back(run.calibration)
    yield (
        f"profile: {run.path}"
        if run.path
        else "no profile was written: the fit increases the error for the loads held back for validation"
    )


def _held_back(calibration: Calibration) -> str:
    before, after = calibration.held_back_before, calibration.held_back_after
    if not after:
        return (
            "loads held back for validation: none, because the run has fewer than three loads. Whether the fit "
            "improves other loads is not judged"
        )
    loads = ", ".join(dict.fromkeys(residual.load.description for residual in after))
    errors = f"{mean_error(before):.0%} before the fit, {mean_error(after):.0%} after a fit to the other loads"
    return f"loads held back for validation ({loads}): mean error {errors}"


def _residual_row(before: Residual, after: Residual) -> list[str]:
    return [
        after.load.description,
        _UNITS[after.what],
        rate_text(after.measured),
        rate_text(after.forecast),
        f"{after.error:+.0%}",
        f"{before.error:+.0%}",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
