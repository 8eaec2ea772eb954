"""CloudWatch alone, with a clock that a test moves; every answer is held against botocore's model."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_aws.cloudwatch.monitoring import Metric
from embedded_aws.cloudwatch.service import CloudWatch
from embedded_aws.faults import Faults
from embedded_aws.service import Answer, ServiceError, Surroundings
from embedded_aws_tests.calling import called
from embedded_aws_tests.sagemaker.conftest import Hand

FAILURES = Metric.of("AWS/SageMaker", "NoCapacityInvocationFailures", {"InferenceComponentName": "llama"})
ALARM: dict[str, Any] = {
    "AlarmName": "alarm",
    "Namespace": FAILURES.namespace,
    "MetricName": FAILURES.name,
    "Dimensions": [{"Name": "InferenceComponentName", "Value": "llama"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}


class Account:
    """Calls as AWS's front door passes them on."""

    def __init__(self, scale: float = 1.0) -> None:
        self.clock = Hand()
        self.clock.scale = scale
        self.clock.at = 1_700_000_040.0  # the beginning of a minute
        self.service = CloudWatch(Surroundings("us-west-2", "http://127.0.0.1:0", self.clock, Faults()))
        self.service.keep_watching = lambda: None  # type: ignore[method-assign]  # time is ours
        self.monitoring = self.service.surroundings.monitoring
        self.metrics = self.monitoring.metrics

    def __call__(self, operation: str, **parameters: Any) -> Answer:
        return called(self.service, operation, parameters)

    def refusal(self, operation: str, **parameters: Any) -> str:
        with pytest.raises(ServiceError) as refused:
            self(operation, **parameters)
        return refused.value.message

    def wait(self, seconds: float) -> None:
        """Let so much of AWS's time pass; alarms are judged as their thread does."""
        for _ in range(int(seconds // 10)):
            self.clock.at += 10 / self.clock.scale
            self.service.judge()

    def put(self, **settings: Any) -> None:
        self("PutMetricAlarm", **{**ALARM, **settings})

    def state(self) -> str:
        (alarm,) = self("DescribeAlarms", AlarmNames=["alarm"])["MetricAlarms"]
        return str(alarm["StateValue"])


@pytest.fixture
def account() -> Account:
    return Account()
