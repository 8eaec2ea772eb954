"""SageMaker's control plane alone: its clock stands still until a test moves it, and its neighbours always say yes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from embedded_aws.clock import Clock
from embedded_aws.faults import Faults
from embedded_aws.sagemaker import SageMaker
from embedded_aws.service import Answer, ServiceError, Surroundings
from embedded_aws_tests.calling import called
from replicas.forecast.stand_in import StandInEngine

ROLE = "arn:aws:iam::123456789012:role/replicas"
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
P4D = "ml.p4d.24xlarge"


class Hand(Clock):
    """A clock that a test moves, in AWS's seconds."""

    def __init__(self) -> None:
        super().__init__(scale=1)
        self.at = 1_700_000_000.0

    def time(self) -> float:
        return self.at


@dataclass(frozen=True)
class Alone(Surroundings):
    """Every other service accepts every call, and every role trusts SageMaker."""

    said: list[tuple[str, str]] = field(default_factory=list)

    def client(self, service: str) -> Any:
        class Neighbour(SimpleNamespace):
            def __getattr__(_, operation: str) -> Callable[..., dict[str, Any]]:  # noqa: N805
                return lambda **_: {"Role": {"AssumeRolePolicyDocument": {"Statement": [TRUST]}}}

        return Neighbour()


class Account:
    """Calls as AWS's front door passes them on; every answer is held against botocore's model."""

    def __init__(self) -> None:
        self.clock = Hand()
        self.faults = Faults()
        self.service = SageMaker(Alone("us-west-2", "http://127.0.0.1:0", self.clock, self.faults, StandInEngine()))
        self.service.keep_ticking = lambda: None  # type: ignore[method-assign]  # time is ours

    def __call__(self, operation: str, **parameters: Any) -> Answer:
        return called(self.service, operation, parameters)

    def wait(self, seconds: float) -> None:
        """Let so much of AWS's time pass, a little at a time, as its thread does."""
        steps = min(200, int(seconds // 10) or 1)
        for _ in range(steps):
            self.clock.at += seconds / steps
            with self.service.now():
                pass

    def refusal(self, operation: str, **parameters: Any) -> str:
        with pytest.raises(ServiceError) as refused:
            self(operation, **parameters)
        assert refused.value.code == "ValidationException"
        return refused.value.message

    # ---- what most tests need

    def config(self, name: str = "config", *, instances: int = 1, **variant: Any) -> str:
        variant = {
            "VariantName": "AllTraffic",
            "InstanceType": P4D,
            "InitialInstanceCount": instances,
            **variant,
        }
        self("CreateEndpointConfig", EndpointConfigName=name, ExecutionRoleArn=ROLE, ProductionVariants=[variant])
        return name

    def endpoint(self, name: str = "endpoint", *, instances: int = 1, **variant: Any) -> str:
        config = self.config(f"{name}-config", instances=instances, **variant)
        self("CreateEndpoint", EndpointName=name, EndpointConfigName=config)
        self.wait(300)
        assert self("DescribeEndpoint", EndpointName=name)["EndpointStatus"] == "InService"
        return name

    def create(self, name: str = "component", *, copies: int = 1, on: str = "endpoint", **need: Any) -> str:
        self(
            "CreateInferenceComponent",
            InferenceComponentName=name,
            EndpointName=on,
            VariantName="AllTraffic",
            Specification=specification(**need),
            RuntimeConfig={"CopyCount": copies},
        )
        return name

    def component(self, name: str = "component") -> Answer:
        return self("DescribeInferenceComponent", InferenceComponentName=name)

    def counts(self, name: str = "component") -> tuple[str, int, int]:
        """Status, copies desired and running."""
        told = self.component(name)
        runtime = told["RuntimeConfig"]
        return told["InferenceComponentStatus"], runtime["DesiredCopyCount"], runtime["CurrentCopyCount"]


def specification(
    *,
    accelerators: int = 1,
    cpus: float = 1,
    memory: int = 1024,
    image: str = "123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:1",
    **more: Any,
) -> dict[str, Any]:
    return {
        "Container": {"Image": image, "Environment": {"HF_MODEL_ID": "meta-llama/Llama-2-13b-chat-hf"}},
        "ComputeResourceRequirements": {
            "NumberOfAcceleratorDevicesRequired": accelerators,
            "NumberOfCpuCoresRequired": cpus,
            "MinMemoryRequiredInMb": memory,
        },
        **more,
    }


@pytest.fixture
def account() -> Account:
    return Account()
