"""Reads results of other load generators: `bench serve` of an engine, AIPerf and guidellm, recognised by their keys.

Sources of the keys: the file that `bench serve --save-result` writes; AIPerf's page "Working with profile
exports" (profile_export_aiperf.json); guidellm's benchmark report (benchmarks.json).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

from replicas.errors import OperationError, unreadable
from replicas.forecast.calibration import Measured
from replicas.load import Load

FOREIGN_KEYS = frozenset({"request_throughput", "records", "benchmarks"})
"""Keys by which the known formats are recognised."""
_LARGEST = 1024 * 2**20
_FORMS = "a result.json of `replicas benchmark`, the JSON of `bench serve`, of AIPerf or of guidellm"


@dataclass(frozen=True)
class ForeignRun:
    """Measurements and model in a result of another load generator."""

    tool: str
    model: str | None
    points: tuple[Measured, ...]
    duration_seconds: float
    """Longest time in which a measurement sent requests."""
    left_out: tuple[str, ...]
    """A message for each measurement that is not used, with the reason."""


def read_foreign(path: Path) -> ForeignRun:
    """Read the result of another load generator.

    Raises:
        OperationError: the file cannot be read, has no known format, or has no usable measurement.

    """
    runs = [run for document in _documents(path) for run in [_run(document)] if run is not None]
    if not runs:
        raise OperationError(f"{path} has no known format: use {_FORMS}")
    models = {run.model for run in runs if run.model}
    if len(models) > 1 or len({run.tool for run in runs}) > 1:
        raise OperationError(
            f"{path} has results of several models or tools ({', '.join(sorted(models))}): give one file per "
            "model and tool"
        )
    left_out = tuple(reason for run in runs for reason in run.left_out)
    points = tuple(point for run in runs for point in run.points)
    if not points:
        raise OperationError(
            f"{path}: no measurement can be used: {'; '.join(left_out) or 'the file has no measurements'}"
        )
    return ForeignRun(
        runs[0].tool, next(iter(models), None), points, max(run.duration_seconds for run in runs), left_out
    )


def _documents(path: Path) -> list[Mapping[str, Any]]:
    """Return the JSON object of a file, or the JSON objects of its lines (`bench serve --append-result`)."""
    try:
        if path.stat().st_size > _LARGEST:
            raise OperationError(f"{path} is larger than {_LARGEST // 2**20} MiB")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise OperationError(f"{path} cannot be read: {unreadable(fault)}: use {_FORMS}") from None
    try:
        documents = [json.loads(text)]
    except (ValueError, RecursionError):
        try:
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError) as fault:
            raise OperationError(f"{path} cannot be read: {unreadable(fault)}: use {_FORMS}") from None
    return [document for document in documents if isinstance(document, dict)]


def _run(document: Mapping[str, Any]) -> ForeignRun | None:
    if "request_throughput" in document and "total_input_tokens" in document:
        return _bench_serve(document)
    records = document.get("records", document)
    if isinstance(records, dict) and isinstance(records.get("request_throughput"), dict):
        return _aiperf(document, records)
    if isinstance(document.get("benchmarks"), list):
        return _guidellm(document["benchmarks"])
    return None


def _bench_serve(document: Mapping[str, Any]) -> ForeignRun:
    completed = int(_number(document.get("completed")) or 0)
    failed = int(_number(document.get("failed")) or 0) or max(0, int(document.get("num_prompts") or 0) - completed)
    lengths = _lengths(
        (_number(document.get("total_input_tokens")) or 0) / max(1, completed),
        (_number(document.get("total_output_tokens")) or 0) / max(1, completed),
        _deviation(document.get("input_lens")),
        _deviation(document.get("output_lens")),
    )
    rate, users = _number(document.get("request_rate")), _number(document.get("max_concurrency"))
    if users is not None and rate is not None:
        return _unused("bench serve", document.get("model_id"), "the run has both a rate and a limit of concurrency")
    arrivals: dict[str, Any] = {"burst": completed} if users is None else {"users": int(users)}
    if rate is not None:
        arrivals = {"requests_per_second": rate}
    return _one(
        "bench serve",
        document.get("model_id"),
        _Point(
            arrivals,
            lengths,
            failed,
            _number(document.get("request_throughput")),
            _milliseconds(document.get("median_e2el_ms")),
            _milliseconds(document.get("median_ttft_ms")),
            _milliseconds(document.get("median_tpot_ms")),
            _number(document.get("duration")) or 0.0,
        ),
    )


def _aiperf(document: Mapping[str, Any], records: Mapping[str, Any]) -> ForeignRun:
    def value(metric: str, statistic: str) -> float | None:
        entry = records.get(metric)
        return _number(entry.get(statistic)) if isinstance(entry, dict) else None

    config = document.get("input_config") or {}
    generator = config.get("loadgen", config) if isinstance(config, dict) else {}
    endpoint = config.get("endpoint", {}) if isinstance(config, dict) else {}
    names = endpoint.get("model_names") or [] if isinstance(endpoint, dict) else []
    users, rate = _number(generator.get("concurrency")), _number(generator.get("request_rate"))
    model = str(names[0]) if names else None
    if users is None and rate is None:
        return _unused("AIPerf", model, "input_config has neither concurrency nor request_rate")
    if users is not None and rate is not None:
        return _unused("AIPerf", model, "input_config has both request_rate and concurrency")
    duration = value("benchmark_duration", "avg") or _number(generator.get("benchmark_duration")) or 0.0
    prompts = value("input_sequence_length", "avg") or _number(generator.get("prompt_input_tokens_mean")) or 0.0
    answers = value("output_sequence_length", "avg") or _number(generator.get("output_tokens_mean")) or 0.0
    return _one(
        "AIPerf",
        model,
        _Point(
            {"users": int(users)} if users is not None else {"requests_per_second": rate},
            _lengths(prompts, answers, value("input_sequence_length", "std"), value("output_sequence_length", "std")),
            int(value("error_request_count", "avg") or 0),
            value("request_throughput", "avg"),
            _milliseconds(value("request_latency", "p50")),
            _milliseconds(value("time_to_first_token", "p50")),
            _milliseconds(value("inter_token_latency", "p50")),
            duration,
        ),
    )


def _guidellm(benchmarks: list[Any]) -> ForeignRun:
    points: list[Measured] = []
    left_out: list[str] = []
    duration, model = 0.0, None
    for number, benchmark in enumerate(benchmarks, 1):
        metrics = benchmark.get("metrics") if isinstance(benchmark, dict) else None
        strategy = _strategy(benchmark) if isinstance(benchmark, dict) else None
        if not isinstance(metrics, dict) or strategy is None:
            left_out.append(f"benchmark {number} has no metrics or no strategy")
            continue
        arrivals = _arrivals(strategy)
        if arrivals is None:
            kind = strategy.get("type_")
            left_out.append(f"benchmark {number}: strategy {kind!r} is neither users nor Poisson arrivals")
            continue
        seconds = _number(benchmark.get("duration")) or 0.0
        point = _Point(
            arrivals,
            _lengths(
                _of(metrics, "prompt_token_count", "mean") or 0.0,
                _of(metrics, "output_token_count", "mean") or 0.0,
                _of(metrics, "prompt_token_count", "std_dev"),
                _of(metrics, "output_token_count", "std_dev"),
            ),
            int(_failed(metrics)),
            _of(metrics, "requests_per_second", "mean"),
            _of(metrics, "request_latency", "median"),
            _milliseconds(_of(metrics, "time_to_first_token_ms", "median")),
            _milliseconds(_of(metrics, "inter_token_latency_ms", "median")),
            seconds,
        )
        run = _one("guidellm", None, point)
        points += run.points
        left_out += [f"benchmark {number}: {reason}" for reason in run.left_out]
        duration = max(duration, seconds)
        model = model or _model_of(benchmark)
    return ForeignRun("guidellm", model, tuple(points), duration, tuple(left_out))


def _strategy(benchmark: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the strategy of a benchmark, whose place in the file depends on the version of guidellm."""
    for place in ("config", "args", "scheduler"):
        strategy = (benchmark.get(place) or {}).get("strategy")
        if isinstance(strategy, dict):
            return strategy
    return None


