"""Instance types that can host endpoints: accelerators, CPU, memory, regions, price."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from replicas.catalogue import data
from replicas.catalogue.prices import PRICE_REGION, Price, hosting_price


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One instance type. Memory is in MiB and storage in GB, as in EC2's DescribeInstanceTypes."""

    name: str
    accelerator: str
    accelerators: int
    accelerator_memory_mib: int
    """Nominal memory of one accelerator."""
    visible_memory_mib: int
    """Memory of one accelerator that a process can see (the driver keeps about 1 %)."""
    least_cuda: str | None
    """The oldest CUDA version with kernels for the accelerator; None if no image of this project runs on it."""
    capability: tuple[int, int] | None
    """Compute capability of an NVIDIA accelerator, which decides the kernels that run on it; None for others."""
    vcpus: int
    memory_mib: int
    nvme_gb: int
    hosting_regions: tuple[str, ...]
    """Regions with a SageMaker hosting price for the type: the best public indication that it is available there."""

    @property
    def family(self) -> str:
        """Instance family: `p4d` for `ml.p4d.24xlarge`."""
        return self.name.split(".")[1]

    @property
    def has_nvswitch_multicast(self) -> bool:
        """True for Hopper and Blackwell with NVSwitch, whose collective buffers are much larger than on other types."""
        return self.family.startswith(("p5", "p6")) and self.accelerators > 1

    def price(self, region: str | None = None) -> Price | None:
        """Return the on-demand price of one instance for an hour, with its source; None if no source gives it."""
        return hosting_price(self.name, region)

    def price_usd_per_hour(self, region: str | None = None) -> float | None:
        """Return the USD of `price`, which can be an estimate; None without a price. No region means `PRICE_REGION`."""
        price = self.price(region)
        return price.usd if price else None

    def to_document(self, region: str | None = None) -> dict[str, Any]:
        """Return the JSON document (`replicas.catalogue.document.InstanceDocument`), with the price in a region."""
        price = self.price(region)
        return {
            "schema": "replicas.instance/1",
            "instance_type": self.name,
            "accelerator": self.accelerator,
            "accelerators": self.accelerators,
            "accelerator_memory_mib": self.accelerator_memory_mib,
            "vcpus": self.vcpus,
            "memory_mib": self.memory_mib,
            "nvme_gb": self.nvme_gb,
            "usd_per_hour": price.usd if price else None,
            "price_region": region or PRICE_REGION,
            "price": asdict(price) if price else None,
            "hosting_regions": list(self.hosting_regions),
        }


@cache
def instance_types() -> dict[str, Instance]:
    """Return every instance type of the table, by name."""
    by_memory = {(card["name"], card["memory_mib"]): card for card in data.load("accelerators")["accelerators"]}
    return {
        name: Instance(
            name=name,
            accelerator=entry["accelerator"],
            accelerators=entry["accelerators"],
            accelerator_memory_mib=entry["accelerator_memory_mib"],
            visible_memory_mib=card["visible_mib"],
            least_cuda=card["least_cuda"],
            capability=_capability(card["capability"]),
            vcpus=entry["vcpus"],
            memory_mib=entry["memory_mib"],
            nvme_gb=entry["nvme_gb"],
            hosting_regions=tuple(entry["hosting_regions"]),
        )
        for name, entry in data.load("instances")["instances"].items()
        for card in [by_memory[entry["accelerator"], entry["accelerator_memory_mib"]]]
    }


def _capability(written: str | None) -> tuple[int, int] | None:
    major, _, minor = (written or "").partition(".")
    return (int(major), int(minor)) if written else None


def left_out() -> dict[str, str]:
    """Return the types with accelerators that SageMaker accepts but the table lacks, each with the reason."""
    reasons: dict[str, str] = data.load("instances")["left_out"]
    return reasons


def absence(name: str) -> str:
    """Return why an instance type is not in the table, as the beginning of a sentence."""
    if name in left_out():
        return f"instance type {name} is not in the table: {left_out()[name]}"
    if name in data.load("instances")["without_accelerator"]:
        return f"instance type {name} is not in the table, because it has no accelerator"
    return f"instance type {name} is not in the table"


def find_instance(name: str) -> Instance:
    """Return an instance type by name. Raises `LookupError` with the reason why it is missing, or similar names."""
    table = instance_types()
    if name in table:
        return table[name]
    missing = absence(name).replace(f"type {name}", f"type {name!r}", 1)
    near = difflib.get_close_matches(name.lower(), table, n=3, cutoff=0.6) if name not in _known_elsewhere() else []
    guess = f"; near: {', '.join(near)}" if near else ""
    raise LookupError(f"{missing}{guess}. `replicas instances` lists the table")


def _known_elsewhere() -> set[str]:
    return {*left_out(), *data.load("instances")["without_accelerator"]}
