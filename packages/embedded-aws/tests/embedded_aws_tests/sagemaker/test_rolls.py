"""Rolls that are watched: batches, alarms, time limits, and the way back to what served before."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.cloudwatch.alarms import Alarm
from embedded_aws.faults import Fault, FaultKind
from embedded_aws.sagemaker.deployments import check_rollback
from embedded_aws.sagemaker.enforcement import check_component
from embedded_aws.sagemaker.state import Endpoint, Hosting
from embedded_aws.service import ServiceError
from embedded_aws_tests.sagemaker.conftest import Account, specification


def alarm(account: Account, state: str = "OK") -> None:
    monitoring = account.service.surroundings.monitoring
    monitoring.alarms["errors"] = Alarm("errors", "", {}, 0, due=0, state=state)


def policy(batch: int = 1, wait: int = 300, **more: Any) -> dict[str, Any]:
    return {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": batch},
            "WaitIntervalInSeconds": wait,
            **more,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
    }


def roll(account: Account, deployment: dict[str, Any]) -> None:
    account(
        "UpdateInferenceComponent",
        InferenceComponentName="component",
        Specification=specification(image="new:2"),
        DeploymentConfig=deployment,
    )


def versions(account: Account) -> list[str]:
    return [copy.image for copy in account.service.route("endpoint", "component").copies]


@pytest.fixture
def four(account: Account) -> Account:
    account.endpoint()
    account.create(copies=4)
    account.wait(1_000)
    alarm(account)
    return account


@pytest.mark.parametrize("after", [100, 250, 500, 1_400])
def test_an_alarm_takes_the_roll_back_whenever_it_goes_off(four: Account, after: int) -> None:
    """While the first copy starts, while it is watched, in the second batch, and near the end."""
    roll(four, policy(RollbackMaximumBatchSize={"Type": "COPY_COUNT", "Value": 1}))
    four.wait(after)
    assert four.counts()[0] == "Updating"
    alarm(four, "ALARM")
    fewest = 4
    while four.counts()[0] == "Updating":
        four.wait(10)
        fewest = min(fewest, len(versions(four)))

    assert fewest >= 4, "what serves goes only when something else does"
    assert four.counts() == ("InService", 4, 4)
    assert set(versions(four)) == {"123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:1"}
    told = four.component()
    assert told["FailureReason"] == "The update was rolled back because of alarms in state ALARM: errors."
    assert told["LastDeploymentConfig"]["RollingUpdatePolicy"]["WaitIntervalInSeconds"] == 300
    assert (
        told["Specification"]["Container"]["DeployedImage"]["SpecifiedImage"]
        == "123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:1"
    )


def test_an_alarm_before_or_after_the_roll_does_nothing_to_it(four: Account) -> None:
    roll(four, policy(wait=0))
    four.wait(2_000)
    alarm(four, "ALARM")
    four.wait(2_000)
    assert set(versions(four)) == {"new:2"}
    assert "FailureReason" not in four.component()


def test_a_roll_on_a_full_instance_gives_way_copy_by_copy_when_it_returns(account: Account) -> None:
    account.endpoint()
    account.create(copies=7)
    account.wait(2_000)
    alarm(account)
    roll(account, policy(batch=1, wait=0))
    account.wait(900)
    assert set(versions(account)) == {"123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:1", "new:2"}
    alarm(account, "ALARM")
    account.wait(4_000)
    assert account.counts() == ("InService", 7, 7)
    assert set(versions(account)) == {"123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:1"}


def test_a_roll_that_takes_too_long_returns(four: Account) -> None:
    roll(four, policy(wait=1_800, MaximumExecutionTimeoutInSeconds=2_000))
    four.wait(5_000)
    assert set(versions(four)) == {"123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:1"}
    assert "MaximumExecutionTimeoutInSeconds" in four.component()["FailureReason"]


def test_a_copy_that_does_not_start_leaves_what_serves(four: Account) -> None:
    four.faults.add(Fault(FaultKind.COPY_NEVER_STARTS, on="component", times=1))
    roll(four, policy())
    four.wait(3_000)
    assert len(versions(four)) == 4, "the others serve while it is tried"
    four.wait(2_000)
    assert four.counts() == ("InService", 4, 4)
    assert "ping health check" in four.component()["FailureReason"]


def test_copies_that_do_not_come_back_either_are_told(four: Account) -> None:
    roll(four, policy(wait=0))
    four.wait(500)
    four.faults.add(Fault(FaultKind.COPY_NEVER_STARTS, on="component"))
    four.wait(20_000)
    status, desired, running = four.counts()
    assert (status, desired) == ("InService", running)
    assert 0 < running < 4
    assert set(versions(four)) == {"123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:1"}


def test_an_alarm_that_does_not_exist_is_refused(four: Account) -> None:
    deployment = policy()
    deployment["AutoRollbackConfiguration"]["Alarms"] = [{"AlarmName": "errors"}, {"AlarmName": "latency"}]
    refusal = four.refusal("UpdateInferenceComponent", InferenceComponentName="component", DeploymentConfig=deployment)
    assert refusal == "AutoRollbackConfiguration names alarms that do not exist: latency."
    refusal = four.refusal(
        "UpdateEndpoint",
        EndpointName="endpoint",
        EndpointConfigName="endpoint-config",
        DeploymentConfig={"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "latency"}]}},
    )
    assert "latency" in refusal


VARIANT = {"VariantName": "AllTraffic", "InstanceType": "ml.p4d.24xlarge", "InitialInstanceCount": 1}


def check_batch(size: dict[str, Any], copies: int) -> None:
    """Ask the rules of an update of a component with as many copies."""
    endpoint = Endpoint("endpoint", "arn", "config", VARIANT, 0, 0, "InService", [])
    request = {
        "InferenceComponentName": "component",
        "EndpointName": "endpoint",
        "VariantName": "AllTraffic",
        "Specification": specification(),
        "RuntimeConfig": {"CopyCount": copies},
        "DeploymentConfig": {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 0}},
    }
    check_component("UpdateInferenceComponent", request, endpoint, Hosting(), "us-west-2")


@given(copies=st.integers(1, 100), batch=st.integers(1, 100))
def test_a_batch_is_a_twentieth_to_a_half_of_the_copies(copies: int, batch: int) -> None:
    """The documentation does not say whether the only copy can roll: a batch of 1 is taken, a larger one is not."""
    fine = 0.05 <= batch / copies <= 0.5 or copies == batch == 1
    with nullcontext() if fine else pytest.raises(ServiceError, match="UpdateInferenceComponent accepts 5 to 50 %"):
        check_batch({"Type": "COPY_COUNT", "Value": batch}, copies)


@pytest.mark.parametrize(("percent", "fine"), [(4, False), (5, True), (50, True), (51, False)])
def test_a_batch_in_percent(percent: int, fine: bool) -> None:
    with nullcontext() if fine else pytest.raises(ServiceError, match="UpdateInferenceComponent accepts 5 to 50 %"):
        check_batch({"Type": "CAPACITY_PERCENT", "Value": percent}, 8)


@pytest.mark.parametrize(
    ("kind", "value", "fine"),
    [
        ("CAPACITY_PERCENT", 4, False),
        ("CAPACITY_PERCENT", 100, True),
        ("COPY_COUNT", 40, True),
        ("COPY_COUNT", 41, False),
        ("COPY_COUNT", 1, False),
    ],
)
def test_a_batch_of_a_rollback_may_be_all_copies(kind: str, value: int, fine: bool) -> None:
    deployment = {"RollingUpdatePolicy": {"RollbackMaximumBatchSize": {"Type": kind, "Value": value}}}
    with nullcontext() if fine else pytest.raises(ServiceError, match="RollbackMaximumBatchSize of"):
        check_rollback(deployment, 40)
