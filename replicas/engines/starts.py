"""Published start-ups of an engine's copies: seconds by phase, constants fitted to them, and patterns of log lines.

The data file is `starts.json` in the engine's folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from packaging.version import Version

EnginePhase = Literal["download", "boot", "load", "compile", "capture", "warmup"]
"""Phases of a start within the container, in order."""
_STATED_AS_PHASE: tuple[EnginePhase, ...] = ("download", "load", "capture")
_LARGEST_SECONDS = 100_000


@dataclass(frozen=True, kw_only=True)
class PublishedStart:
    """A published measurement of one start of a copy."""

    part: Literal["fitted", "judged"]
    """`fitted`: constants were fitted to this start. `judged`: it is used only to test the constants."""
    source: str
    version: str
    model: str
    accelerator: str
    accelerators: int
    layers: int
    weights_gb: float
    """Weights over all accelerators, in units of 1e9 bytes."""
    experts: bool
    """True if the model is a mixture of experts."""
    four_bit_floats: bool
    """True if the weights are 4-bit floats (MXFP4, NVFP4), whose kernels are selected or compiled at start-up."""
    graphs: int
    """Number of CUDA graphs that each accelerator captures."""
    seconds: Mapping[str, float]
    """Seconds by phase, for the phases that the source states."""
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class StartLine:
    """Start-up constants of a range of versions that start in the same way."""

    since: str
    graphs: int
    """Number of CUDA graphs that a copy with default settings captures on each accelerator."""
    compile_seconds_per_layer: float
    capture_seconds_per_graph_and_layer: float


@dataclass(frozen=True, kw_only=True)
class Starts:
    """Start-up constants of an engine, and the published starts that they come from."""

    boot_seconds: float
    warmup_seconds: float
    load_bytes_per_second: float
    """Speed at which each accelerator loads weights, bytes per second."""
    lines: tuple[StartLine, ...]
    """Start-up constants by range of versions, the oldest range first."""
    published: tuple[PublishedStart, ...]

    def line(self, version: str) -> StartLine:
        """Return the constants of a version. A version before the oldest range gets the constants of the oldest
        range.
        """
        given = Version(version)
        return next((line for line in reversed(self.lines) if Version(line.since) <= given), self.lines[0])

    def expected(
        self,
        phase: EnginePhase,
        line: StartLine,
        *,
        layers: int,
        graphs: int | None = None,
        weights_bytes: float,
        accelerators: int,
    ) -> float:
        """Return the expected seconds of a phase. Downloads are not supported, because they depend on the network."""
        if phase == "boot":
            return self.boot_seconds
        if phase == "warmup":
            return self.warmup_seconds
        if phase == "load":
            return weights_bytes / accelerators / self.load_bytes_per_second
        if phase == "compile":
            return layers * line.compile_seconds_per_layer
        assert phase == "capture"  # noqa: S101 (downloads are not supported)
        return layers * (graphs or line.graphs) * line.capture_seconds_per_graph_and_layer

    def expected_of(self, phase: EnginePhase, row: PublishedStart) -> float:
        """Return the expected seconds of a phase for the settings of a published start."""
        return self.expected(
            phase,
            self.line(row.version),
            layers=row.layers,
            graphs=row.graphs,
            weights_bytes=row.weights_gb * 1e9,
            accelerators=row.accelerators,
        )


def read_starts(document: Mapping[str, Any]) -> Starts:
    """Read the content of `starts.json`."""
    return Starts(
        boot_seconds=document["boot_seconds"],
        warmup_seconds=document["warmup_seconds"],
        load_bytes_per_second=document["load_bytes_per_second"],
        lines=tuple(StartLine(**line) for line in document["lines"]),
        published=tuple(PublishedStart(**row) for row in document["published"]),
    )


def phases_in_log(patterns: Mapping[str, str], lines: Iterable[str]) -> dict[EnginePhase, float]:
    """Return the seconds of each phase that a container's log states.

    If several lines state a phase, the largest value counts, because the slowest process of a copy decides.

    Args:
        patterns: regular expressions whose first group is the seconds: one for each phase, and `init` for the whole
            initialisation, from which the capture is subtracted to get the compilation.
        lines: the log of one start of one copy.

    """
    stated: dict[str, float] = {}
    for line in lines:
        for name, pattern in patterns.items():
            match = re.search(pattern, line)
            if match:
                seconds = float(match[1])
                if seconds <= _LARGEST_SECONDS:
                    stated[name] = max(seconds, stated.get(name, 0.0))
    phases = {phase: stated[phase] for phase in _STATED_AS_PHASE if phase in stated}
    if "init" in stated and "capture" in stated:
        phases["compile"] = max(0.0, stated["init"] - stated["capture"])
    return phases
