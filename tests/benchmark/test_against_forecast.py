"""What is measured on the embedded AWS is what the forecast simulates.

That holds the load generator, the data plane, the stand-in engines and the simulation against each other. The points of
the benchmark run on a virtual clock (`virtual_time.py`), so that neither the machine nor other work on it is measured.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import boto3
import pytest

from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from replicas import plan
from replicas.benchmark import records, sweep
from replicas.benchmark.points import load_of
from replicas.benchmark.prompts import PromptTexts
from replicas.benchmark.report import columns
from replicas.benchmark.result import Result, read
from replicas.deployment.file import find_deployment
from replicas.engines.answering import count_tokens
from replicas.engines.profile import read_profile
from replicas.forecast import Load
from replicas.forecast.copies import copy_engine
from replicas.forecast.simulation import simulate
from replicas.forecast.stand_in import StandInEngine
from replicas.load import DrawnRequest
from tests.benchmark.virtual_time import run_point
from tests.commands import Run
from tests.conftest import ROOT
from tests.embedded import create_stack

pytestmark = pytest.mark.slow  # the later tests read the folder that the first one writes

NAME = "llama-2-13b"
SPEED, SECONDS = 4.0, 9.0
"""Engines are four times too fast for their plan: what the forecast says of them then has a known error."""


@pytest.fixture(scope="module")
def deployed_aws(assembly: Path) -> Iterator[EmbeddedAws]:
    with (
        EmbeddedAws(time_scale=3000, speed=200, engine=StandInEngine()) as aws,
        pytest.MonkeyPatch.context() as patch,
    ):
        for variable, value in client_environment(aws.url).items():
            patch.setenv(variable, value)
        boto3.DEFAULT_SESSION = None
        create_stack(assembly, NAME)
        yield aws
    boto3.DEFAULT_SESSION = None


Benchmark = Callable[[Run, Path, str], None]


@pytest.fixture(scope="module")
def benchmark(deployed_aws: EmbeddedAws) -> Benchmark:
    """Function that runs `replicas benchmark` for numbers of users into a folder, its points on the virtual clock."""

    def measured(result: Result, order: dict[str, Any], *_: object) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            run_point(order, deployed_aws, StandInEngine(), speed=SPEED, patch=patch)
        return sweep.measure(
            load_of(order),
            records.read(Path(order["records"])),
            duration_seconds=result.settings.duration_seconds,
            usd_per_hour=result.subject.usd_per_hour,
        )

    def run_benchmark(run: Run, folder: Path, users: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sweep, "_measured", measured)
            outcome = run(
                *("benchmark", NAME, "--users", users, "--duration", str(SECONDS), "--input-tokens", "1000"),
                *("--no-stream", "--warmup", "1", "--out", str(folder)),
            )
        assert outcome.code == 0, outcome.said

    return run_benchmark


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs") / "first"


def test_measured_equals_simulated_from_100_to_500_users(run: Run, benchmark: Benchmark, folder: Path) -> None:
    benchmark(run, folder, "100,500")
    for measured, simulated in itertools.chain.from_iterable(_figures(folder)):
        assert measured == pytest.approx(simulated, rel=0.02)


def test_a_second_run_measures_the_same(run: Run, benchmark: Benchmark, folder: Path, tmp_path: Path) -> None:
    benchmark(run, tmp_path / "second", "100")
    name = "requests-00100.jsonl"
    assert (tmp_path / "second" / name).read_text() == (folder / name).read_text()


def _figures(folder: Path) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Of each point: rate and median latency, each as it was measured and as it is simulated."""
    endpoint = plan(find_deployment(NAME, ROOT / "deployments.py"))
    engine = copy_engine(endpoint.components[0], endpoint.instance)
    texts = PromptTexts(seed=0, own=0)
    lengths = {count_tokens(texts.text(DrawnRequest(1000, 50))) for _ in range(50)}
    for point in read(folder / "result.json", "").points:
        load = Load(users=point.users, input_tokens=round(fmean(lengths)), output_tokens=50)
        simulated = simulate(
            engine,
            copies=8,
            load=load,
            duration_seconds=SECONDS * SPEED,
            seed=0,
            routing="LEAST_OUTSTANDING_REQUESTS",
        )
        answers = records.read(folder / f"requests-{point.users:05d}.jsonl")
        assert all(answer.error is None for answer in answers)
        yield (
            (
                rate([answer.ended * SPEED for answer in answers]),
                rate([answer.ended for answer in simulated.answered]),
            ),
            (
                median(answer.seconds for answer in answers) * SPEED,
                median(answer.ended - answer.asked for answer in simulated.answered),
            ),
        )


def rate(ends: Sequence[float]) -> float:
    """Answers a second after the first quarter, in which the queues fill, over whole groups of answers.

    Copies that are in step end their groups at once: the first group only tells when the counting begins.
    """
    within = sorted(end for end in ends if SECONDS * SPEED / 4 <= end <= SECONDS * SPEED)
    counted = [end for end in within if end > within[0] + 0.2]
    return len(counted) / (within[-1] - within[0])


