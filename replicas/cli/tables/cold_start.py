"""Prints the forecast of a cold start as tables and lines: phases, delays and timeouts."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.cli.tables.columns import Table
from replicas.forecast.cold_start import ColdStart

_NOT_MEASURED = "not measured"


def cold_start_title(result: ColdStart) -> str:
    """Return the title line: deployment, model, engine and instance type."""
    component, instance = result.component, result.plan.instance
    where = "S3" if result.start.from_s3 else "the Hub"
    return (
        f"{result.plan.name}: a new copy of {component.model.id} by {component.engine} on {component.accelerators} of "
        f"{instance.accelerators} accelerators of {instance.name}, weights from {where}"
    )


def cold_start_table(result: ColdStart) -> Table:
    """Return a table with one row per phase of the start-up."""
    table = Table("phase", ">s", ">range s", "basis", prose=("basis",), is_ruled=False)
    for phase in result.start.phases:
        table.add_row(phase.what, _seconds(phase.seconds), _range(phase.low, phase.high), phase.basis)
    return table


def delays_table(result: ColdStart) -> Table:
    """Return a table of the delays until new copies serve: scale-out, scale from zero, rolling update."""
    table = Table("until it serves", ">s", ">range s", prose=("until it serves",), is_ruled=False)
    for delay in result.delays:
        table.add_row(delay.what, _seconds(delay.span.seconds), _range(delay.span.low, delay.span.high))
    return table


def cold_start_lines(result: ColdStart) -> Iterator[str]:
    """Yield the lines below the tables: timeouts, the measured start that is used, notes and warnings."""
    for timeout in result.timeouts:
        covered = _range(timeout.covers.low, timeout.covers.high)
        yield f"{timeout.name}={timeout.seconds}, which must cover {covered} s: {timeout.reason}"
    if result.measured:
        record = result.measured
        copies = "copy" if record.copies == 1 else "copies"
        yield (
            f"measured on AWS on {record.measured}: {record.copies} {copies} served {record.component_seconds:.0f} s "
            "after the request to create the component"
        )
    yield from result.notes
    yield from (f"warning: {warning}" for warning in result.warnings)


def _seconds(seconds: float | None) -> str:
    return _NOT_MEASURED if seconds is None else f"{seconds:.0f}"


def _range(low: float, high: float) -> str:
    return f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"
