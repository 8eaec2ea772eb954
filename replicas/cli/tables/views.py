"""Plans, models and instances as tables and as JSON: what the command prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from replicas.catalogue.instances import find_instance, instance_types
from replicas.catalogue.models import find_model, model_ids
from replicas.catalogue.prices import PRICE_REGION
from replicas.cli.tables.options import (
    additions_json,
    bounds_json,
    bounds_rows,
    option_notes,
    price_json,
    price_note,
    reason_values,
    rollout_json,
    scaling_json,
    usd,
)
from replicas.cost.costs import additions, scales
from replicas.errors import SizingError
from replicas.planning.data_age import data_warnings
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.rules import Report
from replicas.units import GIB, MIB_PER_GIB

if TYPE_CHECKING:
    from rich.table import Table

Json = dict[str, Any]


def plan_json(plan: EndpointPlan) -> Json:
    """The contract of `replicas plan --json` for a deployment that fits."""
    return {
        "name": plan.name,
        "fits": True,
        "instance_type": plan.instance.name,
        "instances": plan.instances,
        "accelerators_used": plan.accelerators_used,
        "accelerators_available": plan.instances * plan.instance.accelerators,
        "placement": [list(counts) for counts in plan.placement],
        "usd_per_hour": plan.usd_per_hour,
        "price_region": plan.price_region,
        "price": price_json(plan.price),
        "bounds": bounds_json(plan),
        "adds": additions_json(additions(plan)),
        "inference_ami_version": plan.inference_ami_version,
        "components": [component_json(component) for component in plan.components],
        "problems": [],
        "warnings": _warnings(plan),
    }


def refusal_json(name: str, instance_type: str, error: SizingError) -> Json:
    """The contract of `replicas plan --json` for a deployment that does not fit."""
    return {
        "name": name,
        "fits": False,
        "instance_type": instance_type,
        "components": [component_json(component) for component in error.components],
        "problems": list(error.problems),
    }


def component_json(component: ComponentPlan) -> Json:
    """One component; accelerators, CPUs, memory and tokens are those of one copy."""
    return {
        "name": component.name,
        "model": component.model.id,
        "engine": str(component.engine),
        "quantization": component.quantization.method if component.quantization else None,
        "copies": component.copies,
        "accelerators": component.accelerators,
        "cpus": component.cpus,
        "memory_mib": component.memory_mib,
        "weights_gib_per_accelerator": round(component.weights_gib_per_accelerator, 3),
        "kv_cache_tokens": component.kv_cache_tokens,
        "longest_context_tokens": component.longest_context_tokens,
        "concurrent_full_length_requests": component.concurrent_full_length_requests,
        "max_input_tokens": component.max_input_tokens,
        "max_total_tokens": component.max_total_tokens,
        "prefill_tokens": component.prefill_tokens,
        "gpu_memory_share": component.memory.share,
        "activations_gib": round(component.memory.activations / GIB, 3),
        "context_gib": round(component.memory.context / GIB, 3),
        "collectives_gib": round(component.memory.collectives / GIB, 3),
        "graphs_gib": round(component.memory.graphs / GIB, 3),
        "startup_timeout_seconds": component.startup_timeout_seconds,
        "scaling": scaling_json(component),
        "rollout": rollout_json(component),
        "traffic": asdict(component.traffic) if component.traffic else None,
        "environment": dict(component.environment),
        "reasons": dict(component.reasons),
    }


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
        *(f"warning: {warning}" for warning in _warnings(plan)),
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
    values = component_json(component) | reason_values(component)
    for field, reason in component.reasons.items():
        value = values[field]
        table.add_row(field, f"{value:,}" if isinstance(value, int) else str(value), reason)
    return table


def models_json() -> list[Json]:
    """Every model of the table."""
    return [
        {
            "model": model.id,
            "family": model.architecture.model_type,
            "parameters": model.architecture.parameters,
            "quantization": model.quantization.method if model.quantization else None,
            "weights_gib": round(model.weights_bytes / GIB, 2),
            "kv_bytes_per_token": int(model.architecture.kv_bytes_per_token(1, 2)),
            "context_tokens": model.architecture.context_tokens,
            "gated": model.gated,
            "chat": model.chat,
            "source": model.source,
        }
        for model in map(find_model, model_ids())
    ]


def models_table() -> Table:
    """Every model of the table."""
    table = _table(
        "model", ">parameters", "quantization", ">weights GiB", ">KV bytes/token", ">context", "gated", "chat"
    )
    for model in models_json():
        table.add_row(
            model["model"],
            f"{model['parameters'] / 1e9:.2f} B",
            model["quantization"] or "-",
            f"{model['weights_gib']:.2f}",
            f"{model['kv_bytes_per_token']:,}",
            f"{model['context_tokens']:,}" if model["context_tokens"] else "-",
            _yes(model["gated"]),
            _yes(model["chat"]),
        )
    return table


def instances_json(region: str | None) -> list[Json]:
    """Every instance type, or those with a hosting price in a region."""
    return [
        {
            "instance_type": instance.name,
            "accelerator": instance.accelerator,
            "accelerators": instance.accelerators,
            "accelerator_memory_mib": instance.accelerator_memory_mib,
            "vcpus": instance.vcpus,
            "memory_mib": instance.memory_mib,
            "nvme_gb": instance.nvme_gb,
            "usd_per_hour": instance.price_usd_per_hour(region),
            "price_region": region or PRICE_REGION,
            "price": price_json(instance.price(region)),
            "hosting_regions": list(instance.hosting_regions),
        }
        for instance in instance_types().values()
        if region is None or region in instance.hosting_regions
    ]


def instances_table(region: str | None) -> Table:
    """Every instance type, or those with a hosting price in a region."""
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
    for instance in instances_json(region):
        price = find_instance(instance["instance_type"]).price(region)
        table.add_row(
            instance["instance_type"],
            f"{instance['accelerators']} x {instance['accelerator']}",
            f"{instance['accelerator_memory_mib']:,}",
            str(instance["vcpus"]),
            f"{instance['memory_mib'] / MIB_PER_GIB:g}",
            f"{instance['nvme_gb']:,}" if instance["nvme_gb"] else "-",
            usd(price.usd if price else None, price),
            str(len(instance["hosting_regions"])),
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


def _warnings(plan: EndpointPlan) -> list[str]:
    return [*plan.warnings, *data_warnings(plan.region, date.today())]


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