def _arrivals(strategy: Mapping[str, Any]) -> dict[str, Any] | None:
    kind = strategy.get("type_")
    if kind == "synchronous":
        return {"users": 1}
    if kind == "concurrent":
        streams = _number(strategy.get("streams")) or _number(strategy.get("max_concurrency"))
        return None if streams is None else {"users": int(streams)}
    is_poisson = kind == "poisson" or (kind == "async" and strategy.get("schedule") == "poisson")
    return {"requests_per_second": _number(strategy.get("rate"))} if is_poisson else None


def _of(metrics: Mapping[str, Any], metric: str, statistic: str) -> float | None:
    entry = metrics.get(metric)
    successful = entry.get("successful") if isinstance(entry, dict) else None
    return _number(successful.get(statistic)) if isinstance(successful, dict) else None


def _failed(metrics: Mapping[str, Any]) -> float:
    totals = metrics.get("request_totals")
    return (_number(totals.get("errored")) or 0.0) if isinstance(totals, dict) else 0.0


def _model_of(benchmark: Mapping[str, Any]) -> str | None:
    for place in ("worker", "config", "args"):
        name = (benchmark.get(place) or {}).get("backend_model")
        if isinstance(name, str):
            return name
    return None


@dataclass(frozen=True)
class _Point:
    arrivals: dict[str, Any]
    lengths: dict[str, Any]
    failed: int
    rate: float | None
    latency: float | None
    ttft: float | None
    tpot: float | None
    duration: float


