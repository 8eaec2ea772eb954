"""Plans as tables, and the notes below them."""

from __future__ import annotations

from collections.abc import Iterable

from replicas.cli.tables.columns import Table
from replicas.cli.tables.options import bounds_rows, option_notes, price_note, reason_values, usd
from replicas.planning.costs import scales
from replicas.planning.document import plan_warnings
from replicas.planning.plans import ComponentPlan, EndpointPlan


def plans_table(plans: Iterable[EndpointPlan]) -> Table:
    """Return a table with one row per component of each plan."""
    table = Table(
        *("deployment", "model", "quantization", "engine", "instance"),
        *(">copies", ">accelerators", ">KV tokens", ">USD/h"),
        may_go=("quantization", "engine", "accelerators", "model", "USD/h", "KV tokens"),
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
    """Return a table of one plan, with one column per component: resources and capacity of a copy."""
    table = Table(
        f"{plan.name} on {_instances(plan)}",
        *(f">{component.name}" for component in plan.components),
        records_are_columns=True,
    )
    rows: list[tuple[str, list[str]]] = [
        ("model", [component.model.id for component in plan.components]),
        ("engine", [str(component.engine) for component in plan.components]),
        ("quantization", [str(component.quantization or "none") for component in plan.components]),
        ("copies", [str(component.copies) for component in plan.components]),
        ("accelerators per copy", [str(component.accelerators) for component in plan.components]),
        ("CPUs per copy", [f"{component.cpus:g}" for component in plan.components]),
        ("memory per copy, MiB", [f"{component.memory_mib:,}" for component in plan.components]),
        ("weights per accelerator, GiB", [_weights(c) for c in plan.components]),
        ("KV cache per copy, tokens", [_cache(component) for component in plan.components]),
        ("longest request, tokens", [f"{component.max_total_tokens:,}" for component in plan.components]),
        ("requests of this length at once", [str(c.concurrent_full_length_requests) for c in plan.components]),
    ]
    if any(component.task != "generate" for component in plan.components):
        rows.insert(1, ("task", [component.task for component in plan.components]))
    for name, values in rows:
        table.add_row(name, *values)
    return table


def _weights(component: ComponentPlan) -> str:
    by_hand = " (declared)" if component.model.declared.weights_gib is not None else ""
    return f"{component.weights_gib_per_accelerator:.2f}{by_hand}"


def _cache(component: ComponentPlan) -> str:
    by_hand = " (declared)" if component.model.declared.kv_bytes_per_token is not None else ""
    return f"{component.kv_cache_tokens:,}{by_hand}"


def plan_notes(plan: EndpointPlan) -> list[str]:
    """Return the lines below the table of a plan: accelerators in use, placement, price, options and warnings."""
    available = plan.instances * plan.instance.accelerators
    placed = "; ".join(
        " + ".join(f"{count} {planned.name}" for count, planned in zip(counts, plan.components, strict=True) if count)
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
    """Return a table of copies, instances and USD per hour at floor, start and ceiling; None without scaling."""
    if not scales(plan):
        return None
    table = Table("", ">floor", ">start", ">ceiling", records_are_columns=True)
    for row in bounds_rows(plan):
        table.add_row(*row)
    return table


def reasons_table(component: ComponentPlan) -> Table:
    """Return a table of the planned values of a component, each with its reason."""
    table = Table(component.name, ">value", "why", prose=("why",))
    values = component.to_document() | reason_values(component)
    for field, reason in component.reasons.items():
        value = values[field]
        table.add_row(field, f"{value:,}" if isinstance(value, int) else str(value), reason)
    return table


def _instances(plan: EndpointPlan) -> str:
    return f"{plan.instances} x {plan.instance.name}"
