"""Fixtures with a running embedded AWS, and waiting for its stacks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from replicas.forecast.stand_in import StandInEngine


@pytest.fixture(scope="module")
def running_aws() -> Iterator[EmbeddedAws]:
    """One embedded AWS for each test module: no module sees what another left. Minutes of AWS are milliseconds."""
    boto3.DEFAULT_SESSION = None
    with EmbeddedAws(time_scale=3000, speed=200, engine=StandInEngine()) as aws:
        yield aws


@pytest.fixture
def embedded(running_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    """Point every client of this process and of its children at the embedded AWS; faults end with the test."""
    for variable, value in client_environment(running_aws.url).items():
        monkeypatch.setenv(variable, value)
    yield running_aws
    running_aws.faults.clear()


def settled(stack_name: str) -> dict[str, Any]:
    """Wait until no operation on a stack is in progress; its description, empty when it is deleted."""
    cloudformation = boto3.client("cloudformation")
    deadline = time.monotonic() + 180
    while True:
        try:
            (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
        except cloudformation.exceptions.ClientError:
            return {}
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return dict(stack)
        assert time.monotonic() < deadline, stack
        time.sleep(0.02)


TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
"""Trust policy of an execution role."""


def endpoint_by_hand(sagemaker: Any, role: str, name: str = "e", *, config: str = "c", **variant: Any) -> None:
    """Create an endpoint of one variant, `AllTraffic`, and its configuration, without a stack; it is in service."""
    variants = [{"VariantName": "AllTraffic", "InitialInstanceCount": 1, **variant}]
    sagemaker.create_endpoint_config(EndpointConfigName=config, ExecutionRoleArn=role, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 0})


def component_by_hand(sagemaker: Any, name: str, copies: int, *, endpoint: str = "e", **specification: Any) -> None:
    """Create an inference component, by default of one accelerator a copy."""
    need = {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 1024}
    sagemaker.create_inference_component(
        InferenceComponentName=name,
        EndpointName=endpoint,
        VariantName="AllTraffic",
        Specification={"ComputeResourceRequirements": need, **specification},
        RuntimeConfig={"CopyCount": copies},
    )


def in_service(sagemaker: Any, component: str) -> None:
    """Wait until an inference component is in service."""
    deadline = time.monotonic() + 180
    while (now := sagemaker.describe_inference_component(InferenceComponentName=component))[
        "InferenceComponentStatus"
    ] != "InService":
        assert time.monotonic() < deadline, now
        time.sleep(0.01)
