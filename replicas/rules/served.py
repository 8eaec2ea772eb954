"""Copies whose container the catalogue recognises: their engine, model and settings, as sizing takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from replicas.catalogue.instances import Instance, instance_types
from replicas.catalogue.models import Model, find_model, read_model
from replicas.endpoint.components import Claims, Component, Specification
from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Number, Subject, Text, whole
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, text_of
from replicas.endpoint.variants import Variant
from replicas.engines import EngineKind, effect_of, engine_names, engine_of_image, find_engine, hub_token_variables
from replicas.rules.demands import has_no_accelerators
from replicas.rules.finding import Unjudged
from replicas.sizing.containers import ContainerRequest, requested
from replicas.sizing.copies import Unfit, size_copy
from replicas.sizing.faults import Fault, Kind, faults_of, length_faults

_NOT_SIZED: tuple[Kind, ...] = ("accelerators", "adapters", "engine", "sequences")
"""Faults with which a copy cannot be sized."""

MEMORY = "memory"
"""The question that is not judged for a container that is not recognised."""


@dataclass(frozen=True, kw_only=True)
class ServedCopy:
    """A copy whose container is recognised, on one instance type."""

    subject: Subject
    container: Container
    kind: EngineKind
    request: ContainerRequest
    instance: Instance | None
    """None if the instance type is not known: faults that depend on it are not found."""
    is_only_type: bool
    """False if SageMaker may also place the copy on another instance type."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Faults that are found without sizing."""
        return _judged(self.request, self.instance).faults

    @property
    def refuses_longer_context(self) -> bool:
        """True if the engine does not start with requests longer than its model's context."""
        return find_engine(f"{self.request.kind}-{self.request.version}").refuses_longer_context

    @property
    def unfit(self) -> Unfit | None:
        """Why the copy does not fit; None if it fits, or if a fault prevents sizing it."""
        return _judged(self.request, self.instance).unfit


@dataclass(frozen=True)
class _Judgement:
    faults: tuple[Fault, ...]
    unfit: Unfit | None = None


@lru_cache(maxsize=1024)
def _judged(request: ContainerRequest, instance: Instance | None) -> _Judgement:
    component = requested(request, instance)
    allowed = request.settings.allows_longer_context
    faults = (
        *length_faults(component.wish),
        *faults_of(component, instance, has_token=request.has_token, allows_longer_context=allowed),
    )
    # A degree above the accelerators of the copy is reported by a rule of its own.
    is_split = (component.wish.tensor_parallel or 1) <= request.accelerators
    if instance is None or not is_split or any(fault.kind in _NOT_SIZED for fault in faults):
        return _Judgement(faults)
    try:
        size_copy(component, instance)
    except Unfit as unfit:
        return _Judgement(faults, unfit)
    return _Judgement(faults)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A container, the accelerators of its copies, and the instance types that they may be placed on."""

    subject: Subject
    container: Container
    model: Subject | None
    """The SageMaker model that defines the container; None if it is unknown."""
    accelerators: Number
    types: tuple[Text, ...]


def copies_of(topology: Topology) -> Iterator[ServedCopy | Unjudged]:
    """Yield each copy whose container is recognised; for each other one, why its memory is not judged."""
    for place in _places(topology):
        request = _request_of(place, topology)
        if isinstance(request, Unjudged):
            yield request
        else:
            yield from _on_types(place, *request)


def _on_types(place: _Place, kind: EngineKind, request: ContainerRequest) -> Iterator[ServedCopy | Unjudged]:
    for name in place.types:
        instance = instance_types().get(name) if isinstance(name, str) else None
        if instance is None:
            yield _not_judged(place, _why_no_type(name))
        yield ServedCopy(
            subject=place.subject,
            container=place.container,
            kind=kind,
            request=request,
            instance=instance,
            is_only_type=len(place.types) < 2,
        )


def _why_no_type(name: Text) -> Unknown:
    if isinstance(name, Unknown):
        return Unknown(f"the instance type is not known: {name.why}", name.parameters)
    if name is None:
        return Unknown("the variant has no instance type")
    if has_no_accelerators(name):
        return Unknown(f"{name} has no accelerators, and memory on CPUs is not sized")
    return Unknown(f"instance type {name} is not in the table")


# ---- what a template or a deployment declares


def _places(topology: Topology) -> Iterator[_Place]:
    variants = {component.subject: variant for variant in topology.variants for component in variant.components}
    for component in topology.hosting_components:
        variant = variants.get(component.subject)
        for specification in component.specifications:
            yield _Place(
                subject=component.subject,
                container=specification.container,
                model=specification.model.subject if specification.model else None,
                accelerators=_accelerators(specification),
                types=_types(component, specification, variant),
            )
    for variant in topology.variants:
        settings = variant.settings
        if settings.has_model and settings.container is not None:
            types = _types_of_variant(variant)
            known = instance_types().get(types[0]) if types and isinstance(types[0], str) else None
            yield _Place(
                subject=settings.model or variant.configuration.subject,
                container=settings.container,
                model=settings.model,
                accelerators=Fraction(known.accelerators) if known else Unknown("the instance type is not known"),
                types=types,
            )


def _types(component: Component, specification: Specification, variant: Variant | None) -> tuple[Text, ...]:
    if specification.instance_type is not None:
        return (specification.instance_type,)
    if variant is not None:
        return _types_of_variant(variant)
    on = next((text for text in (component.endpoint_text, component.variant_name) if isinstance(text, Unknown)), None)
    return (Unknown("its endpoint, or the variant, is not known", on.parameters if on else ()),)


def _types_of_variant(variant: Variant) -> tuple[Text, ...]:
    instances = variant.instances
    return instances.pools if instances.instance_type is None and instances.pools else (instances.instance_type,)


def _accelerators(specification: Specification) -> Number:
    claims = specification.claims
    return claims.accelerators if isinstance(claims, Claims) else claims


# ---- what the catalogue recognises


def _request_of(place: _Place, topology: Topology) -> tuple[EngineKind, ContainerRequest] | Unjudged:
    """Return the engine and the request of a container; why its memory is not judged if it is not recognised."""
    container = place.container
    recognised = _engine_of(container)
    if isinstance(recognised, Unknown):
        return _not_judged(place, recognised)
    kind, version = recognised
    if container.unknown is not None:
        why = f"the environment is not known: {container.unknown.why}"
        return _not_judged(place, Unknown(why, container.unknown.parameters))
    named = _named_model(place, topology)
    ignored = kind.variables.model if named else ()
    for name, value in container.environment.items():
        if isinstance(value, Unknown) and name not in ignored and effect_of(kind, name) != "none":
            return _not_judged(place, Unknown(f"{name} is not known: {value.why}", value.parameters))
    environment = tuple(
        (name, text_of(value)) for name, value in container.environment.items() if not isinstance(value, Unknown)
    )
    request = ContainerRequest(
        kind=kind.name,
        version=version,
        environment=environment,
        has_local_weights=container.has_local_weights,
        has_token=any(_is_token(name) for name in container.environment),
        accelerators=whole(place.accelerators) or 0,
        model=named,
    )
    return _completed(place, kind, request)


def _named_model(place: _Place, topology: Topology) -> Model | None:
    """Return the model that is named outside of the container's variables; None if none is, or it is not known."""
    subjects = [place.subject, *([place.model] if place.model else [])]
    named = next((topology.named_models[s.name] for s in subjects if s.name in topology.named_models), None)
    if named is None:
        return None
    try:
        return read_model(named.config, named.name) if named.config else find_model(named.name)
    except (LookupError, ValueError):
        return None