def _one(tool: str, model: object, point: _Point) -> ForeignRun:
    """Return a run with one measurement or, if the measurement cannot be used, with the reason."""
    name = model if isinstance(model, str) else None
    load = Load(**point.arrivals, **point.lengths)
    reasons = list(_reasons(point, load))
    if reasons:
        return ForeignRun(tool, name, (), point.duration, ("; ".join(reasons),))
    measured = Measured(
        load=load,
        requests_per_second=point.rate,
        latency_p50_seconds=point.latency,
        ttft_p50_seconds=point.ttft,
        tpot_p50_seconds=point.tpot,
    )
    return ForeignRun(tool, name, (measured,), point.duration, ())


def _reasons(point: _Point, load: Load) -> Iterator[str]:
    yield from load.problems()
    if point.failed:
        yield f"{point.failed:,} requests failed"
    if not point.rate or (point.latency is None and point.ttft is None and point.tpot is None):
        yield "the rate or all median latencies are missing"
    if point.duration <= 0 and not load.has_end:
        yield "the duration is missing"


def _unused(tool: str, model: object, reason: str) -> ForeignRun:
    return ForeignRun(tool, model if isinstance(model, str) else None, (), 0.0, (reason,))


def _lengths(
    tokens_in: float, tokens_out: float, deviation_in: float | None, deviation_out: float | None
) -> dict[str, Any]:
    return {
        "input_tokens": round(tokens_in),
        "output_tokens": round(tokens_out),
        "input_stddev": round(deviation_in or 0.0, 1),
        "output_stddev": round(deviation_out or 0.0, 1),
    }


def _deviation(lengths: object) -> float | None:
    if not isinstance(lengths, list) or not lengths or not all(isinstance(length, int) for length in lengths):
        return None
    mean = sum(lengths) / len(lengths)
    return sqrt(sum((length - mean) ** 2 for length in lengths) / len(lengths))


def _number(value: object) -> float | None:
    """Return a finite number; None for any other value, for example the `inf` of an unlimited rate."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    number = float(value)
    return number if abs(number) < float("inf") else None


def _milliseconds(value: object) -> float | None:
    number = _number(value)
    return None if number is None else number / 1000
