"""The mechanism of a start against published start-ups that no constant was fitted to, and against whole starts on
SageMaker.
"""

from __future__ import annotations

import json
from statistics import median
from typing import Any

import pytest

from replicas.catalogue.instances import find_instance
from replicas.catalogue.models import find_model
from replicas.engines import find_engine
from replicas.engines.starts import EnginePhase, PublishedStart
from replicas.start import StartRequest, forecast_start
from replicas.start.published import hosting, measured_kinds
from scripts.fit_starts import ENGINES, fitted

STARTS = [(kind.starts, row) for kind in measured_kinds() if kind.starts for row in kind.starts.published]
PHASES: tuple[EnginePhase, ...] = ("boot", "load", "compile", "capture", "warmup")


def errors(part: str, phase: EnginePhase) -> list[float]:
    """Distance of each start from its mechanism, as a factor of 1 or more."""
    found = []
    for starts, row in STARTS:
        if row.part == part and phase in row.seconds:
            ratio = row.seconds[phase] / starts.expected_of(phase, row)
            found.append(max(ratio, 1 / ratio))
    return found


@pytest.mark.parametrize("path", sorted(ENGINES.glob("*/starts.json")), ids=lambda path: str(path.parent.name))
def test_the_constants_are_those_of_the_fitted_rows(path: Any) -> None:
    document = json.loads(path.read_text())
    assert fitted(document) == document


@pytest.mark.parametrize(
    ("phase", "factor"), [("boot", 1.3), ("load", 2.0), ("compile", 2.4), ("capture", 1.7), ("warmup", 3.2)]
)
def test_half_of_the_judged_starts_are_within_a_factor(phase: EnginePhase, factor: float) -> None:
    """The factors are those of docs/cold-start.md, rounded up."""
    assert median(errors("judged", phase)) <= factor


def test_both_parts_have_rows_of_every_phase() -> None:
    for phase in PHASES:
        assert len(errors("fitted", phase)) >= 1, phase
        assert len(errors("judged", phase)) >= 3, phase


def test_no_source_gives_constants_and_judges_them() -> None:
    """A source is a repository or a site."""

    def site(row: PublishedStart) -> str:
        return "/".join(row.source.split("/")[:5])

    sides = {part: {site(row) for _, row in STARTS if row.part == part} for part in ("fitted", "judged")}
    assert not sides["fitted"] & sides["judged"]


def start_on(instance: str, model: str, engine: str, *, from_s3: bool) -> Any:
    found = find_model(model)
    return forecast_start(
        StartRequest(
            engine=find_engine(engine),
            instance=find_instance(instance),
            architecture=found.architecture,
            quantization=found.quantization,
            weights_bytes=found.loaded_bytes(found.quantization),
            accelerators=1,
            from_s3=from_s3,
        )
    )


def test_a_scale_out_that_aws_published_lies_in_the_range() -> None:
    """AWS, 16 June 2026: Qwen3-8B by LMI on ml.g6.2xlarge, 258 s with a cached image and 525 s with a pull."""
    start = start_on("ml.g6.2xlarge", "Qwen/Qwen3-8B", "lmi-29.0.0", from_s3=True)
    (row,) = [row for row in hosting()["scale_outs"] if row["instance_type"] == "ml.g6.2xlarge"]
    span = start.copy_on_new_instance
    assert span.low < row["seconds_cached"] < row["seconds"] < span.high


def test_the_weights_of_that_scale_out_come_at_its_rate() -> None:
    start = start_on("ml.g6.2xlarge", "Qwen/Qwen3-8B", "lmi-29.0.0", from_s3=True)
    assert start.download.low == pytest.approx(77, rel=0.02)
    assert start.download.high == pytest.approx(168, rel=0.02)


def test_the_cold_start_that_was_measured_live_lies_in_the_range() -> None:
    """huggingface/skills, July 2026: Qwen3-0.6B on ml.g5.xlarge; a component after 6 minutes, and from zero instances
    9 min 24 s after the request, 67 s of them until the alarm.
    """
    start = start_on("ml.g5.xlarge", "Qwen/Qwen3-0.6B", "vllm-0.29.0", from_s3=False)
    image = start.phase("image")
    assert start.copy.low + image.low < 360 < start.copy.high + image.high + 1
    assert start.copy_on_new_instance.low < 564 - 67 < start.copy_on_new_instance.high
