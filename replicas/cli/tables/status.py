"""Prints the status of a deployment as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from replicas.cli.lines import Line
from replicas.cli.tables.columns import Table
from replicas.start.records import StartRecord
from replicas.status.status import ComponentStatus, Status

if TYPE_CHECKING:
    from rich.console import Group


def status_page(read: Status) -> Group:
    """Return the components, instances, probes, failures and problems of a deployment as a printable group."""
    from rich.console import Group

    stack = f"stack {read.stack.status}" if read.stack else "no stack"
    parts: list[Any] = [Line(f"{read.name} in {read.region}: {stack}, endpoint {read.endpoint_status or 'none'}")]
    if read.components:
        table = Table(
            *("component", "status", "copies", "model", "placement", "autoscaling"),
            may_go=("placement", "autoscaling", "model"),
            prose=("copies", "placement", "autoscaling"),
            states=("status",),
            is_ruled=False,
        )
        for component in read.components:
            is_adapter = component.base is not None
            table.add_row(
                f"  + {component.label}" if is_adapter else component.label,
                component.status,
                f"of {component.base}" if is_adapter else _copies(component),
                component.model or "?",
                "" if is_adapter else component.placement or "decided by SageMaker",
                "" if is_adapter else _scaling(component),
            )
        parts += [Line(), table]
    parts += [Line(f"  {line}") for line in _more(read)]
    for group in read.instances:
        scaling = f", scaling {group.scaling[0]} to {group.scaling[1]}" if group.scaling else ""
        price = "price unknown" if group.usd_per_hour is None else f"{group.usd_per_hour:.2f} USD an hour, indicative"
        count = f"{group.running} of {group.desired}" if group.running != group.desired else str(group.running)
        if len(group.running_by_type) > 1:
            count += f" ({', '.join(f'{number} x {kind}' for kind, number in group.running_by_type.items())})"
        pools = f" (pools: {', then '.join(group.pools)})" if group.pools else ""
        parts += [Line(), Line(f"{count} x {group.instance_type}{pools}{scaling}: {price}")]
    for probe in read.probes:
        result = f"answered after {probe.seconds:.1f} s" if probe.answered else f"not probed: {probe.why_not}"
        if probe.answered or probe.asleep:
            parts.append(Line(f"probe of {probe.label}: {result}"))
    parts += [Line(_start(record)) for record in read.starts]
    parts += [Line(f"start of {start.label}: not measured: {start.why}") for start in read.unmeasured]
    for component in read.components:
        if component.log_lines:
            parts += [Line(), Line(f"last lines of {component.label}'s log:")]
            parts += [Line(f"  {line}") for line in component.log_lines]
    if read.stack and read.stack.failures:
        parts += [Line(), Line("failures of the stack's last operation:")]
        parts += [Line(f"  {failure}") for failure in read.stack.failures]
    if read.drift:
        parts += [Line(), Line("differences from the template:")]
        parts += [Line(f"  {difference}") for difference in read.drift]
    parts.append(Line())
    if read.problems:
        parts += [Line(f"problem: {problem}") for problem in read.problems]
    else:
        parts.append(Line("in progress" if read.is_under_way else "as in the template" if read.stack else "healthy"))
    return Group(*parts)


def _copies(component: ComponentStatus) -> str:
    if component.is_asleep and not component.running:
        return "0, asleep"
    types = f" ({', '.join(f'{count} on {kind}' for kind, count in component.by_type.items())})"
    return f"{component.running} of {component.desired}{types if component.by_type else ''}"


def _scaling(component: ComponentStatus) -> str:
    scaling = component.scaling
    if scaling is None:
        return "none"
    last = f"; last: {scaling.last_activity}" if scaling.last_activity else ""
    return f"{scaling.least} to {scaling.most} copies{last}"


def _more(read: Status) -> Iterator[str]:
    """Yield the lines below the table: schedules, and the last rolling update."""
    for component in read.components:
        if component.scaling:
            yield from (f"{component.label}: {line}" for line in component.scaling.schedules)
        if component.last_roll:
            yield f"{component.label}: last rolling update {component.last_roll}"


def _start(record: StartRecord) -> str:
    copies = "copy" if record.copies == 1 else "copies"
    endpoint = "" if record.endpoint_seconds is None else f", its endpoint after {record.endpoint_seconds:.0f} s"
    phases = "".join(f", {name} {seconds:.0f} s" for name, seconds in record.phase_seconds.items())
    where = "" if record.is_of_aws else ", simulated by an embedded AWS"
    return (
        f"start of {record.component} on {record.measured}: {record.copies} {copies} served after "
        f"{record.component_seconds:.0f} s{endpoint}{phases}{where}"
    )
