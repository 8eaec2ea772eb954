"""`replicas status`: the status of a deployment, its drift and its problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from replicas.start.records import StartRecord

_UNDER_WAY = ("Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting")


@dataclass(frozen=True)
class Difference:
    """A property whose live value differs from the template's."""

    logical_id: str
    path: str
    wanted: str
    live: str

    def __str__(self) -> str:
        return f"{self.logical_id}: {self.path} is {self.live}, the template has {self.wanted}"


@dataclass(frozen=True)
class StackStatus:
    """Status of a stack, with the failures of its last operation."""

    name: str
    status: str
    failures: tuple[str, ...]
    """`LogicalId: reason` of each failure in the last operation, oldest first."""

    @property
    def is_under_way(self) -> bool:
        """True while an operation is running."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def is_healthy(self) -> bool:
        """True if the last operation succeeded or is still running."""
        return self.is_under_way or self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


@dataclass(frozen=True)
class Instances:
    """The instances of one variant."""

    variant: str
    instance_type: str
    """Type of the running instances, joined by "and" if there are several; the first type of the variant if none
    runs."""
    pools: tuple[str, ...]
    """Types of the instance pools, in order of priority; empty without pools."""
    running_by_type: Mapping[str, int]
    running: int
    desired: int
    scaling: tuple[int, int] | None
    """Minimum and maximum of managed instance scaling; None if it is off."""
    usd_per_hour: float | None


@dataclass(frozen=True)
class ComponentStatus:
    """Status of one inference component or adapter."""

    label: str
    name: str
    status: str
    desired: int | None
    """Desired copies; None for an adapter, which runs on its base's copies."""
    running: int | None
    model: str | None
    image: str | None
    placement: str | None
    failure: str | None
    log_lines: tuple[str, ...]
    scaling: Scaling | None
    base: str | None = None
    """For an adapter only: label of the component whose copies serve the adapter."""
    by_type: Mapping[str, int] = field(default_factory=dict)
    """Running copies by instance type; empty without instance pools."""
    last_roll: str | None = None
    """Description of the rolling update policy of the last update."""
    is_as_asked: bool = True
    """False if the live specification differs from the one in the template."""

    @property
    def kind(self) -> str:
        """`component` or `adapter`."""
        return "component" if self.base is None else "adapter"

    @property
    def is_asleep(self) -> bool:
        """True if autoscaling has reduced the component to zero copies."""
        return self.desired == 0 and self.scaling is not None and self.scaling.least == 0

    @property
    def problem(self) -> str | None:
        """Sentence about the component's problem; None without a problem."""
        if self.status == "Failed" or (self.failure and self.status == "InService"):
            came = "failed" if self.status == "Failed" else "serves, but its last update failed and was rolled back"
            return f"{self.kind} {self.label} {came}: {self.failure or 'no reason given'}"
        if self.status == "InService" and not self.is_as_asked:
            return (
                f"{self.kind} {self.label}: the running version differs from the template, after a silent rollback "
                f"or a manual change"
            )
        if self.status == "InService" and self.desired == 0 and not self.is_asleep:
            return f"component {self.label} has zero copies, but no scaling allows 0 copies"
        if self.status == "InService" and self.running is not None and self.running < (self.desired or 0):
            return f"component {self.label}: {self.running} of {self.desired} copies run"
        return None


@dataclass(frozen=True)
class Scaling:
    """Autoscaling of a component's copies: limits, policies and the last activity."""

    least: int
    most: int
    policies: tuple[str, ...]
    last_activity: str | None
    schedules: tuple[str, ...] = ()
    """Descriptions of the scheduled actions."""


@dataclass(frozen=True)
class Probe:
    """Result of one short request to a component or an adapter."""

    label: str
    answered: bool
    seconds: float
    """Seconds until the answer, including waits."""
    why_not: str | None
    """Why there is no answer, or why no request was sent (for example, the component has zero copies)."""
    asleep: bool = False


@dataclass(frozen=True)
class Unmeasured:
    """A component whose start could not be measured, with the reason."""

    label: str
    why: str