def test_the_result_shows_the_forecast_beside_the_measurement(run: Run, folder: Path) -> None:
    """Of engines that are four times too fast: the forecast is that much too slow, and says so."""
    document = json.loads((folder / "result.json").read_text())
    assert document["subject"]["routing"] == "LEAST_OUTSTANDING_REQUESTS"
    beside = document["forecast"]
    assert beside["confidence"] == "unmeasured", "the run that the constants rest on was routed at random"
    for point, measured in zip(beside["points"], document["points"], strict=True):
        assert point["users"] == measured["users"]
        error = point["latency_p50_seconds"] / measured["latency_seconds"]["p50"] - 1
        assert point["errors"]["latency_p50_seconds"] == pytest.approx(error)
        # Of nine seconds the forecast sees less than the fast engines do: the queues of 500 users fill in the first.
        assert error + 1 == pytest.approx(SPEED, rel=0.25)
    assert "forecast req/s" in [title for title, _ in columns(read(folder / "result.json", ""))]
    page = (folder / "index.html").read_text()
    assert "forecast p50 s" in page
    assert "The forecast is of the class" in page


def test_calibrate_makes_a_profile_with_which_the_forecast_meets_the_run(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Engines that are four times too fast no profile explains; here the run is told in their own time."""
    document = json.loads((folder / "result.json").read_text())
    document["settings"]["duration_seconds"] *= SPEED
    document["points"] = document["points"][:1]
    for point in document["points"]:
        for rate in ("requests_per_second", "requests_per_second_window", "requests_per_second_elapsed"):
            point[rate] /= SPEED
        point["latency_seconds"] = {key: value * SPEED for key, value in point["latency_seconds"].items()}
    slow = tmp_path / "result.json"
    slow.write_text(json.dumps(document))
    profile = tmp_path / "profiles" / "mine.json"
    told = run("calibrate", str(slow), "--out", str(profile), "--json").json
    assert told["worst_residual"] < 0.06
    assert [each["what"] for each in told["residuals"]] == [
        "requests_per_second",
        "requests_per_second_window",
        "latency_p50_seconds",
    ]
    fitted = read_profile(json.loads(profile.read_text()))
    assert fitted.fitted is not None
    assert fitted.fitted.least_users_per_copy == 12.5
    assert replace(fitted, fitted=None).admission == plan(find_deployment(NAME)).components[0].engine.profile.admission

    asked = ("forecast", NAME, "--users", "100", "--duration", str(SECONDS * SPEED), "--json")
    again = run(*asked, "--routing", "LEAST_OUTSTANDING_REQUESTS", "--profile", str(profile)).json
    assert again["confidence"] == "calibrated"
    for point, measured in zip(again["points"], document["points"], strict=True):
        assert point["latency_p50_seconds"] == pytest.approx(measured["latency_seconds"]["p50"], rel=0.06)

    table = run("calibrate", str(slow), "--out", str(profile)).out
    assert "req/s in the window" in table
    assert "worst residual" in table


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "is not a profile of this version"),
        ("{}", "is not a profile"),
    ],
)
def test_a_file_that_is_no_profile_is_one_message(run: Run, tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "profile.json"
    if content is not None:
        path.write_text(content)
    outcome = run("forecast", NAME, "--users", "1", "--profile", str(path))
    assert outcome.code == 1
    assert words in outcome.said


def test_a_file_that_is_no_result_is_one_message(run: Run, tmp_path: Path) -> None:
    outcome = run("calibrate", str(tmp_path))
    assert outcome.code == 1
    assert "cannot be read" in outcome.said
    assert "write one with `replicas benchmark`" in outcome.said


def test_history_collects_runs_over_time(run: Run, folder: Path, tmp_path: Path) -> None:
    document = json.loads((folder / "result.json").read_text())
    for name, started, schema in (
        ("b", "2026-02-01T10:00:00+00:00", document["schema"]),
        ("a", "2026-01-01T10:00:00+00:00", 2),
        ("old", "", 0),
    ):
        (tmp_path / name).mkdir()
        changed = {**document, "started": started, "schema": schema}
        (tmp_path / name / "result.json").write_text(json.dumps(changed))
        (tmp_path / name / "index.html").touch()
    told = run("history", str(tmp_path), "--json")
    rows = told.json["runs"]
    assert [row["started"][:7] for row in rows] == ["2026-01", "2026-02"], "oldest first"
    assert rows[0]["most_users"] == 500
    assert rows[0]["forecast_confidence"] == "unmeasured"
    assert "left out:" in told.err
    assert run("history", str(tmp_path)).code == 0
    page = (tmp_path / "index.html").read_text()
    assert page.index("a/index.html") < page.index("b/index.html")
    assert page.count("data-chart ") == 2

    nothing = run("history", str(tmp_path / "none"))
    assert nothing.code == 1
    assert "no folder" in nothing.said
