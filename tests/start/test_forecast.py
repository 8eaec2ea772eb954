"""Phases of a start: which have a value, which only a range, and how they follow sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from replicas.catalogue.instances import find_instance
from replicas.catalogue.models import find_model
from replicas.engines import engine_names, find_engine
from replicas.start import Start, StartRequest, forecast_start
from replicas.start.phases import IN_CONTAINER, PHASES, Phase, Span
from replicas.start.timeouts import download_timeout, startup_timeout

LLAMA = find_model("NousResearch/Meta-Llama-3.1-8B-Instruct")
LARGER = find_model("NousResearch/Llama-2-70b-chat-hf")
REQUEST = StartRequest(
    engine=find_engine("vllm-0.19.0"),
    instance=find_instance("ml.p5.48xlarge"),
    architecture=LLAMA.architecture,
    quantization=None,
    weights_bytes=LLAMA.loaded_bytes(None),
    accelerators=1,
    from_s3=False,
)


def started(**changes: object) -> Start:
    return forecast_start(replace(REQUEST, **changes))  # type: ignore[arg-type]


def test_a_start_like_a_published_one_has_values() -> None:
    """llm-d-planner, Llama 3.1 8B with vLLM 0.19.0 on H100: 18.7 s of compilation, 3 s of capture."""
    start = started()
    compiled, captured = start.phase("compile"), start.phase("capture")
    assert compiled.seconds == pytest.approx(18.7, rel=0.05)
    assert captured.seconds == pytest.approx(3.2, rel=0.05)
    assert compiled.low <= 18.7 <= compiled.high


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": find_engine("vllm-0.30.0")},
        {"engine": find_engine("sglang-0.5.20")},
        {"engine": find_engine("tgi-3.3.6")},
        {"instance": find_instance("ml.g5.12xlarge")},
    ],
    ids=["version", "engine", "another engine", "card"],
)
def test_what_was_not_measured_has_a_range_only(changes: dict[str, object]) -> None:
    start = started(**changes)
    for name in ("compile", "capture", "load"):
        phase = start.phase(name)
        assert phase.seconds is None
        assert "not measured" in phase.basis
        assert phase.low < phase.high
    assert start.copy.seconds is None


def test_the_range_of_what_was_not_measured_holds_that_of_what_was() -> None:
    measured, other = started(), started(instance=find_instance("ml.g6e.12xlarge"))
    for name in ("compile", "capture"):
        assert other.phase(name).low <= measured.phase(name).low
        assert other.phase(name).high >= measured.phase(name).high


def test_layers_lengthen_the_compilation_and_accelerators_shorten_the_loading() -> None:
    large = started(architecture=LARGER.architecture, weights_bytes=LARGER.loaded_bytes(None), accelerators=2)
    split = started(architecture=LARGER.architecture, weights_bytes=LARGER.loaded_bytes(None), accelerators=8)
    assert (large.phase("compile").seconds or 0) == pytest.approx(80 / 32 * (started().phase("compile").seconds or 0))
    assert split.phase("load").high == pytest.approx(large.phase("load").high / 4)


def test_a_model_of_unknown_layers_takes_the_range_of_the_published_seconds() -> None:
    unknown = replace(LLAMA.architecture, model_type="unknown", class_name="", stack=())
    phase = started(architecture=unknown).phase("compile")
    assert phase.seconds is None
    assert 0 < phase.low < 20
    assert phase.high > 80


def test_the_timeout_of_the_container_covers_a_download_from_the_hub_alone() -> None:
    from_hub, from_s3 = started(), started(from_s3=True)
    weights = from_hub.phase("weights")
    assert from_hub.container.high == pytest.approx(from_s3.container.high + weights.high)
    assert from_s3.download.high == from_s3.phase("weights").high


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("gigabytes", [0.1, 16, 700, 5000])
def test_open_timeouts_are_within_what_sagemaker_takes(engine: str, gigabytes: float) -> None:
    start = started(engine=find_engine(engine), weights_bytes=gigabytes * 1e9, from_s3=True)
    for seconds, reason in (startup_timeout(start), download_timeout(start)):
        assert 60 <= seconds <= 3600
        assert seconds % 60 == 0
        assert reason
    assert startup_timeout(start)[0] >= min(start.container.high, 3600)


def test_a_new_instance_takes_its_launch_and_at_most_a_pull_longer() -> None:
    start = started()
    span = start.copy_on_new_instance
    assert span.low == pytest.approx(start.copy.low + start.phase("instance").low)
    assert start.new_endpoint.high == pytest.approx(span.high)
    assert start.new_endpoint.low > span.low


def test_measured_phases_replace_the_published_ones() -> None:
    start = started().with_measured(dict.fromkeys(PHASES, 10.0), "measured")
    assert start.copy.seconds == 10 * len(("weights", *IN_CONTAINER))
    assert start.new_endpoint == Span(seconds=80, low=80, high=80)


def test_a_sum_has_a_value_only_if_each_part_has_one() -> None:
    one = Phase(name="boot", seconds=2, low=1, high=3, basis="")
    two = Phase(name="load", seconds=None, low=1, high=3, basis="")
    assert Span.of([one, one]) == Span(seconds=4, low=2, high=6)
    assert Span.of([one, two]) == Span(seconds=None, low=2, high=6)
    assert Span.of([one]).plus(5, times=2) == Span(seconds=9, low=7, high=11)
    assert Span.of([one]).plus(5, 7) == Span(seconds=None, low=6, high=10)
