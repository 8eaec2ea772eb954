"""Shapes of the JSON documents of the catalogue."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.catalogue.prices import Price
from replicas.catalogue.tasks import Task


class ModelDocument(TypedDict):
    """A model of the catalogue. `replicas models` prints a list of them."""

    schema: Literal["replicas.model/1"]
    model: str
    family: str
    parameters: int
    quantization: str | None
    weights_gib: float
    kv_bytes_per_token: int
    """KV cache per token of the whole model, at two bytes per element."""
    context_tokens: int | None
    gated: bool | None
    chat: bool | None
    task: Task
    source: str


class InstanceDocument(TypedDict):
    """An instance type. `replicas instances` prints a list of them."""

    schema: Literal["replicas.instance/1"]
    instance_type: str
    accelerator: str
    accelerators: int
    accelerator_memory_mib: int
    vcpus: int
    memory_mib: int
    nvme_gb: int
    usd_per_hour: float | None
    price_region: str
    price: Price | None
    hosting_regions: list[str]
    """Regions with a SageMaker hosting price for the instance type."""
