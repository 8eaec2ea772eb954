"""Forecasts the seconds of each phase of a start, from a formula of the engine and the range of published starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.instances import Instance
from replicas.catalogue.quantization import Quantization
from replicas.engines import Engine
from replicas.engines.starts import Starts
from replicas.start import published
from replicas.start.phases import ENGINE_PHASES, IN_CONTAINER, Phase, PhaseName, Span
from replicas.start.published import Weights

_FOUR_BITS, _FLOAT_SCALE_BITS = 4, 8
"""Four-bit floats have scales of 8 bits; four-bit integers have scales of 16 bits."""


@dataclass(frozen=True, kw_only=True)
class StartRequest:
    """Engine, model and instance of the copy that starts."""

    engine: Engine
    instance: Instance
    architecture: Architecture
    quantization: Quantization | None
    weights_bytes: float
    """Size of the weights on all accelerators of the copy together, in bytes."""
    accelerators: int
    from_s3: bool
    """True if SageMaker downloads the weights from S3 before it starts the container; False if they come from the
    Hub."""

    @property
    def weights(self) -> Weights:
        """Properties of the weights on which the time of compilation and graph capture depends."""
        stored = self.quantization
        return Weights(
            experts=self.architecture.experts > 0,
            four_bit_floats=stored is not None and stored.bits == _FOUR_BITS and stored.scale_bits == _FLOAT_SCALE_BITS,
        )


@dataclass(frozen=True, kw_only=True)
class Start:
    """Time that a new copy needs until it serves, by phase."""

    phases: tuple[Phase, ...]
    """All phases, in the order in which they run."""
    from_s3: bool
    has_published: bool
    """True if starts of the engine were published. Otherwise the ranges come from other engines, which may have other
    phases."""

    def phase(self, name: PhaseName) -> Phase:
        """Return one phase."""
        return next(phase for phase in self.phases if phase.name == name)

    @property
    def container(self) -> Span:
        """Time that the start-up timeout must cover: from the start of the container, which may download from the Hub,
        until it answers.
        """
        names: tuple[PhaseName, ...] = IN_CONTAINER if self.from_s3 else ("weights", *IN_CONTAINER)
        return Span.of(map(self.phase, names))

    @property
    def certain(self) -> Span:
        """Time of the phases in `container` that the engine is known to have.

        Without published starts, only the download and the loading of the weights are certain.
        """
        if self.has_published:
            return self.container
        names: tuple[PhaseName, ...] = ("load",) if self.from_s3 else ("weights", "load")
        return Span.of(map(self.phase, names))

    @property
    def download(self) -> Span:
        """Time that the download timeout must cover: the download of the weights from S3."""
        return Span.of([self.phase("weights")])

    @property
    def copy(self) -> Span:
        """Time for a copy on a running instance that has the image."""
        return Span.of(map(self.phase, ("weights", *IN_CONTAINER)))

    @property
    def copy_on_new_instance(self) -> Span:
        """Time for a copy on a newly launched instance. The lower end assumes a cached image, the upper end a pull."""
        image = self.phase("image")
        span = Span.of(phase for phase in self.phases if phase is not image)
        return replace(span, high=span.high + image.high)

    @property
    def new_endpoint(self) -> Span:
        """Time for the first copy of a new endpoint, whose image is not cached."""
        return Span.of(self.phases)

    def with_measured(self, seconds: Mapping[PhaseName, float], basis: str) -> Start:
        """Return the start with measured seconds in place of the estimates of these phases."""
        return replace(
            self,
            phases=tuple(
                Phase(
                    name=phase.name,
                    seconds=seconds[phase.name],
                    low=seconds[phase.name],
                    high=seconds[phase.name],
                    basis=basis,
                )
                if phase.name in seconds
                else phase
                for phase in self.phases
            ),
        )


def forecast_start(request: StartRequest) -> Start:
    """Return the phases of a start.

    If starts of this engine version on this accelerator were published, a phase has an expected value and the range of
    these starts. Otherwise it has only the range of all published starts.
    """
    return Start(
        phases=tuple(_phases(request)), from_s3=request.from_s3, has_published=request.engine.kind.starts is not None
    )


def _phases(request: StartRequest) -> Iterator[Phase]:
    yield _instance(request.instance)
    low, high, sentence = published.image_range()
    yield Phase(name="image", seconds=None, low=low, high=high, basis=f"not measured for this image: {sentence}")
    yield _weights(request)
    for name in IN_CONTAINER:
        yield _engine_phase(request, name)


def _instance(instance: Instance) -> Phase:
    low, high, families, sentence = published.instance_range()
    measured = instance.family in families
    basis = (
        f"{sentence}, including the start of a container"
        if measured
        else f"not measured on {instance.name}: {sentence}"
    )
    return Phase(name="instance", seconds=None, low=low, high=high, basis=basis)


def _weights(request: StartRequest) -> Phase:
    rates = published.s3_rates() if request.from_s3 else published.hub_rates()
    return Phase(
        name="weights",
        seconds=None,
        low=request.weights_bytes / rates.fast,
        high=request.weights_bytes / rates.slow,
        basis=f"not measured on {request.instance.name}: {request.weights_bytes / 1e9:.1f} GB, {rates.basis}",
    )


def _engine_phase(request: StartRequest, name: PhaseName) -> Phase:
    engine = request.engine
    own = engine.kind.starts
    if own is not None:
        measured = published.like(
            engine.kind,
            version=engine.start_version,
            accelerator=request.instance.accelerator,
            weights=request.weights,
            phase=ENGINE_PHASES[name],
        )
        if measured is not None and _is_sized(request, name):
            expected = _expected(request, own, name)
            return Phase(
                name=name,
                seconds=expected,
                low=expected * measured.low,
                high=expected * measured.high,
                basis=f"{len(measured.rows)} published starts of this version {_where(request, name)}",
            )
    return _not_measured(request, name, own)


def _not_measured(request: StartRequest, name: PhaseName, own: Starts | None) -> Phase:
    pool = (request.engine.kind,) if own is not None else published.measured_kinds()
    ends: list[float] = []
    rows = 0
    for kind in pool:
        starts = kind.starts
        ratios = published.all_like(kind, weights=request.weights, phase=ENGINE_PHASES[name])
        if ratios is None or starts is None:
            continue
        rows += len(ratios.rows)
        if _is_sized(request, name):
            expected = _expected(request, starts, name)
            ends += [expected * ratios.low, expected * ratios.high]
        else:
            ends += [row.seconds[ENGINE_PHASES[name]] for row in ratios.rows]
    of_whom = "of other cards and versions" if own is not None else "of other engines"
    # An engine without published starts may lack this phase.
    low = min(ends) if own is not None else 0.0
    return Phase(
        name=name,
        seconds=None,
        low=low,
        high=max(ends),
        basis=f"not measured with {request.engine} {_where(request, name)}: range of {rows} published starts {of_whom}",
    )


def _where(request: StartRequest, name: PhaseName) -> str:
    return "on any card" if name in ("boot", "warmup") else f"on {request.instance.accelerator}"


def _is_sized(request: StartRequest, name: PhaseName) -> bool:
    """True if the model sizes in the formula of the phase are known."""
    return name not in ("compile", "capture") or (request.architecture.is_known and request.architecture.layers > 0)


def _expected(request: StartRequest, starts: Starts, name: PhaseName) -> float:
    own = request.engine.kind.starts
    line = starts.line(request.engine.start_version) if starts is own else starts.lines[-1]
    return starts.expected(
        ENGINE_PHASES[name],
        line,
        layers=request.architecture.layers,
        weights_bytes=request.weights_bytes,
        accelerators=request.accelerators,
    )
