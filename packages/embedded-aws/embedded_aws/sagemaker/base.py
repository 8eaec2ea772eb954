"""Base of the SageMaker control plane: locked state that advances with time, tags, paging and AWS's errors."""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from embedded_aws.evidence import ASSUMED, Evidence, quoted
from embedded_aws.sagemaker.advance import advance
from embedded_aws.sagemaker.containers import Containers
from embedded_aws.sagemaker.deployments import alarm_names
from embedded_aws.sagemaker.logs import Logs
from embedded_aws.sagemaker.passing import Passing
from embedded_aws.sagemaker.state import Hosting
from embedded_aws.sagemaker.telemetry import Telemetry
from embedded_aws.service import Answer, Parameters, Service, ServiceError, Surroundings

_TICK_SECONDS = 0.05
_PAGE = 10
"""SageMaker's default for MaxResults."""


class Base(Service):
    """SageMaker in one region: its hosting state, and the thread that advances it."""

    name: ClassVar[str] = "sagemaker"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self.hosting = Hosting()
        self.telemetry = Telemetry(surroundings)
        self._lock = threading.RLock()
        self._logs = Logs(surroundings)
        self._containers = Containers(surroundings.engine, self._logs.add)
        self._ended = threading.Event()
        self._ticker: threading.Thread | None = None

    def shutdown(self) -> None:
        """Stop the thread that advances the state."""
        self._ended.set()
        if self._ticker:
            self._ticker.join()

    def state(self) -> dict[str, Any]:
        """Return the state to save. Its times are wall-clock times: time also passes while the embedded AWS is
        stopped.
        """
        with self._lock:
            return {"hosting": self.hosting}

    def restore(self, state: dict[str, Any]) -> None:
        """Load a saved state. Changes that became due in the meantime are applied on the next access."""
        super().restore(state)
        if self.hosting.endpoints:
            self.keep_ticking()

    @contextmanager
    def now(self) -> Iterator[float]:
        """Advance the state, yield the current time in seconds since the epoch, and hold the lock during the block."""
        with self._lock:
            passing = self._passing()
            advance(passing)
            yield passing.now
            advance(passing)
            self._containers.keep(self.hosting)
            self.telemetry.observe(self.hosting)

    def keep_ticking(self) -> None:
        """Start the thread that advances the state between requests, if it does not run yet."""
        with self._lock:
            if self._ticker is None:
                self._ticker = threading.Thread(target=self._tick, name="sagemaker", daemon=True)
                self._ticker.start()

    def _tick(self) -> None:
        while not self._ended.wait(_TICK_SECONDS):
            with self.now():
                pass
            self._logs.flush(self.hosting.components.__contains__)

    def _passing(self) -> Passing:
        where = self.surroundings
        alarming = where.monitoring.alarming
        now = where.clock.time()
        return Passing(self.hosting, now, where.clock, where.faults, self._logs.add, self._containers.health, alarming)

    def check_alarms(self, deployment: Mapping[str, Any]) -> None:
        """Refuse a deployment that names rollback alarms which do not exist."""
        missing = self.surroundings.monitoring.missing(alarm_names(deployment))
        if missing:
            raise refused(f"AutoRollbackConfiguration names alarms that do not exist: {', '.join(missing)}.", ASSUMED)

    # ---- ARNs, tags

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a SageMaker resource."""
        return self.surroundings.arn("sagemaker", f"{kind}/{name}")

    def tag(self, arn: str, tags: Sequence[Mapping[str, str]] | None) -> None:
        """Add tags to a resource."""
        existing = self.hosting.tags.setdefault(arn, {})
        existing.update({tag["Key"]: tag["Value"] for tag in tags or ()})

    def add_tags(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        with self.now():
            arn = self._tagged(params["ResourceArn"])
            self.tag(arn, params["Tags"])
            return {"Tags": _tag_list(self.hosting.tags[arn])}

    def delete_tags(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            for key in params["TagKeys"]:
                self.hosting.tags[self._tagged(params["ResourceArn"])].pop(key, None)
            return {}

    def list_tags(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            return {"Tags": _tag_list(self.hosting.tags[self._tagged(params["ResourceArn"])])}

    def _tagged(self, arn: str) -> str:
        if arn not in self.hosting.tags:
            raise not_found("resource", arn)
        return arn


def not_found(what: str, arn: str) -> ServiceError:
    """Return SageMaker's error for a resource that does not exist."""
    return ServiceError(
        "ValidationException",
        f'Could not find {what} "{arn}".',
        quoted("aws/amazon-sagemaker-examples, issue 2402; hashicorp/terraform-provider-aws, issue 40048"),
    )


def exists(what: str, arn: str) -> ServiceError:
    """Return SageMaker's error for a name that is already in use."""
    return ServiceError(
        "ValidationException",
        f'Cannot create already existing {what} "{arn}".',
        quoted("hashicorp/terraform-provider-aws, issues on names that are taken"),
    )


def refused(message: str, evidence: Evidence) -> ServiceError:
    """Return a ValidationException with the evidence for it."""
    return ServiceError("ValidationException", message, evidence)


def when(seconds: float) -> datetime:
    """Convert seconds since the epoch to a datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def page(
    entries: Sequence[Answer],
    params: Parameters,
    key: str,
    *,
    name: str,
    sort: Mapping[str, Callable[[Answer], Any]] | None = None,
) -> Answer:
    """Return one page of a list, filtered and sorted by the parameters of the operation.

    Args:
        entries: all entries, in the form of the answer.
        params: parameters of the operation.
        key: name of the list in the answer.
        name: member of an entry that holds its name.
        sort: sort keys by value of SortBy, in addition to Name and CreationTime.

    """
    matching = [entry for entry in entries if _matches_filters(entry, params, name)]
    by: dict[str, Callable[[Answer], Any]] = {
        "Name": lambda entry: entry[name],
        "CreationTime": lambda entry: entry["CreationTime"],
        **(sort or {}),
    }
    matching.sort(
        key=by[params.get("SortBy", "CreationTime")], reverse=params.get("SortOrder", "Descending") != "Ascending"
    )
    begin = _offset(params.get("NextToken"))
    size = params.get("MaxResults", _PAGE)
    answer: Answer = {key: matching[begin : begin + size]}
    if begin + size < len(matching):
        answer["NextToken"] = base64.b64encode(str(begin + size).encode()).decode()
    return answer


def _matches_filters(entry: Answer, params: Parameters, name: str) -> bool:
    created: datetime = entry["CreationTime"]
    modified: datetime = entry.get("LastModifiedTime", created)
    return (
        params.get("NameContains", "").lower() in entry[name].lower()
        and ("CreationTimeAfter" not in params or created > _aware(params["CreationTimeAfter"]))
        and ("CreationTimeBefore" not in params or created < _aware(params["CreationTimeBefore"]))
        and ("LastModifiedTimeAfter" not in params or modified > _aware(params["LastModifiedTimeAfter"]))
        and ("LastModifiedTimeBefore" not in params or modified < _aware(params["LastModifiedTimeBefore"]))
    )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _offset(token: str | None) -> int:
    try:
        return int(base64.b64decode(token or "MA==", validate=True))
    except (binascii.Error, ValueError):
        raise refused("Invalid NextToken", ASSUMED) from None


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