@dataclass(frozen=True)
class Status:
    """The status of a deployment at one moment."""

    name: str
    region: str
    stack: StackStatus | None
    endpoint_name: str | None
    endpoint_status: str | None
    endpoint_failure: str | None = None
    instances: tuple[Instances, ...] = ()
    components: tuple[ComponentStatus, ...] = ()
    drift: tuple[Difference, ...] = ()
    probes: tuple[Probe, ...] = ()
    """Results of `--probe`; empty if the status was read without `--probe`."""
    starts: tuple[StartRecord, ...] = ()
    """Measured starts of the components (`--probe`)."""
    unmeasured: tuple[Unmeasured, ...] = ()
    """Components whose start could not be measured (`--probe`)."""
    problems: tuple[str, ...] = field(default=())
    """Problems, as sentences with the next step; empty if the deployment is healthy."""

    @property
    def is_under_way(self) -> bool:
        """True while something is being created, updated or deleted."""
        states = [self.endpoint_status, *(component.status for component in self.components)]
        return bool(self.stack and self.stack.is_under_way) or any(state in _UNDER_WAY for state in states)

    @property
    def usd_per_hour(self) -> float | None:
        """Indicative price of all running instances; None if a price is not known."""
        prices = [instances.usd_per_hour for instances in self.instances]
        return None if None in prices else sum(price for price in prices if price is not None)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.status.document.StatusDocument`): the fields and the derived values."""
        return {
            "schema": "replicas.status/1",
            **asdict(self),
            "starts": [record.to_document() for record in self.starts],
            "usd_per_hour": self.usd_per_hour,
            "is_under_way": self.is_under_way,
            "is_healthy": not self.problems,
        }


def with_problems(status: Status, missing: Sequence[str]) -> Status:
    """Return the status with its problems. `missing` has the labels of components that no longer exist."""
    problems: list[str] = []
    if status.stack and status.stack.is_under_way:
        # While an operation runs, copies and components change: only final failures are problems.
        failed = [component.problem for component in status.components if component.status == "Failed"]
        return replace(status, problems=tuple(filter(None, failed)))
    if status.stack and not status.stack.is_healthy:
        problems.append(stack_problem(status.stack))
    if status.endpoint_status is None:
        problems.append(
            f"endpoint {status.endpoint_name} no longer exists: run `cdk destroy {status.name}`, or if that fails "
            f"`replicas teardown {status.name}`"
        )
    elif status.endpoint_failure or status.endpoint_status in ("Failed", "UpdateRollbackFailed", "OutOfService"):
        problems.append(f"endpoint {status.endpoint_name} is {status.endpoint_status}: {status.endpoint_failure}")
    problems += [
        f"component {label} no longer exists: change the component in the template and run `cdk deploy "
        f"{status.name}`, or destroy the stack"
        for label in missing
    ]
    if status.stack:
        problems += [
            f"component {component.label} is being deleted, but not by its stack: change the component in the template "
            f"and run `cdk deploy {status.name}`, or "
            "destroy the stack"
            for component in status.components
            if component.status == "Deleting"
        ]
    problems += [component.problem for component in status.components if component.problem]
    if status.drift and not status.is_under_way:
        count = len(status.drift)
        problems.append(
            f"{count} {'property is' if count == 1 else 'properties are'} different from the template: `cdk deploy "
            f"{status.name}` does not revert manual changes; revert them by hand, or change the template and deploy"
        )
    return replace(status, problems=tuple(problems))


def with_probes(status: Status, probes: Sequence[Probe]) -> Status:
    """Return the status with the probes. Components that did not answer are added to the problems."""
    silent = [
        f"{probe.label} does not answer: {probe.why_not}" for probe in probes if not (probe.answered or probe.asleep)
    ]
    return replace(status, probes=tuple(probes), problems=(*status.problems, *silent))


def stack_problem(stack: StackStatus) -> str:
    """Return a sentence about a stack's problem, with the next step."""
    step = {
        "ROLLBACK_COMPLETE": f"run `cdk destroy {stack.name}`, fix the cause, and deploy again",
        "UPDATE_ROLLBACK_COMPLETE": "the previous version still serves: fix the cause, and deploy again",
        "UPDATE_ROLLBACK_FAILED": f"run `aws cloudformation continue-update-rollback --stack-name {stack.name}`",
    }.get(stack.status, f"run `replicas teardown {stack.name}` if `cdk destroy` fails")
    if "COMPLETE" in stack.status and "ROLLBACK" not in stack.status:
        return (
            f"stack {stack.name} is {stack.status} and has no endpoint in its outputs: it does not belong to "
            "this project"
        )
    return f"stack {stack.name} is {stack.status}: {step}"
