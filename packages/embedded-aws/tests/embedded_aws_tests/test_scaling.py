"""An endpoint as a stack, from its first copy to its last: it scales, rolls, returns, sleeps, wakes, and is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from embedded_aws import process
from embedded_aws.faults import Fault, FaultKind
from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from embedded_aws_tests.fleet import (
    COMPONENT,
    POLICY,
    STACK,
    Failing,
    Load,
    activities,
    ask,
    client,
    component,
    copies,
    eventually,
    everything,
    image,
    instances,
    put,
    running_image,
    total,
)
from embedded_aws_tests.support import settled
from replicas.forecast.stand_in import StandInEngine

STEP = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 2}
SLOW = {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50}, "WaitIntervalInSeconds": 10}
STEADY = {"Target__MaxCapacity": 2, "Target__MinCapacity": 2}
WATCHED = {**POLICY, "RollingUpdatePolicy": {**POLICY["RollingUpdatePolicy"], "WaitIntervalInSeconds": 3600}}
"""The longest wait of a roll. An alarm ends it, so a busy machine has time to send requests that fail."""


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws(time_scale=900, speed=5, engine=StandInEngine()) as aws, pytest.MonkeyPatch.context() as patch:
        for variable, value in client_environment(aws.url).items():
            patch.setenv(variable, value)
        yield aws


def test_the_whole_life_of_an_endpoint_that_scales(aws: EmbeddedAws) -> None:
    before = everything()
    assert put("create_stack") == "CREATE_COMPLETE"

    with Load(users=12):
        eventually(lambda: copies() == (4, 4), "12 requests at once, 3 a copy")
        eventually(lambda: total("Invocations") > 20, "each user asks again")
    assert total("Invocation5XXErrors") == 0
    out = next(one for one in activities() if one["StatusCode"] == "Successful")
    assert "AlarmHigh" in out["Cause"]
    assert out["StatusMessage"].startswith("Successfully set desired copy count to 4.")

    eventually(lambda: copies() == (0, 0), "nobody asks any more")
    eventually(lambda: instances() == 0, "and nothing is on the instances")
    assert put("update_stack", Target__MaxCapacity=3) == "UPDATE_COMPLETE"

    failures = total("NoCapacityInvocationFailures")
    assert "has no capacity" in ask()
    assert total("NoCapacityInvocationFailures") == failures + 1
    eventually(lambda: "stand-in" in ask() and instances() == 1, "a failed request wakes it; asked too late, the next")

    aws.clock.turn_calendar(aws.clock.calendar() + 7 * 86_400)
    eventually(lambda: "evening was triggered" in str(activities()), "a week has its mornings and evenings")
    assert "scheduled action name morning was triggered" in str(activities())

    assert put("update_stack", Target__MaxCapacity=2, Target__MinCapacity=2) == "UPDATE_COMPLETE"
    eventually(lambda: copies() == (2, 2), "a floor lifts it")
    assert put("update_stack", **STEADY, engine="tgi-1.4.2") == "UPDATE_COMPLETE"
    assert running_image() == image("tgi-1.4.2")
    assert component()["LastDeploymentConfig"] == POLICY

    aws.faults.add(Fault(FaultKind.COPY_NEVER_STARTS, on=COMPONENT, times=1))
    assert put("update_stack", **STEADY, engine="tgi-1.1.0") == "UPDATE_ROLLBACK_COMPLETE"
    assert (running_image(), copies()) == (image("tgi-1.4.2"), (2, 2))
    assert "ping health check" in component()["FailureReason"]

    with Failing(aws):
        watched = put("update_stack", **STEADY, engine="tgi-1.1.0", Component__DeploymentConfig=WATCHED)
        assert watched == "UPDATE_ROLLBACK_COMPLETE"
    assert (running_image(), copies()) == (image("tgi-1.4.2"), (2, 2))
    assert "in state ALARM: errors" in component()["FailureReason"]

    client("cloudformation").delete_stack(StackName=STACK)
    assert settled(STACK) == {}
    assert everything() == before


def test_what_scales_goes_on_scaling_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    state = tmp_path / "aws.state"
    with running(state, monkeypatch):
        assert put("create_stack", Target__MinCapacity=1) == "CREATE_COMPLETE"
        assert "stand-in" in ask()
        before = {one["AlarmName"] for one in client("cloudwatch").describe_alarms()["MetricAlarms"]}
    with running(state, monkeypatch):
        alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
        assert {one["AlarmName"] for one in alarms} == before
        assert total("Invocations") == 1
        with Load(users=12):
            eventually(lambda: copies() == (4, 4), "12 requests at once, 3 a copy")


@contextmanager
def running(state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An embedded AWS in a process of its own, which every client asks."""
    record = process.start(port=0, region="us-west-2", time_scale=600, speed=5, state=state)
    with monkeypatch.context() as patch:
        for variable, value in record.environment.items():
            patch.setenv(variable, value)
        try:
            yield
        finally:
            process.stop(record)


@pytest.mark.parametrize(
    "change",
    [
        {"Target__MaxCapacity": 3},
        {"Target__SuspendedState": {"DynamicScalingInSuspended": True}},
        {"Target__ScheduledActions": []},
        {"Track__PolicyName": "other"},
        {"Wake__StepScalingPolicyConfiguration": {"AdjustmentType": "ExactCapacity", "StepAdjustments": [STEP]}},
        {"NoCapacity__Threshold": 2},
        {"NoCapacity__AlarmName": "other"},
        {"Logs__RetentionInDays": 7},
        {"Topic__DisplayName": "other"},
        {"Dashboard__DashboardBody": "{}"},
        {"Dashboard__DashboardName": "other"},
        {"Component__DeploymentConfig": {"RollingUpdatePolicy": SLOW}},
        {"Endpoint__DeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_resource_of_it_can_be_changed_and_changed_back(stack: None, change: dict[str, Any]) -> None:
    assert put("update_stack", **change) == "UPDATE_COMPLETE"
    assert put("update_stack") == "UPDATE_COMPLETE"


@pytest.fixture(scope="module")
def stack(aws: EmbeddedAws) -> Iterator[None]:
    assert put("create_stack") == "CREATE_COMPLETE"
    yield
    client("cloudformation").delete_stack(StackName=STACK)
    assert settled(STACK) == {}
