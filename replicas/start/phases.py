"""Phases of a start, each with its seconds or a range, and the source of these numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from replicas.engines.starts import EnginePhase

PhaseName = Literal["instance", "image", "weights", "boot", "load", "compile", "capture", "warmup"]
PHASES: Final[tuple[PhaseName, ...]] = get_args(PhaseName)
"""All phases, in the order of a start."""
IN_CONTAINER: Final[tuple[PhaseName, ...]] = ("boot", "load", "compile", "capture", "warmup")
"""Phases in the container, which the start-up timeout covers. It also covers a download from the Hub."""
WHAT: Final[dict[PhaseName, str]] = {
    "instance": "launch an instance",
    "image": "pull the image",
    "weights": "download the weights",
    "boot": "start the engine's processes",
    "load": "load the weights to the cards",
    "compile": "compile, and the profiling run",
    "capture": "capture CUDA graphs",
    "warmup": "warm up, until it answers",
}
"""Description of each phase."""
PHASE_OF_ENGINE: Final[dict[EnginePhase, PhaseName]] = {
    "download": "weights",
    "boot": "boot",
    "load": "load",
    "compile": "compile",
    "capture": "capture",
    "warmup": "warmup",
}
"""Phase of a start, by the name that engines have for it."""
ENGINE_PHASES: Final[dict[PhaseName, EnginePhase]] = {own: engine for engine, own in PHASE_OF_ENGINE.items()}


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One phase of a start. `low` and `high` are the range of published seconds, or both equal the measured value."""

    name: PhaseName
    seconds: float | None
    """Expected seconds; None if no comparable start was measured. Only the range is known in this case."""
    low: float
    high: float
    basis: str
    """Source of the numbers, in one sentence."""

    @property
    def what(self) -> str:
        """Description of the phase."""
        return WHAT[self.name]

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of the phase (`replicas.start.document.PhaseDocument`)."""
        return {
            "phase": self.name,
            "what": self.what,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "low_seconds": round(self.low, 1),
            "high_seconds": round(self.high, 1),
            "basis": self.basis,
        }


@dataclass(frozen=True, kw_only=True)
class Span:
    """Seconds of several phases together."""

    seconds: float | None
    """Expected seconds; None if one of the phases was not measured."""
    low: float
    high: float

    @staticmethod
    def of(phases: Iterable[Phase]) -> Span:
        """Return the sum of phases that run one after the other."""
        listed = list(phases)
        known = [phase.seconds for phase in listed if phase.seconds is not None]
        return Span(
            seconds=sum(known) if len(known) == len(listed) else None,
            low=sum(phase.low for phase in listed),
            high=sum(phase.high for phase in listed),
        )

    def plus(self, low: float, high: float | None = None, *, times: int = 1) -> Span:
        """Return this span multiplied by `times`, plus `low` to `high` seconds. If a range is added, the result has no
        exact value.
        """
        most = low if high is None else high
        exact = self.seconds is not None and most == low
        return Span(
            seconds=self.seconds * times + low if exact and self.seconds is not None else None,
            low=self.low * times + low,
            high=self.high * times + most,
        )

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of the span (`replicas.start.document.SpanDocument`)."""
        return {
            "seconds": None if self.seconds is None else round(self.seconds),
            "low_seconds": round(self.low),
            "high_seconds": round(self.high),
        }
