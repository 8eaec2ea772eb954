"""Cold start of a plan: timeouts, waking, scaling, rolling, and records of the same copy."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from replicas import Component, Deployment, InstanceScaling, Rollout, Scaling, plan
from replicas.forecast.cold_start import ColdStart, cold_start
from replicas.start.records import StartRecord
from tests.documents import validated
from tests.start.test_records import RECORD

COMPONENT = Component(model="Qwen/Qwen3-8B", engine="vllm-0.29.0", copies=1, tensor_parallel=1, max_total_tokens=8192)


def result(*records: StartRecord, deployment: dict[str, Any] | None = None, **options: Any) -> ColdStart:
    planned = plan(
        Deployment(
            name="qwen3-8b",
            instance_type="ml.g6e.xlarge",
            components=[replace(COMPONENT, **options)],
            **deployment or {},
        )
    )
    return cold_start(planned, planned.components[0], records)


def delays(cold: ColdStart) -> dict[str, Any]:
    return {delay.name: delay.span for delay in cold.delays}


def test_an_open_timeout_covers_the_longest_start() -> None:
    cold = result()
    (timeout,) = cold.timeouts
    assert timeout.seconds >= 2 * timeout.covers.high
    assert timeout.is_enough
    assert cold.warnings == ()
    validated(cold.to_document())


def test_weights_in_s3_have_a_timeout_of_their_own() -> None:
    cold = result(weights="s3://bucket/qwen/")
    startup, download = cold.timeouts
    assert (startup.name, download.name) == (
        "ContainerStartupHealthCheckTimeoutInSeconds",
        "ModelDataDownloadTimeoutInSeconds",
    )
    assert download.covers == cold.start.download
    assert startup.covers.high == pytest.approx(
        sum(cold.start.phase(name).high for name in ("boot", "load"))
        + sum(cold.start.phase(name).high for name in ("compile", "capture", "warmup"))
    )


def test_a_stated_timeout_that_is_too_short_is_named() -> None:
    (warning,) = result(startup_timeout_seconds=90).warnings
    assert warning.startswith("startup_timeout_seconds=90: a start can take ")
    assert "startup_timeout_seconds=540, or leave it out" in warning


def test_without_scaling_and_rolling_there_are_three_situations() -> None:
    assert list(delays(result())) == ["copy", "copy_on_new_instance", "new_endpoint"]


@pytest.mark.parametrize(("floor", "asleep"), [(0, True), (1, False)])
def test_waking_takes_an_instance_where_none_is_kept(floor: int, asleep: bool) -> None:
    """The alarm has one period of 60 s; huggingface/skills saw it after 67 s."""
    cold = result(
        scaling=Scaling(to_zero=True, max_copies=1),
        deployment={"instance_scaling": InstanceScaling(min_instances=floor, max_instances=2)},
    )
    found = delays(cold)
    base = found["copy_on_new_instance"] if asleep else found["copy"]
    assert found["wake"].low == base.low
    assert found["wake"].low + 67 <= found["wake"].high
    assert found["wake"].high == base.high + 120


def test_the_lag_of_scaling_begins_with_three_periods_of_its_metric() -> None:
    on_requests = result(scaling=Scaling(max_copies=1, concurrent_requests_per_copy=4))
    on_invocations = result(scaling=Scaling(max_copies=1, invocations_per_copy=100))
    assert delays(on_requests)["scale_out"].low == pytest.approx(delays(on_requests)["copy"].low + 30)
    assert delays(on_invocations)["scale_out"].low == pytest.approx(delays(on_invocations)["copy"].low + 180)


def test_a_roll_takes_a_start_and_a_wait_for_each_batch() -> None:
    planned = plan(
        Deployment(
            name="rolled",
            instance_type="ml.g6e.12xlarge",
            components=[replace(COMPONENT, copies=3, rollout=Rollout(batch_copies=1, wait_seconds=100))],
        )
    )
    found = delays(cold_start(planned, planned.components[0]))
    assert found["roll"].high == pytest.approx(3 * found["copy"].high + 300)


def test_a_record_of_the_same_copy_is_used_with_its_date() -> None:
    cold = result(RECORD)
    assert cold.measured == RECORD
    assert cold.start.phase("load").seconds == 12.5
    assert "2026-11-20" in cold.start.phase("load").basis
    assert cold.start.phase("instance").seconds == 230
    assert delays(cold)["new_endpoint"].seconds == 540
    validated(cold.to_document())


def test_the_newest_record_counts() -> None:
    newer = replace(RECORD, measured="2026-11-28", component_seconds=290)
    assert result(newer, RECORD).measured == newer


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"origin": "embedded-aws"}, "whose times are simulated"),
        ({"engine": "vllm-0.30.0"}, "its engine is vllm-0.30.0"),
        ({"instance_type": "ml.g5.xlarge"}, "its instance type is ml.g5.xlarge"),
        ({"accelerators": 4}, "its copies have 4 accelerators, not 1"),
        ({"weights": "s3"}, "its weights come from S3"),
    ],
)
def test_a_record_of_another_copy_is_not_used_and_said_so(changes: dict[str, Any], reason: str) -> None:
    cold = result(replace(RECORD, **changes))
    assert cold.measured is None
    assert cold.start == result().start
    (note,) = cold.notes
    assert note.startswith("the start measured on 2026-11-20 is not used: ")
    assert reason in note


def test_a_record_of_another_model_is_none_of_its_business() -> None:
    assert result(replace(RECORD, model="Qwen/Qwen3-4B")).notes == ()


def test_a_stated_timeout_is_held_against_the_download_from_s3_too() -> None:
    """A stated timeout counts for both: 16 GB take longer than 60 s at the slowest published rate."""

    def warnings(seconds: int) -> list[str]:
        cold = result(weights="s3://bucket/x/", startup_timeout_seconds=seconds)
        return [line for line in cold.plan.warnings if "startup_timeout" in line]

    start, download = warnings(60)
    assert "a start can take" in start
    enough = re.search(
        r"the weights can take \d+ s from S3 .*: set startup_timeout_seconds=(\d+), or leave it out$", download
    )
    assert enough
    assert warnings(int(enough[1])) == []
