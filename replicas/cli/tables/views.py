"""Plans, models, instance types and reports as tables and lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.prices import PRICE_REGION
from replicas.cli.tables.options import bounds_rows, option_notes, price_note, reason_values, usd
from replicas.planning.costs import scales
from replicas.planning.document import plan_warnings
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.rules import Report
from replicas.units import GIB, MIB_PER_GIB

if TYPE_CHECKING:
    from rich.table import Table


def plans_table(plans: Iterable[EndpointPlan]) -> Table:
    """One row for each component of each plan."""
    table = _table(
        "deployment", "model", "quantization", "engine", "instance", ">copies", ">accelerators", ">KV tokens", ">USD/h"
    )
    for plan in plans:
        for index, component in enumerate(plan.components):
            first = index == 0
            table.add_row(
                plan.name if first else "",
                component.model.id,
                component.quantization.method if component.quantization else "-",
                str(component.engine),
                _instances(plan) if first else "",
                str(component.copies),
                str(component.accelerators),
                f"{component.kv_cache_tokens:,}",
                usd(plan.usd_per_hour, plan.price) if first else "",
            )
    return table


def plan_table(plan: EndpointPlan) -> Table:
    """One plan, its components side by side: what each copy gets and holds."""
    table = _table(f"{plan.name} on {_instances(plan)}", *(f">{component.name}" for component in plan.components))
    rows: list[tuple[str, list[str]]] = [
        ("model", [component.model.id for component in plan.components]),
        ("engine", [str(component.engine) for component in plan.components]),
        ("quantization", [str(component.quantization or "none") for component in plan.components]),
        ("copies", [str(component.copies) for component in plan.components]),
        ("accelerators per copy", [str(component.accelerators) for component in plan.components]),
        ("CPUs per copy", [f"{component.cpus:g}" for component in plan.components]),
        ("memory per copy, MiB", [f"{component.memory_mib:,}" for component in plan.components]),
        ("weights per accelerator, GiB", [f"{c.weights_gib_per_accelerator:.2f}" for c in plan.components]),
        ("KV cache per copy, tokens", [f"{component.kv_cache_tokens:,}" for component in plan.components]),
        ("longest request, tokens", [f"{component.max_total_tokens:,}" for component in plan.components]),
        ("such requests at once", [str(c.concurrent_full_length_requests) for c in plan.components]),
    ]
    for name, values in rows:
        table.add_row(name, *values)
    return table


def plan_notes(plan: EndpointPlan) -> list[str]:
    """What stands below the table of a plan: use, proof and price of the whole endpoint."""
    available = plan.instances * plan.instance.accelerators
    placed = "; ".join(
        " + ".join(f"{count} {part.name}" for count, part in zip(counts, plan.components, strict=True) if count)
        or "nothing"
        for counts in plan.placement
    )
    return [
        f"{plan.accelerators_used} of {available} accelerators used; placed: {placed}",
        price_note(plan),
        *option_notes(plan),
        *(f"note: {note}" for note in plan.notes),
        *(f"warning: {warning}" for warning in plan_warnings(plan)),
    ]


def bounds_table(plan: EndpointPlan) -> Table | None:
    """Copies, instances and USD an hour at both ends of the scaling and at the start; None where nothing scales."""
    if not scales(plan):
        return None
    table = _table("", ">floor", ">start", ">ceiling")
    for row in bounds_rows(plan):
        table.add_row(*row)
    return table


def reasons_table(component: ComponentPlan) -> Table:
    """Each number of a component, and why it is what it is."""
    table = _table(component.name, ">value", "why")
    values = component.to_document() | reason_values(component)
    for field, reason in component.reasons.items():
        value = values[field]
        table.add_row(field, f"{value:,}" if isinstance(value, int) else str(value), reason)
    return table


def models_table(models: Iterable[Model]) -> Table:
    """One row for each model."""
    table = _table(
        "model", ">parameters", "quantization", ">weights GiB", ">KV bytes/token", ">context", "gated", "chat"
    )
    for model in models:
        shape = model.architecture
        table.add_row(
            model.id,
            f"{shape.parameters / 1e9:.2f} B",
            model.quantization.method if model.quantization else "-",
            f"{model.weights_bytes / GIB:.2f}",
            f"{int(shape.kv_bytes_per_token(1, 2)):,}",
            f"{shape.context_tokens:,}" if shape.context_tokens else "-",
            _yes(model.gated),
            _yes(model.chat),
        )
    return table


def instances_table(instances: Iterable[Instance], region: str | None) -> Table:
    """One row for each instance type, with its price in a region."""
    table = _table(
        "instance type",
        "accelerators",
        ">MiB each",
        ">vCPU",
        ">memory GiB",
        ">NVMe GB",
        f">USD/h {region or PRICE_REGION}",
        ">regions",
    )
    for instance in instances:
        price = instance.price(region)
        table.add_row(
            instance.name,
            f"{instance.accelerators} x {instance.accelerator}",
            f"{instance.accelerator_memory_mib:,}",
            str(instance.vcpus),
            f"{instance.memory_mib / MIB_PER_GIB:g}",
            f"{instance.nvme_gb:,}" if instance.nvme_gb else "-",
            usd(price.usd if price else None, price),
            str(len(instance.hosting_regions)),
        )
    return table


def report_lines(report: Report) -> list[str]:
    """What a check found: the endpoints, then each finding with its reason and fix, then what was not judged."""
    lines = []
    for endpoint in report.endpoints:
        instance_type = endpoint.instance_type or " or ".join(endpoint.instance_pools)
        if not instance_type:
            continue
        used, available = endpoint.accelerators_used, endpoint.accelerators_available
        use = f": {used} of {available} accelerators claimed" if used is not None and available is not None else ""
        ceiling = "".join(
            f"; {part.logical_id} up to {part.max_copies} copies"
            for part in endpoint.components
            if part.max_copies is not None and part.max_copies != part.copies
        )
        proven = "; all copies placed" if endpoint.placement is not None else ""
        lines.append(f"{endpoint.logical_id}: {endpoint.instances or '?'} x {instance_type}{use}{ceiling}{proven}")
    for kind, findings in (("problem", report.problems), ("warning", report.warnings)):
        for finding in findings:
            lines += [
                f"{kind}: {finding.logical_id}: {finding.what} [{finding.rule}]",
                f"    why: {finding.why}",
                f"    fix: {finding.fix}",
            ]
    for entry in report.acknowledged:
        finding = entry.finding
        lines.append(f"acknowledged: {finding.logical_id}: {finding.what} [{finding.rule}]: {entry.reason}")
    for open_point in report.unresolved:
        give = f" (give {', '.join(open_point.parameters)})" if open_point.parameters else ""
        lines.append(f"not judged: {open_point.logical_id}: {open_point.what}{give}")
    summary = [
        f"{len(entries)} {name}{'' if len(entries) == 1 else 's'}"
        for name, entries in (("problem", report.problems), ("warning", report.warnings))
    ]
    return [*lines, ", ".join(summary)]


def _instances(plan: EndpointPlan) -> str:
    return f"{plan.instances} x {plan.instance.name}"


def _yes(fact: bool | None) -> str:
    return "" if fact is None else "yes" if fact else "no"


_LONG_COLUMNS = ("model", "why")


def _table(*columns: str) -> Table:
    """A table; a column whose name starts with `>` is set to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        table.add_column(
            column.removeprefix(">"),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=column not in _LONG_COLUMNS,
        )
    return table
