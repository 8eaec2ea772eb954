"""Speed of accelerators: `accelerators.json`, each figure with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from replicas.catalogue import data
from replicas.catalogue.instances import Instance

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """Speed of one accelerator: what its data sheet has, and what part of it large products were measured to reach."""

    tflops: float
    """Dense half precision."""
    gb_per_second: float
    """Memory bandwidth, 1e9 bytes."""
    compute_efficiency: float
    """Part of `tflops` that a product of thousands of rows reaches."""
    read_efficiency: float
    """Part of `gb_per_second` at which a product of few rows reads its weights."""
    links: Mapping[str, float]
    """GB/s that one of so many accelerators of a copy sends to the others, one direction."""
    source: str

    def link_gb_per_second(self, degree: int) -> float:
        """To the other accelerators of a copy, one direction."""
        return next((speed for most, speed in self.links.items() if degree <= int(most)), list(self.links.values())[-1])


def accelerator_of(instance: Instance) -> Accelerator:
    """The speed of one accelerator of an instance.

    Raises:
        LookupError: no speed is known of it.

    """
    wanted = (instance.accelerator, instance.accelerator_memory_mib)
    names = [field.name for field in fields(Accelerator)]
    for card in data.load("accelerators", _FOLDER)["accelerators"]:
        if (card["name"], card["memory_mib"]) == wanted:
            return Accelerator(**{name: card[name] for name in names})
    raise LookupError(f"no speed is known of {instance.accelerator} with {instance.accelerator_memory_mib} MiB")
