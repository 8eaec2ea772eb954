"""Models and instance types as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.prices import PRICE_REGION
from replicas.cli.tables.columns import Table
from replicas.cli.tables.options import usd
from replicas.units import GIB, MIB_PER_GIB


def models_table(models: Iterable[Model]) -> Table:
    """Return a table with one row per model."""
    table = Table(
        *("model", ">parameters", "quantization", ">weights GiB", ">KV bytes/token", ">context", "gated", "chat"),
        may_go=("gated", "KV bytes/token", "context", "chat", "quantization", "weights GiB", "parameters"),
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
    """Return a table with one row per instance type, with its price in the region."""
    price_title = f"USD/h {region or PRICE_REGION}"
    table = Table(
        *("instance type", "accelerators", ">MiB each", ">vCPU", ">memory GiB", ">NVMe GB", f">{price_title}"),
        ">regions",
        may_go=("NVMe GB", "regions", "vCPU", "memory GiB", price_title),
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


def left_out_notes(reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield one line per reason with the instance types that SageMaker accepts but the table lacks."""
    by_reason: dict[str, list[str]] = {}
    for name, why in reasons.items():
        by_reason.setdefault(why, []).append(name)
    for why, names in by_reason.items():
        yield f"not in the table: {', '.join(names)}: {why}"


def _yes(fact: bool | None) -> str:
    return "" if fact is None else "yes" if fact else "no"
