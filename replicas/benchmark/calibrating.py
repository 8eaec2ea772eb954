"""Fits an engine profile to the result of a benchmark."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.benchmark.forecast_comparison import load_of, planned, routing_of
from replicas.benchmark.foreign import FOREIGN_KEYS, read_foreign
from replicas.benchmark.result import Result, read
from replicas.catalogue.models import find_model
from replicas.errors import OperationError, UsageError
from replicas.forecast.calibration import Calibration, Measured, calibrate
from replicas.forecast.profile_files import save_profile
from replicas.load.options import DEFAULT_SECONDS
from replicas.planning.choice import component_named
from replicas.planning.sizing_options import DescribedDeployment


@dataclass(frozen=True)
class CalibratedRun:
    """Calibration from one run, and the file with the fitted profile."""

    calibration: Calibration
    path: Path | None
    """Path of the profile; None if the fit increases the error of the measurements that were not used for the fit."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of the calibration."""
        return self.calibration.to_document(self.path)


def calibrate_run(
    path: Path,
    *,
    described: DescribedDeployment | None = None,
    component: str | None = None,
    out: Path | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> CalibratedRun:
    """Fit an engine profile to one benchmark run and write the profile to a file.

    Only completed measurements without failed requests are used.

    Args:
        path: result.json of a benchmark, or its folder; or the JSON of another load generator (`read_foreign`).
        described: the measured deployment, only for a result of another load generator. A result of `replicas
            benchmark` names its deployment itself.
        component: name of the measured component; required if the deployment has several.
        out: file to write the profile to. Default: profiles/DEPLOYMENT.json.
        tell: called with progress lines for people.

    Raises:
        CatalogueError: deployments.py does not have the deployment.
        OperationError: the result cannot be read, or its model or instance type is not that of the deployment.
        ForecastError: the run has no usable measurement, or its load cannot be forecast.
        UsageError: `described` is missing for a result of another load generator, or is given for a result of
            `replicas benchmark`.

    """
    file = path / "result.json" if path.is_dir() else path
    calibration, name = (
        _of_foreign(file, described, component, tell) if _is_foreign(file) else _of_own(file, described, tell)
    )
    if calibration.improves is False:
        return CalibratedRun(calibration, None)
    target = out or Path("profiles", f"{name}.json")
    save_profile(calibration.profile, target)
    return CalibratedRun(calibration, target)


def _of_own(file: Path, described: DescribedDeployment | None, tell: Callable[[str], None]) -> tuple[Calibration, str]:
    result = read(file, "write one with `replicas benchmark`")
    if described is not None:
        raise UsageError(
            f"{file} names its deployment, {result.subject.deployment}: leave out --deployment and --model"
        )
    endpoint, component = planned(result.subject)
    if result.subject.model and result.subject.model != component.model.id:
        raise OperationError(
            f"{file} was measured with {result.subject.model}; deployments.py has {component.model.id} in "
            f"{result.subject.deployment}: a calibration is valid only for its own model"
        )
    calibration = calibrate(
        endpoint,
        component,
        _points(result),
        duration_seconds=result.settings.duration_seconds,
        routing=routing_of(result.subject),
        described=_description(result),
        tell=tell,
    )
    return calibration, result.subject.deployment


def _of_foreign(
    file: Path, described: DescribedDeployment | None, component: str | None, tell: Callable[[str], None]
) -> tuple[Calibration, str]:
    run = read_foreign(file)
    if described is None:
        raise UsageError(
            f"{file} is a result of {run.tool}: name the deployment with --deployment NAME, or with --model and "
            f"--instance"
        )
    endpoint = described.plan()
    chosen = component_named(endpoint, component)
    if run.model is not None and not _is_same_model(run.model, chosen.model.id):
        raise OperationError(
            f"{file} was measured with {run.model}, but {endpoint.name} serves {chosen.model.id}: a calibration is "
            "valid only for its own model"
        )
    if run.model is None:
        tell(f"{file} names no model: {chosen.model.id} is assumed")
    for reason in run.left_out:
        tell(f"a measurement is left out: {reason}")
    calibration = calibrate(
        endpoint,
        chosen,
        run.points,
        duration_seconds=run.duration_seconds or DEFAULT_SECONDS,
        routing="RANDOM",
        described=f"{file.name} of {run.tool}: {chosen.copies} x {chosen.model.id} on {endpoint.instance.name}",
        tell=tell,
    )
    return calibration, endpoint.name


def _is_same_model(left: str, right: str) -> bool:
    """True if two names mean the same model. Copies in other Hub accounts share the last segment of the name."""
    if left == right or left.rpartition("/")[2].lower() == right.rpartition("/")[2].lower():
        return True
    try:
        return find_model(left).id == find_model(right).id
    except LookupError:
        return False


def _is_foreign(file: Path) -> bool:
    """True if the file has keys of another load generator and no schema, or is a .jsonl file of several documents."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        return False
    except (ValueError, RecursionError):
        return file.suffix == ".jsonl"
    schema = document.get("schema") if isinstance(document, dict) else None
    is_known = isinstance(document, dict) and not document.keys().isdisjoint(FOREIGN_KEYS)
    return schema is None and is_known


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
