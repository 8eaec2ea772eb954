"""One page of each kind, made of small inputs. Hostile text stands wherever users, models or AWS can put text."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from replicas import plan
from replicas.benchmark.history import find_runs, write_history
from replicas.benchmark.report import write_report as write_benchmark
from replicas.benchmark.result import Result, read
from replicas.deployment.file import load_catalogue
from replicas.forecast import Load
from replicas.recommend import Objective, Requirements, fleet, read_fleet, recommend
from replicas.recommend.page import write_fleet, write_recommendation
from replicas.report.report import write_report
from replicas.review import revision_review
from replicas.review.effects import Effect, Kind
from replicas.review.facts import facts
from replicas.review.plans import ForecastAnswer, ForecastQuestion
from replicas.review.result import Comparison, ForecastPair, Review, Verdict
from replicas.review.template_report import TemplateReport
from tests.conftest import ROOT

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x1b[31m'\"`**{{ 7 * 7 }}"
PRODUCTION = ROOT / "docs" / "examples" / "production.py"
_RESULT = ROOT / "tests" / "cases" / "hostile" / "history-crash-1.json"
_FAULTY = f"""
DEPLOYMENTS.append(Deployment(name={HOSTILE!r}, instance_type="ml.g5.12xlarge", components=[]))
DEPLOYMENTS.append(
    Deployment(name="faulty", instance_type="ml.g5.12xlarge", components=[Component(model={HOSTILE!r})])
)
"""


def write_deployments(folder: Path) -> Path:
    """Write a deployments.py with the production example and two entries that are refused; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "deployments.py").write_text(PRODUCTION.read_text() + _FAULTY)
    return folder


def write_pages(folder: Path) -> Mapping[str, Path]:
    """Write one page of each kind; return their paths by kind."""
    pages = {}
    for name, write in _WRITERS.items():
        (folder / name).mkdir()
        with pytest.MonkeyPatch.context() as patch:
            pages[name] = write(folder / name, patch)
    return pages


def result(users: tuple[int, ...] = (1, 10, 40), **fields: Any) -> Result:
    """A result of a benchmark whose texts are hostile, with one point for each number of users."""
    stored = _stored()
    first = stored.points[0]
    points = tuple(
        replace(first, users=count, requests_per_second_window=5.0 * count, errors={HOSTILE: 2}) for count in users
    )
    subject = replace(stored.subject, deployment=HOSTILE, image=HOSTILE, model="llama-2-13b " + HOSTILE)
    forecast = {
        "confidence": "extrapolated",
        "basis": HOSTILE,
        "routing": "RANDOM",
        "points": [
            {
                "users": count,
                "requests_per_second_elapsed": 4.0 * count,
                "requests_per_second_window": 4.0 * count,
                "latency_p50_seconds": 1.0,
                "ttft_p50_seconds": 0.5,
                "errors": {"requests_per_second_elapsed": -0.2},
            }
            for count in users
        ],
    }
    return replace(stored, subject=subject, points=points, users=users, forecast=forecast, **fields)


def _stored() -> Result:
    """A stored result without its odd forecast."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        path.write_text(json.dumps({**json.loads(_RESULT.read_text()), "forecast": None}))
        return read(path, "")


def _report(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    patch.chdir(write_deployments(folder))
    return write_report((), folder).path


def _report_of_one(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    patch.chdir(ROOT)
    return write_report(["llama-2-13b"], folder).path


def review() -> Review:
    """A review with a deployment that changes, one that is new and one that is refused."""
    (production,) = load_catalogue(PRODUCTION)
    before = plan(production).to_document()
    larger = replace(production, name="production", instance_type="ml.g6e.24xlarge", fallback_instance_types=())
    after = plan(larger).to_document()
    question = ForecastQuestion("production", "chat", {"users": 64, "input_tokens": 1000, "output_tokens": 200})
    point = {"requests_per_second_window": 7.1, "latency_p50_seconds": 8.5, "latency_p90_seconds": 9.6}
    changed = Comparison(
        "production",
        Verdict.CHANGED,
        before,
        after,
        tuple(facts(before, after)),
        effects=(Effect(Kind.ENDPOINT_UPDATE, "Endpoint", f"the endpoint moves: `{HOSTILE.replace('`', '')}`"),),
        forecasts=(
            ForecastPair(question, ForecastAnswer(point, "extrapolated"), ForecastAnswer(None, problem=HOSTILE)),
        ),
    )
    new = Comparison("new", Verdict.NEW, None, {**before, "name": "new"}, tuple(facts(None, before)))
    refused = Comparison("refused", Verdict.REFUSED, before, {"fits": False, "problems": [HOSTILE]}, (), (HOSTILE,))
    return Review(
        HOSTILE, "the working tree", 3, (changed, new, refused), TemplateReport("main", 3, []), None, head_deploys=True
    )


def _changes(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    patch.chdir(write_deployments(folder))
    patch.setattr(revision_review, "review_revisions", lambda _base: review())
    return write_report((), folder, base="main").path


def _benchmark(folder: Path, _: pytest.MonkeyPatch) -> Path:
    return write_benchmark(result(), folder)


def _history(folder: Path, _: pytest.MonkeyPatch) -> Path:
    for name, started in (("a", "2026-01-01T10:00:00+00:00"), ("b", "2026-02-01T10:00:00+00:00")):
        (folder / name).mkdir()
        document = result(started=started).to_document()
        (folder / name / "result.json").write_text(json.dumps(document))
    (folder / "odd").mkdir()
    (folder / "odd" / "result.json").write_text(HOSTILE)
    runs, unreadable = find_runs(folder)
    write_history(runs, folder / "index.html", unreadable)
    return folder / "index.html"


def _recommendation(folder: Path, _: pytest.MonkeyPatch) -> Path:
    requirements = Requirements(
        model="llama-2-13b",
        load=Load(users=20, input_tokens=1000, output_tokens=50),
        instance_types=("ml.g5.12xlarge", "ml.g6.12xlarge"),
        engines=("tgi-1.1.0",),
        objective=Objective(latency_p90_seconds=9),
        duration_seconds=20,
    )
    write_recommendation(recommend(requirements), HOSTILE, folder / "index.html", top=5)
    return folder / "index.html"


def _fleet(folder: Path, _: pytest.MonkeyPatch) -> Path:
    file = folder / "fleet.yaml"
    file.write_text(
        "instance_types: [ml.g5.12xlarge]\nduration_seconds: 10\nmodels:\n"
        "  - {name: a, model: llama-2-7b, users: 2, input_tokens: 500, output_tokens: 20}\n"
        "  - {name: b, model: llama-2-7b, users: 2, input_tokens: 500, output_tokens: 20}\n"
    )
    write_fleet(fleet(read_fleet(file)), folder / "index.html")
    return folder / "index.html"


_WRITERS: Mapping[str, Callable[[Path, pytest.MonkeyPatch], Path]] = {
    "report": _report,
    "report of one": _report_of_one,
    "changes": _changes,
    "benchmark": _benchmark,
    "history": _history,
    "recommendation": _recommendation,
    "fleet": _fleet,
}