def _completed(
    place: _Place, kind: EngineKind, request: ContainerRequest
) -> tuple[EngineKind, ContainerRequest] | Unjudged:
    """Return a request with its model; why memory is not judged if the model or a setting is not known."""
    settings = request.settings
    if settings.not_followed:
        refused = settings.not_followed[0]
        names = ", ".join(f"{entry.name}={entry.value}" for entry in settings.not_followed)
        return _not_judged(place, Unknown(f"{names}: {refused.why}"))
    if request.model is None:
        model = _model_of(place, request)
        if isinstance(model, Unknown):
            return _not_judged(place, model, remedies=_named_by(place))
        request = request.with_model(model)
    if isinstance(place.accelerators, Unknown):
        why = f"NumberOfAcceleratorDevicesRequired is not known: {place.accelerators.why}"
        return _not_judged(place, Unknown(why, place.accelerators.parameters))
    if not request.accelerators:
        return _not_judged(place, Unknown("its copies claim no accelerators, and memory on CPUs is not sized"))
    return kind, request


def _engine_of(container: Container) -> tuple[EngineKind, str] | Unknown:
    """Return the engine and its version; why not if the image may read other variables than the engine's."""
    if isinstance(container.image, Unknown) and container.repository is None:
        return Unknown(f"the image is not known: {container.image.why}", container.image.parameters)
    if container.image is None:
        return Unknown("the container has no image, or the model has several containers")
    repository, tag = container.repository, container.tag
    image = repository or text_of(container.image)
    kind = engine_of_image(f"{image}:{tag}" if tag else image)
    if kind is None:
        return Unknown(f"the engine of the image {image} is not known; known: {', '.join(engine_names())}")
    if kind.versions is None:
        return Unknown(f"{kind.title} cannot be sized; engines that can: {', '.join(engine_names())}")
    if kind.published_images and not kind.published_images.fullmatch(repository or ""):
        why = f"the image {image} is not one of the published images of {kind.title}, and may read other variables"
        return Unknown(why)
    version = kind.version_of(tag)
    if version is None:
        return Unknown(f"the tag of the image {image} does not say the version of {kind.title}")
    try:
        find_engine(f"{kind.name}-{version}")
    except LookupError as fault:
        return Unknown(str(fault.args[0]))
    return kind, version


def _model_of(place: _Place, request: ContainerRequest) -> Model | Unknown:
    name = request.settings.model
    if name is None and not place.container.has_local_weights:
        return Unknown("no variable names the model")
    if name is None or not request.is_from_hub:
        return Unknown("the weights come from S3 or from the image, and no config.json of theirs is known")
    missing = Unknown(f"model {name!r} is not in the table (`replicas models`)")
    try:
        model = find_model(name)
    except LookupError:
        return missing
    return model if model.id.lower() == name.lower() else missing


def _is_token(name: str) -> bool:
    return name in hub_token_variables() or name.endswith("HF_TOKEN")


def _named_by(place: _Place) -> tuple[str, ...]:
    return (f"--model {place.subject.name}=MODEL",)


def _not_judged(place: _Place, why: Unknown, *, remedies: tuple[str, ...] = ()) -> Unjudged:
    return Unjudged(subject=place.subject, question=MEMORY, unknown=why, remedies=remedies)
