"""Rules about operations: alarms, rollback, tags, and CopyCount of scaled components."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from replicas.endpoint.components import Component
from replicas.endpoint.containers import Model
from replicas.endpoint.topology import Topology
from replicas.endpoint.variants import Configuration, Endpoint
from replicas.names import MetricName
from replicas.rules.declaration import rule
from replicas.rules.finding import Case
from replicas.rules.ranges import range_of

_WATCHED = (MetricName.SERVER_ERRORS, MetricName.MODEL_ERRORS, MetricName.MODEL_LATENCY, MetricName.NO_CAPACITY)


@rule(
    "component-without-alarms",
    pack="practice",
    severity="warning",
    checks="A component has no alarm for errors, latency or missing copies.",
    why="a failing component costs as much as a working one",
)
def component_without_alarms(topology: Topology) -> Iterator[Case]:
    """A component that hosts a model must have alarms on errors, latency and lost capacity."""
    for component in topology.hosting_components:
        missing = [metric for metric in _WATCHED if metric not in component.watched_metrics]
        if missing:
            yield Case(subject=component.subject, numbers={"metrics": ", ".join(missing)})


@rule(
    "roll-without-rollback",
    pack="practice",
    severity="warning",
    checks="A rolling update has no alarms that trigger a rollback.",
    why="a version that starts but gives wrong answers replaces every copy",
)
def roll_without_rollback(topology: Topology) -> Iterator[Case]:
    """A rolling update must have alarms that trigger a rollback."""
    for component in topology.components:
        if component.roll is not None and not component.roll.rolls_back:
            yield Case(subject=component.subject)


@rule(
    "untagged",
    pack="practice",
    severity="warning",
    checks="A resource has no tags.",
    why="the bill does not show which endpoint causes the cost",
)
def untagged(topology: Topology) -> Iterator[Case]:
    """Every resource must have tags, so that the bill can be split by resource."""
    owners: list[Model | Configuration | Endpoint | Component] = [
        *topology.models,
        *topology.configurations,
        *topology.endpoints,
        *topology.components,
    ]
    for owner in owners:
        if not owner.is_tagged:
            yield Case(subject=owner.subject)


@rule(
    "copies-not-the-floor",
    pack="practice",
    severity="warning",
    checks="CopyCount of a scaled component is not the floor of its range.",
    why="an update of the stack may send CopyCount again and override autoscaling",
)
def copies_not_the_floor(topology: Topology) -> Iterator[Case]:
    """The initial copies must equal the floor of autoscaling, or 1 if the floor is 0."""
    for component in topology.components:
        scaled = range_of(component, topology)
        copies = component.copies
        if scaled is None or not isinstance(copies, Fraction) or scaled.floor is None or scaled.ceiling is None:
            continue
        least = max(1, scaled.floor)
        if least < copies <= scaled.ceiling:  # `copies-outside-range` reports numbers outside the range
            numbers = {"copies": f"{float(copies):g}", "floor": scaled.floor, "nearest": least}
            yield Case(subject=component.subject, numbers=numbers)
