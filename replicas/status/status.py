"""`replicas status`: what is deployed under a name, how it does, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

_UNDER_WAY = ("Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting")


@dataclass(frozen=True)
class Difference:
    """A property that is live with another value than the template's."""

    logical_id: str
    path: str
    wanted: str
    live: str

    def __str__(self) -> str:
        return f"{self.logical_id}: {self.path} is {self.live}, the template says {self.wanted}"


@dataclass(frozen=True)
class StackStatus:
    """The stack, and why it failed where it did."""

    name: str
    status: str
    failures: tuple[str, ...]
    """`LogicalId: reason` of what failed in the last operation, the first cause first."""

    @property
    def is_under_way(self) -> bool:
        """An operation is running."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def is_healthy(self) -> bool:
        """The last operation did what it was asked to."""
        return self.is_under_way or self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


@dataclass(frozen=True)
class Instances:
    """The instances of a variant."""

    variant: str
    instance_type: str
    """The one that runs; the first choice where none runs, all of them where pools gave several."""
    pools: tuple[str, ...]
    """Types in the order in which they are tried; empty where there is one."""
    running_by_type: Mapping[str, int]
    running: int
    desired: int
    scaling: tuple[int, int] | None
    """Floor and ceiling of managed instance scaling."""
    usd_per_hour: float | None


@dataclass(frozen=True)
class ComponentStatus:
    """One inference component."""

    label: str
    name: str
    status: str
    desired: int | None
    """Copies; None for an adapter, which has none of its own."""
    running: int | None
    model: str | None
    image: str | None
    placement: str | None
    failure: str | None
    log_lines: tuple[str, ...]
    scaling: Scaling | None
    base: str | None = None
    """Label of the component whose copies serve an adapter."""
    by_type: Mapping[str, int] = field(default_factory=dict)
    """Copies by instance type, where the instances come from pools."""
    last_roll: str | None = None
    """How its last update with a rolling policy replaced the copies."""
    is_as_asked: bool = True
    """False where its specification is live and is another than the template's."""

    @property
    def kind(self) -> str:
        """What to call it."""
        return "component" if self.base is None else "adapter"

    @property
    def is_asleep(self) -> bool:
        """At zero copies, because its scaling may go there and nobody asks for it."""
        return self.desired == 0 and self.scaling is not None and self.scaling.least == 0

    @property
    def problem(self) -> str | None:
        """What is wrong with it, in a sentence; None where nothing is."""
        if self.status == "Failed" or (self.failure and self.status == "InService"):
            came = "failed" if self.status == "Failed" else "serves, but its last update failed and was rolled back"
            return f"{self.kind} {self.label} {came}: {self.failure or 'no reason given'}"
        if self.status == "InService" and not self.is_as_asked:
            return (
                f"{self.kind} {self.label}: what serves is not what the template asked for: a roll that went back "
                "without a word, or a change by hand"
            )
        if self.status == "InService" and self.desired == 0 and not self.is_asleep:
            return f"component {self.label} is at zero copies, and no scaling with a floor of 0 asks for that"
        if self.status == "InService" and self.running is not None and self.running < (self.desired or 0):
            return f"component {self.label}: {self.running} of {self.desired} copies run"
        return None


@dataclass(frozen=True)
class Scaling:
    """What autoscaling may do to a component's copies, and what it did last."""

    least: int
    most: int
    policies: tuple[str, ...]
    last_activity: str | None
    schedules: tuple[str, ...] = ()
    """Scheduled actions, each in a line."""


@dataclass(frozen=True)
class Probe:
    """What became of one short request to a component or an adapter."""

    label: str
    answered: bool
    seconds: float
    """Until the answer, waits included."""
    why_not: str | None
    """Also of one that was not asked, because it sleeps."""
    asleep: bool = False


@dataclass(frozen=True)
class Status:
    """Everything at one moment."""

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
    """Of `--probe`; empty without."""
    problems: tuple[str, ...] = field(default=())
    """Sentences, each with the next step; empty where all is well."""

    @property
    def is_under_way(self) -> bool:
        """Something is being created, changed or deleted."""
        states = [self.endpoint_status, *(component.status for component in self.components)]
        return bool(self.stack and self.stack.is_under_way) or any(state in _UNDER_WAY for state in states)

    @property
    def usd_per_hour(self) -> float | None:
        """Of all instances that run now; None where a price is not known."""
        prices = [instances.usd_per_hour for instances in self.instances]
        return None if None in prices else sum(price for price in prices if price is not None)

    def to_document(self) -> dict[str, Any]:
        """JSON document (`replicas.status.document.StatusDocument`): the fields, and what follows from them."""
        return {
            "schema": "replicas.status/1",
            **asdict(self),
            "usd_per_hour": self.usd_per_hour,
            "is_under_way": self.is_under_way,
            "is_healthy": not self.problems,
        }


def judged(status: Status, missing: Sequence[str]) -> Status:
    """The status with its problems; `missing` are the labels of components that are not there."""
    problems: list[str] = []
    if status.stack and not status.stack.is_healthy:
        problems.append(stack_problem(status.stack))
    if status.endpoint_status is None:
        problems.append(
            f"endpoint {status.endpoint_name} is gone: `cdk destroy {status.name}`, or where that fails "
            f"`replicas teardown {status.name}`"
        )
    elif status.endpoint_failure or status.endpoint_status in ("Failed", "UpdateRollbackFailed", "OutOfService"):
        problems.append(f"endpoint {status.endpoint_name} is {status.endpoint_status}: {status.endpoint_failure}")
    problems += [
        f"component {label} is gone: `cdk deploy {status.name}` after a change of it, or destroy" for label in missing
    ]
    if status.stack and not status.stack.is_under_way:
        problems += [
            f"component {component.label} is being deleted, and not by its stack: `cdk deploy {status.name}` after a "
            "change of it, or destroy"
            for component in status.components
            if component.status == "Deleting"
        ]
    problems += [component.problem for component in status.components if component.problem]
    if status.drift and not status.is_under_way:
        count = len(status.drift)
        problems.append(
            f"{count} {'property is' if count == 1 else 'properties are'} not as the template says: "
            f"`cdk deploy {status.name}` does not mend what it does not know to have changed; set it back by hand, or "
            "change the template and deploy"
        )
    return replace(status, problems=tuple(problems))


def with_probes(status: Status, probes: Sequence[Probe]) -> Status:
    """The status with what was answered; what was not is a problem."""
    silent = [
        f"{probe.label} does not answer: {probe.why_not}" for probe in probes if not (probe.answered or probe.asleep)
    ]
    return replace(status, probes=tuple(probes), problems=(*status.problems, *silent))


def stack_problem(stack: StackStatus) -> str:
    """What is wrong with a stack, and the next step."""
    step = {
        "ROLLBACK_COMPLETE": f"`cdk destroy {stack.name}`, mend the reason, deploy again",
        "UPDATE_ROLLBACK_COMPLETE": "what serves is the version before: mend the reason, deploy again",
        "UPDATE_ROLLBACK_FAILED": f"`aws cloudformation continue-update-rollback --stack-name {stack.name}`",
    }.get(stack.status, f"`replicas teardown {stack.name}` removes what `cdk destroy` cannot")
    if "COMPLETE" in stack.status and "ROLLBACK" not in stack.status:
        return f"stack {stack.name} is {stack.status} and has no endpoint in its outputs: not one of ours"
    return f"stack {stack.name} is {stack.status}: {step}"
