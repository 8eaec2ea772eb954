"""Sizes copies whose container is recognised, with the engine, model and settings of the container."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from replicas.catalogue.instances import Instance, absence, instance_types
from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Number, Subject, Text
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.engines import Engine, EngineKind, find_engine
from replicas.rules.demands import has_no_accelerators
from replicas.rules.finding import Unjudged
from replicas.rules.latest import kept_for_latest
from replicas.rules.places import Place, places_of
from replicas.rules.recognition import not_judged, request_of
from replicas.sizing.containers import ContainerRequest, requested
from replicas.sizing.copies import SizedCopy, Unfit, size_copy
from replicas.sizing.faults import Fault, Kind, faults_of, length_faults

_NOT_SIZED: tuple[Kind, ...] = ("accelerators", "adapters", "engine", "sequences")
"""Faults that prevent the sizing of a copy."""
_STARTS = "whether the engine starts with the data type of its KV cache"


@dataclass(frozen=True, kw_only=True)
class ServedCopy:
    """A copy whose container is recognised, on one instance type."""

    subject: Subject
    container: Container
    kind: EngineKind
    request: ContainerRequest
    instance: Instance | None
    """Instance type of the copy; None if it is unknown. Faults that depend on the instance type are then not found."""
    is_only_type: bool
    """False if SageMaker may also place the copy on another instance type."""
    startup_seconds: Number = None
    """Start-up timeout of a copy, seconds; None for SageMaker's default."""
    download_seconds: Number = None
    """Timeout of the download of the weights, seconds; None for SageMaker's default."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Faults of the settings that are found without sizing."""
        return _judged(self.request, self.instance).faults

    @property
    def refuses_longer_context(self) -> bool:
        """True if the engine does not start with a request limit above the model's context."""
        return _engine_of(self.request).refuses_longer_context

    @property
    def unfit(self) -> Unfit | None:
        """Reason why the copy does not fit; None if it fits or a fault prevents sizing."""
        return _judged(self.request, self.instance).unfit

    @property
    def sized(self) -> SizedCopy | None:
        """Size of the copy as in a plan; None if the copy does not fit or cannot be sized."""
        return _judged(self.request, self.instance).sized


@dataclass(frozen=True)
class _Judgement:
    faults: tuple[Fault, ...]
    unfit: Unfit | None = None
    sized: SizedCopy | None = None


@lru_cache(maxsize=1024)
def _judged(request: ContainerRequest, instance: Instance | None) -> _Judgement:
    component = requested(request, instance)
    allowed = request.settings.allows_longer_context
    faults = (
        *length_faults(component.options, component.task),
        *faults_of(component, instance, has_token=request.has_token, allows_longer_context=allowed),
    )
    # `tensor-parallel-mismatch` reports a degree above the accelerators of the copy.
    is_split = (component.options.tensor_parallel or 1) <= request.accelerators
    if instance is None or not is_split or any(fault.kind in _NOT_SIZED for fault in faults):
        return _Judgement(faults)
    try:
        return _Judgement(faults, sized=size_copy(component, instance))
    except Unfit as unfit:
        return _Judgement(faults, None if _starts(component.engine, unfit.sized) else unfit)


def _engine_of(request: ContainerRequest) -> Engine:
    return find_engine(f"{request.kind}-{request.version}")


def _starts(engine: Engine, sized: SizedCopy | None) -> bool:
    """Return whether the engine starts although its longest request does not fit, and then refuses long requests."""
    return engine.starts_with_any_cache and sized is not None and sized.memory.kv_cache_tokens > 0 and sized.on_card


@kept_for_latest
def copies_of(topology: Topology) -> Iterator[ServedCopy | Unjudged]:
    """Yield each copy with a recognised container, and `Unjudged` for every other copy."""
    for place in places_of(topology):
        request = request_of(place, topology)
        if isinstance(request, Unjudged):
            yield request
        else:
            yield from _on_types(place, *request)
            yield from _settings_beside_weights(place, request[0])


def _on_types(place: Place, kind: EngineKind, request: ContainerRequest) -> Iterator[ServedCopy | Unjudged]:
    for name in place.types:
        instance = instance_types().get(name) if isinstance(name, str) else None
        if instance is None:
            yield not_judged(place, _why_no_type(name))
        elif (reason := _engine_of(request).open_cache_type(request.settings.memory, instance)) is not None:
            yield Unjudged(subject=place.subject, question=_STARTS, unknown=Unknown(reason))
        yield ServedCopy(
            subject=place.subject,
            container=place.container,
            kind=kind,
            request=request,
            instance=instance,
            is_only_type=len(place.types) < 2,
            startup_seconds=place.startup_seconds,
            download_seconds=place.download_seconds,
        )


def _settings_beside_weights(place: Place, kind: EngineKind) -> Iterator[Unjudged]:
    """Yield `Unjudged` if a settings file, which cannot be read, may be stored with the weights in S3."""
    if kind.settings_file and place.container.has_local_weights:
        why = f"a {kind.settings_file} in the folder of the weights in S3 would replace the variables of the container"
        yield not_judged(place, Unknown(why))


def _why_no_type(name: Text) -> Unknown:
    if isinstance(name, Unknown):
        return Unknown(f"the instance type is unknown: {name.why}", name.parameters)
    if name is None:
        return Unknown("the variant has no instance type")
    if has_no_accelerators(name):
        return Unknown(f"{name} has no accelerators, and only accelerator memory is sized")
    return Unknown(absence(name))
