"""Fit an engine profile to the result of a benchmark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.benchmark.beside import load_of, planned, routing_of
from replicas.benchmark.result import Result, read
from replicas.forecast.calibration import Calibration, Measured, calibrate
from replicas.forecast.profile_files import save_profile


@dataclass(frozen=True)
class CalibratedRun:
    """The calibration from one run, and the file its profile was written to."""

    calibration: Calibration
    path: Path

    def to_document(self) -> dict[str, Any]:
        """JSON document of the calibration."""
        return self.calibration.to_document(self.path)


def calibrate_run(
    path: Path, *, out: Path | None = None, tell: Callable[[str], None] = lambda _line: None
) -> CalibratedRun:
    """Fit an engine profile to one benchmark run and write the profile to a file.

    Only completed points without failed requests are used.

    Args:
        path: result.json of a benchmark, or its folder.
        out: file to write the profile to. Default: profiles/DEPLOYMENT.json.
        tell: called with progress lines for people.

    Raises:
        OperationError: the result cannot be read, or deployments.py has no such deployment on that instance type.
        ForecastError: the run has no usable point, or its load cannot be forecast.

    """
    result = read(path / "result.json" if path.is_dir() else path, "`replicas benchmark` writes one")
    endpoint, component = planned(result.subject)
    calibration = calibrate(
        endpoint,
        component,
        _points(result),
        duration_seconds=result.settings.duration_seconds,
        routing=routing_of(result.subject),
        described=_description(result),
        tell=tell,
    )
    target = out or Path("profiles", f"{result.subject.deployment}.json")
    save_profile(calibration.profile, target)
    return CalibratedRun(calibration, target)


def _points(result: Result) -> list[Measured]:
    return [
        Measured(
            load=load_of(result, point),
            requests_per_second=point.requests_per_second,
            requests_per_second_window=point.requests_per_second_window,
            latency_p50_seconds=point.latency_seconds.p50,
            ttft_p50_seconds=point.ttft_seconds.p50 if point.ttft_seconds else None,
            tpot_p50_seconds=point.inter_token_seconds.p50 if point.inter_token_seconds else None,
        )
        for point in result.points
        if not point.interrupted and not point.errors and point.latency_seconds and point.requests_in_window
    ]


def _description(result: Result) -> str:
    subject, settings = result.subject, result.settings
    return (
        f"the run of {result.started} on {subject.endpoint}: {subject.copies} x {subject.model} on "
        f"{subject.instance_type}, {settings.input_tokens} tokens in, {settings.output_tokens} out"
    )
