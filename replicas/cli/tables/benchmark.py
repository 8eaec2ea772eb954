"""Results of benchmarks, verifications and calibrations as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.benchmark.calibrating import CalibratedRun
from replicas.benchmark.report import columns, rows
from replicas.benchmark.result import Result
from replicas.benchmark.runs import BenchmarkRun
from replicas.benchmark.verification import Verification
from replicas.cli.tables.columns import Table
from replicas.forecast.calibration import Residual
from replicas.forecast.tokens import task_lines

_LEAST_OF_BENCHMARK = (
    *("req/s", "p99 s", "ITL p50 ms", "requests", "article p50 s", "article req/s", "TTFT p50 s", "forecast p50 s"),
    *("off by", "forecast req/s", "USD / M tokens", "tokens/s"),
)
"""Columns that a narrow terminal does without, the least important one first."""


def benchmark_table(result: Result) -> Table:
    """Table with one row per measured point."""
    titles = [title for title, _ in columns(result)]
    may_go = [title for title in _LEAST_OF_BENCHMARK if title in titles]
    table = Table(*(f">{title}" for title in titles), may_go=may_go, is_ruled=False)
    for cells in rows(result):
        table.add_row(*cells)
    return table


def benchmark_lines(run: BenchmarkRun) -> Iterator[str]:
    """Lines below the table: confidence of the forecast, failures by kind, and path of the page."""
    if run.result.forecast:
        missing = run.result.forecast.get("missing")
        yield f"no forecast: {missing}" if missing else f"forecast: {run.result.forecast['confidence']}"
    yield from task_lines(run.result.subject.task)
    for point in run.result.points:
        for kind, count in point.errors.items():
            yield f"{point.users} users: {count} requests: {kind}"
    if run.page:
        yield f"page with plots: {run.page}"


def verification_table(verification: Verification) -> Table:
    """Table with one row per benchmark job: measured and forecast values."""
    titles = ("users", "requests", "req/s", "forecast", "off by", "p50 s", "forecast", "off by", "TTFT p50 s")
    table = Table(*(f">{title}" for title in titles), may_go=("TTFT p50 s", "requests"), is_ruled=False)
    for row in verification.rows:
        cells = [f"{row['users']:,}", f"{row['requests']:,}"]
        for metric in ("requests_per_second", "latency_p50_seconds"):
            cells += [
                _number(row[metric]),
                _number(row["forecast"][metric]) if row["forecast"] else "-",
                f"{row['errors'][metric]:+.0%}" if row["errors"] and metric in row["errors"] else "-",
            ]
        table.add_row(*cells, _number(row["ttft_p50_seconds"]))
    return table


def verification_lines(verification: Verification) -> Iterator[str]:
    """Lines below the table: location of each job's results, and confidence of the forecast."""
    for judgement in verification.judgements:
        yield f"{judgement.users} users: {judgement.result}"
    forecast = verification.forecast
    if forecast is None:
        yield f"no forecast: {verification.no_forecast}"
    else:
        yield f"forecast: {forecast.confidence} ({forecast.basis})"


_UNITS = {
    "requests_per_second_window": "req/s in the window",
    "latency_p50_seconds": "p50 s",
    "ttft_p50_seconds": "TTFT p50 s",
}


def calibration_table(run: CalibratedRun) -> Table:
    """Table of the residuals between measurement and forecast, before and after the profile was fitted."""
    table = Table(">users", "", ">measured", ">forecast", ">off by", ">before", may_go=("before",), is_ruled=False)
    for before, after in zip(run.calibration.before, run.calibration.after, strict=True):
        table.add_row(*_residual_row(before, after))
    return table


def calibration_lines(run: CalibratedRun) -> Iterator[str]:
    """Lines below the table: fitted constants, worst residual, and path of the profile."""
    for name, (was, now) in run.calibration.fitted.items():
        yield f"{name}: {was:.4g} before, {now:.4g} now"
    assert run.calibration.profile.fitted is not None  # noqa: S101 (a calibrated profile holds its run)
    yield f"worst residual of rates and median latencies: {run.calibration.profile.fitted.worst_residual:.0%}"
    yield f"profile: {run.path}"


def _residual_row(before: Residual, after: Residual) -> list[str]:
    return [
        f"{after.users:,}",
        _UNITS[after.what],
        f"{after.measured:.3g}",
        f"{after.forecast:.3g}",
        f"{after.error:+.0%}",
        f"{before.error:+.0%}",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
