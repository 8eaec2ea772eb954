"""Reads the speed of accelerators from `accelerators.json`, which gives the source of each value."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from replicas.catalogue import data
from replicas.catalogue.instances import Instance
from replicas.speed.kernels import Kernels

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """Speed of one accelerator: values of its data sheet, and the name of the accelerator whose measured kernel times
    are used for it.
    """

    name: str
    tflops: float
    """Peak compute at dense half precision, TFLOPS."""
    gb_per_second: float
    """Memory bandwidth, 1e9 bytes per second."""
    kernels_of: str
    """Accelerator of `kernels.json` whose tables apply. Their values are shares of compute and bandwidth."""
    links_of: str
    """Accelerator of `kernels.json` whose times of all-reduce apply."""
    link_factors: tuple[float, ...]
    """Factors on the measured time of an all-reduce over 2, 4 and 8 accelerators."""
    lasting_compute: float
    """Share of the tables' compute that remains under sustained load, 0 to 1. The tables come from short measurements,
    which do not show this loss."""
    fp8: bool
    """True if the accelerator can multiply FP8 numbers."""
    multiprocessors: int
    source: str

    @property
    def is_measured(self) -> bool:
        """True if kernels were measured on this accelerator itself."""
        return self.kernels_of == self.name and self.gb_per_second == _bandwidth_of_tables(self.name)

    def kernels(self, compute: float, reading: float) -> Kernels:
        """Return the kernel times of this accelerator. `compute` and `reading` scale its compute and its bandwidth."""
        return Kernels(
            flops=self.tflops * 1e12 * self.lasting_compute * compute,
            bandwidth=self.gb_per_second * 1e9 * reading,
            cache_bandwidth=self.gb_per_second * 1e9,
            measured_bandwidth=_bandwidth_of_tables(self.kernels_of) * 1e9,
            has_fp8=self.fp8,
            table=self.kernels_of,
            links=self.links_of,
            link_factors=self.link_factors,
        )


def accelerator_of(instance: Instance) -> Accelerator:
    """Return the speed of one accelerator of an instance.

    Raises:
        LookupError: the speed of the accelerator is not known.

    """
    key = (instance.accelerator, instance.accelerator_memory_mib)
    names = [field.name for field in fields(Accelerator)]
    for card in _cards():
        if (card["name"], card["memory_mib"]) == key:
            return Accelerator(**{name: _frozen(card[name]) for name in names})
    raise LookupError(f"the speed of {instance.accelerator} with {instance.accelerator_memory_mib} MiB is not known")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _bandwidth_of_tables(name: str) -> float:
    """Return the bandwidth of the measured accelerator, GB a second.

    If the accelerator has several variants, the largest bandwidth is taken.
    """
    return max(float(card["gb_per_second"]) for card in _cards() if card["name"] == name)


def _cards() -> list[dict[str, Any]]:
    cards: list[dict[str, Any]] = data.load("accelerators", _FOLDER)["accelerators"]
    return cards
