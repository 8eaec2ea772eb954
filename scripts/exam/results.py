"""The results of the exam (`replicas/forecast/exam.json`): each run and the errors of its forecast."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from replicas import ComponentPlan, EndpointPlan
from scripts.exam.predictions import Judged, forecast_run
from scripts.exam.rows import Row, planned, rows
from tests.forecast import published

PATH = Path(__file__).parent.parent.parent / "replicas" / "forecast" / "exam.json"
_SOURCE = (
    "scripts/exam (make exam): published runs (scripts/exam/runs.csv, tests/forecast/published.json) with the errors "
    "of their forecasts, relative to the measurement. Constants were fitted to rows of `fitted` runs alone."
)
_READ_FROM = {
    ("TheBloke/Llama-2-7B-Chat-GPTQ", "ml.g5.2xlarge"),
    ("llama-2-70b", "ml.p4d.24xlarge"),
    *(
        (model, instance)
        for model in ("llama-2-7b", "llama-2-13b")
        for instance in ("ml.g5.12xlarge", "ml.g5.48xlarge")
    ),
}
"""Runs of philschmid/text-generation-inference-tests to which the constants of tgi-1 and A10G were fitted."""


def results(date: str) -> dict[str, Any]:
    """Forecast every run, and return the content of the file."""
    with ProcessPoolExecutor() as workers:
        runs = list(workers.map(_result, rows()))
        for points in workers.map(_small, published.SMALL["runs"]):
            runs += points
    return {"retrieved": date, "source": _SOURCE, "runs": runs}


def written(content: dict[str, Any]) -> str:
    """Return the text of the file, with one run per line."""
    head = json.dumps({key: value for key, value in content.items() if key != "runs"}, indent=1)[:-2]
    return head + ',\n "runs": [\n' + ",\n".join("  " + json.dumps(run) for run in content["runs"]) + "\n ]\n}\n"


def stored() -> dict[str, Any]:
    """Return the results of the last exam."""
    content: dict[str, Any] = json.loads(PATH.read_text())
    return content


def _result(row: Row) -> dict[str, Any]:
    endpoint, component = planned(row)
    found = forecast_run(row)
    return {
        **_subject(endpoint, component),
        "origin": row.origin,
        "fitted": row.is_fitted,
        "kind": row.kind,
        "load": row.load,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "varies": row.varies,
        "shares_prompts": bool(row.shared_tokens or row.distinct_prompts),
        "saturated": row.is_saturated,
        "own_links": row.links is None,
        "errors": _errors(found),
        "overload_found": found.overload_is_found,
    }


def _errors(found: Judged) -> dict[str, float | None]:
    rate = found.throughput_error if found.row.is_saturated else found.rate_error
    errors = {
        "requests_per_second": rate,
        "latency": found.latency_error,
        "ttft": found.ttft_error,
        "tpot": found.tpot_error,
    }
    return {name: None if error is None else round(error, 3) for name, error in errors.items()}


def _subject(endpoint: EndpointPlan, component: ComponentPlan) -> dict[str, Any]:
    instance = endpoint.instance
    return {
        "engine": str(component.engine),
        "profile": component.engine.profile.profile,
        "model": component.model.id,
        "accelerator": instance.accelerator,
        "accelerator_memory_mib": instance.accelerator_memory_mib,
        "degree": component.accelerators,
        "quantization": component.quantization.method if component.quantization else None,
        "parameters": component.model.architecture.parameters,
    }


def _small(run: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results of a run of `published.SMALL` (TGI), one per number of users."""
    return list(_points(run))


def _points(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    subject = _subject(
        *published.one_copy(run["model"], run["instance"], run["degree"], published.SMALL["engine"], 2048)
    )
    for point, measured in published.points_of(run):
        yield {
            **subject,
            "origin": "philschmid/text-generation-inference-tests",
            "fitted": (run["model"], run["instance"]) in _READ_FROM,
            "kind": "closed",
            "load": measured["users"],
            "input_tokens": published.SMALL["input_tokens"],
            "output_tokens": published.SMALL["output_tokens"],
            "varies": False,
            "shares_prompts": False,
            "saturated": False,
            "own_links": True,
            "errors": {
                "requests_per_second": round(point.requests / measured["requests"] - 1, 3),
                "latency": round((point.latency_p50_seconds or 0) * 1000 / measured["median_ms"] - 1, 3),
                "ttft": None,
                "tpot": None,
            },
            "overload_found": None,
        }
