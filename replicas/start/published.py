"""Published starts: their seconds relative to the formula of the engine, and the rates of downloads and image pulls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from packaging.version import Version

from replicas.catalogue import data
from replicas.engines import EngineKind, engine_kinds
from replicas.engines.starts import EnginePhase, PublishedStart, Starts

_FEWEST = 2
"""Minimum number of published starts on an accelerator that count as a measurement."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Properties of the weights that change the time of compilation and graph capture."""

    experts: bool
    four_bit_floats: bool

    @staticmethod
    def of(row: PublishedStart) -> Weights:
        """Return the properties of the weights of a published start."""
        return Weights(experts=row.experts, four_bit_floats=row.four_bit_floats)


@dataclass(frozen=True, kw_only=True)
class Ratios:
    """Range of the published seconds of a phase divided by the seconds that the formula expects."""

    low: float
    high: float
    rows: tuple[PublishedStart, ...]


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Slowest and fastest published rate, bytes a second."""

    slow: float
    fast: float
    basis: str


def ratios(starts: Starts, phase: EnginePhase, rows: Iterator[PublishedStart]) -> Ratios | None:
    """Return the range of ratios over the rows that report a phase; None if no row does."""
    stating = [row for row in rows if phase in row.seconds]
    if not stating:
        return None
    found = [row.seconds[phase] / starts.expected_of(phase, row) for row in stating]
    return Ratios(low=min(found), high=max(found), rows=tuple(stating))


@cache
def like(kind: EngineKind, *, version: str, accelerator: str, weights: Weights, phase: EnginePhase) -> Ratios | None:
    """Return the range of ratios over published starts with this version, accelerator and kind of weights.

    The result is None if fewer than two starts report the phase. For `boot` and `warmup`, starts on all accelerators
    count, because these phases do not depend on the accelerator.
    """
    starts = kind.starts
    if starts is None:
        return None
    release = Version(version).release[:2]
    any_card = phase in ("boot", "warmup")
    found = ratios(
        starts,
        phase,
        (
            row
            for row in starts.published
            if Version(row.version).release[:2] == release
            and (any_card or row.accelerator == accelerator)
            and (any_card or phase == "load" or Weights.of(row) == weights)
        ),
    )
    return found if found and len(found.rows) >= _FEWEST else None


@cache
def all_like(kind: EngineKind, *, weights: Weights, phase: EnginePhase) -> Ratios | None:
    """Return the range of ratios over all accelerators and versions; None if no start reports the phase.

    Mixtures of experts and four-bit floats compile and capture more slowly, so their starts do not count for models
    without these properties.
    """
    starts = kind.starts
    if starts is None:
        return None
    apart = phase in ("compile", "capture")
    return ratios(
        starts,
        phase,
        (
            row
            for row in starts.published
            if not apart
            or ((weights.experts or not row.experts) and (weights.four_bit_floats or not row.four_bit_floats))
        ),
    )


@cache
def measured_kinds() -> tuple[EngineKind, ...]:
    """Return the engines that have a file of published starts, without engines that use another engine's starts."""
    return tuple(kind for kind in engine_kinds().values() if kind.starts and (kind.folder / "starts.json").exists())


@cache
def hub_rates() -> Rates:
    """Return the published rates of downloads from the Hub."""
    rows = hosting()["hub_downloads"]
    rates = [row["weights_gb"] * 1e9 / row["seconds"] for row in rows]
    return Rates(
        slow=min(rates),
        fast=max(rates),
        basis=f"{min(rates) / 1e6:.0f} to {max(rates) / 1e6:.0f} MB/s in {len(rows)} published downloads, none on "
        "SageMaker",
    )


@cache
def s3_rates() -> Rates:
    """Return the published rates at which SageMaker downloaded weights from S3, alone and during an image pull."""
    rows = [row for row in hosting()["scale_outs"] if "download_seconds" in row]
    rates = [
        row["weights_gb"] * 1e9 / row[key]
        for row in rows
        for key in ("download_seconds", "download_seconds_beside_pull")
    ]
    return Rates(
        slow=min(rates),
        fast=max(rates),
        basis=f"{min(rates) / 1e6:.0f} to {max(rates) / 1e6:.0f} MB/s from S3 on {rows[0]['instance_type']}",
    )


@cache
def image_range() -> tuple[float, float, str]:
    """Return the shortest and longest image pull of published scale-outs, in seconds, and a sentence about them."""
    rows = hosting()["scale_outs"]
    seconds = [row.get("pull_seconds", row["seconds"] - row["seconds_cached"]) for row in rows]
    sizes = [row["image_gb"] for row in rows]
    sentence = (
        f"{min(seconds):.0f} to {max(seconds):.0f} s for images of {min(sizes):g} to {max(sizes):g} GB in "
        f"{len(rows)} published scale-outs"
    )
    return min(seconds), max(seconds), sentence


@cache
def instance_range() -> tuple[float, float, frozenset[str], str]:
    """Return the shortest and longest published launch of an instance in seconds, their instance families, and a
    sentence about them.

    The shortest is a scale-out without image pull and weights. The longest is the creation of an endpoint without
    copies.
    """
    bare = [row for row in hosting()["scale_outs"] if not row["weights_gb"]]
    endpoints = hosting()["endpoints"]
    shortest, longest = min(row["seconds_cached"] for row in bare), max(row["seconds"] for row in endpoints)
    families = frozenset(row["instance_type"].split(".")[1] for row in [*bare, *endpoints])
    return shortest, longest, families, f"{shortest:.0f} to {longest:.0f} s on {' and '.join(sorted(families))}"


def hosting() -> dict[str, Any]:
    """Return the published times of SageMaker hosting (`hosting.json`)."""
    return data.load("hosting", Path(__file__).parent)
