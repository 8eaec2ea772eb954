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
    """Speed of one accelerator: the data-sheet values, and the share of them that large matrix products reach when
    measured.
    """

    tflops: float
    """Peak compute at dense half precision, TFLOPS."""
    gb_per_second: float
    """Memory bandwidth, 1e9 bytes per second."""
    compute_efficiency: float
    """Share of `tflops` that a matrix product of thousands of rows reaches."""
    read_efficiency: float
    """Share of `gb_per_second` at which a matrix product of few rows reads its weights."""
    links: Mapping[str, float]
    """Bandwidth from one accelerator of a copy to the others, GB/s in one direction, by the largest number of
    accelerators."""
    source: str

    def link_gb_per_second(self, degree: int) -> float:
        """Bandwidth to the other accelerators of a copy, GB/s in one direction."""
        return next((speed for most, speed in self.links.items() if degree <= int(most)), list(self.links.values())[-1])


def accelerator_of(instance: Instance) -> Accelerator:
    """Return the speed of one accelerator of an instance.

    Raises:
        LookupError: the speed of the accelerator is not known.

    """
    key = (instance.accelerator, instance.accelerator_memory_mib)
    names = [field.name for field in fields(Accelerator)]
    for card in data.load("accelerators", _FOLDER)["accelerators"]:
        if (card["name"], card["memory_mib"]) == key:
            return Accelerator(**{name: card[name] for name in names})
    raise LookupError(f"no speed is known of {instance.accelerator} with {instance.accelerator_memory_mib} MiB")
