"""DeploymentConfig of an update: what its batches mean, and what the service refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.evidence import documented
from embedded_aws.service import RequestProblem, refused_together

_LEAST_PERCENT, _MOST_PERCENT = 5, 50
_WHOLE = 100
_BATCHES = documented("SageMaker API: InferenceComponentRollingUpdatePolicy, MaximumBatchSize")


def alarm_names(deployment: Mapping[str, Any]) -> list[str]:
    """The alarms that a deployment is rolled back for."""
    alarms = deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    return [str(alarm["AlarmName"]) for alarm in alarms]


def copies_in(size: Mapping[str, Any], copies: int) -> int:
    """How many copies a batch has, of so many."""
    if size["Type"] == "COPY_COUNT":
        return int(size["Value"])
    return max(1, copies * int(size["Value"]) // 100)


def check_deployment(deployment: Mapping[str, Any], copies: int) -> None:
    """Hold the batches against the number of copies.

    A batch must be 5 to 50 % of them. What that means for a single copy is not documented: one copy is always taken.
    A rollback may be one batch: that is its default.

    Raises:
        ServiceError: with everything that is wrong.

    """
    policy = deployment["RollingUpdatePolicy"]
    problems: list[RequestProblem] = []
    for name, most in (("MaximumBatchSize", _MOST_PERCENT), ("RollbackMaximumBatchSize", _WHOLE)):
        size = policy.get(name)
        if size is None:
            continue
        value = int(size["Value"])
        if size["Type"] == "CAPACITY_PERCENT":
            if not _LEAST_PERCENT <= value <= most:
                problems.append(
                    RequestProblem(f"{name} of {value} % is not between {_LEAST_PERCENT} % and {most} %.", _BATCHES)
                )
        elif 100 * value < _LEAST_PERCENT * copies or (value > 1 and 100 * value > most * copies):
            problems.append(
                RequestProblem(
                    f"{name} of {value} copies is not between {_LEAST_PERCENT} % and {most} % of the {copies} copies.",
                    _BATCHES,
                )
            )
    if problems:
        raise refused_together("ValidationException", problems)
