"""DeploymentConfig of an update: its rollback alarms, its batch sizes, and the check of the rollback batch size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.evidence import ASSUMED
from embedded_aws.service import ServiceError

_LEAST_PERCENT = 5


def alarm_names(deployment: Mapping[str, Any]) -> list[str]:
    """Return the names of the alarms that roll a deployment back."""
    alarms = deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    return [str(alarm["AlarmName"]) for alarm in alarms]


def copies_in(size: Mapping[str, Any], copies: int) -> int:
    """Return the number of copies in a batch of the given size, for a component with `copies` copies."""
    if size["Type"] == "COPY_COUNT":
        return int(size["Value"])
    return max(1, copies * int(size["Value"]) // 100)


def check_rollback(deployment: Mapping[str, Any], copies: int) -> None:
    """Refuse a RollbackMaximumBatchSize outside 5 to 100 % of the copies. Without copies, a batch of 1 is allowed.

    By default a rollback is one batch. The batches of the update itself are checked by a rule
    (`replicas.rules.rolls`).

    Raises:
        ServiceError: the batch is too small or too large.

    """
    size = deployment["RollingUpdatePolicy"].get("RollbackMaximumBatchSize")
    if size is None:
        return
    value = int(size["Value"])
    if size["Type"] == "CAPACITY_PERCENT":
        if not _LEAST_PERCENT <= value <= 100:
            raise _refused(f"RollbackMaximumBatchSize of {value} % is not between {_LEAST_PERCENT} % and 100 %.")
    elif 100 * value < _LEAST_PERCENT * copies or value > max(1, copies):
        raise _refused(
            f"RollbackMaximumBatchSize of {value} copies is not between {_LEAST_PERCENT} % and 100 % of the "
            f"{copies} copies."
        )


def _refused(message: str) -> ServiceError:
    return ServiceError("ValidationException", message, ASSUMED)
