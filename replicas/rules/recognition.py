"""Recognises the engine, version and model of a container, or returns why its memory cannot be judged."""

from __future__ import annotations

import re

from replicas.catalogue.models import Model, find_model, read_model
from replicas.endpoint.containers import Container
from replicas.endpoint.identity import whole
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, text_of
from replicas.engines import EngineKind, effect_of, engine_names, engine_of_image, find_engine, hub_token_variables
from replicas.rules.finding import Unjudged
from replicas.rules.places import Place
from replicas.sizing.containers import ContainerRequest

MEMORY = "memory"
"""The question that is not judged for a container that is not recognised."""
_OTHER_USE = re.compile(r"(?:^|-)(ec2|cpu)(?:-|$)")
_USES = {"ec2": "Amazon EC2", "cpu": "CPUs"}
"""Uses of images that are not for SageMaker on GPUs, by the part of the tag that names them
(aws/deep-learning-containers)."""


def request_of(place: Place, topology: Topology) -> tuple[EngineKind, ContainerRequest] | Unjudged:
    """Return the engine and the sizing request of a container; `Unjudged` if the container is not recognised."""
    container = place.container
    recognised = _engine_of(container)
    if isinstance(recognised, Unknown):
        return not_judged(place, recognised)
    kind, version = recognised
    if container.unknown is not None:
        why = f"the environment is unknown: {container.unknown.why}"
        return not_judged(place, Unknown(why, container.unknown.parameters))
    named = _named_model(place, topology)
    ignored = kind.variables.model if named else ()
    for name, value in container.environment.items():
        if isinstance(value, Unknown) and name not in ignored and effect_of(kind, name) != "none":
            return not_judged(place, Unknown(f"{name} is unknown: {value.why}", value.parameters))
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


def _named_model(place: Place, topology: Topology) -> Model | None:
    """Return the model that a `--model` option or the template's metadata names for the container; None without one."""
    subjects = [place.subject, *([place.model] if place.model else [])]
    named = next((topology.named_models[s.name] for s in subjects if s.name in topology.named_models), None)
    if named is None:
        return None
    try:
        return read_model(named.config, named.name) if named.config else find_model(named.name)
    except (LookupError, ValueError):
        return None


def _completed(
    place: Place, kind: EngineKind, request: ContainerRequest
) -> tuple[EngineKind, ContainerRequest] | Unjudged:
    """Return a sizing request with its model; `Unjudged` if the model or a setting is unknown."""
    settings = request.settings
    unsized = [entry for entry in settings.not_followed if not entry.is_open]
    if unsized:
        names = ", ".join(f"{entry.name}={entry.value}" for entry in unsized)
        return not_judged(place, Unknown(f"{names}: {unsized[0].why}"))
    if request.model is None:
        model = _model_of(place, request)
        if isinstance(model, Unknown):
            return not_judged(place, model, remedies=_named_by(place))
        request = request.with_model(model)
    if isinstance(place.accelerators, Unknown):
        why = f"NumberOfAcceleratorDevicesRequired is unknown: {place.accelerators.why}"
        return not_judged(place, Unknown(why, place.accelerators.parameters))
    if not request.accelerators:
        return not_judged(place, Unknown("the copies reserve no accelerators, and only accelerator memory is sized"))
    return kind, request


def _engine_of(container: Container) -> tuple[EngineKind, str] | Unknown:
    """Return the engine and its version; `Unknown` if they are unknown or the image may read other variables."""
    if isinstance(container.image, Unknown) and container.repository is None:
        return Unknown(f"the image is unknown: {container.image.why}", container.image.parameters)
    if container.image is None:
        return Unknown("the container has no image, or the model has several containers")
    repository, tag = container.repository, container.tag
    image = repository or text_of(container.image)
    kind = engine_of_image(f"{image}:{tag}" if tag else image)
    if kind is None:
        return Unknown(f"the engine of the image {image} is unknown; known engines: {', '.join(engine_names())}")
    if kind.versions is None:
        return Unknown(f"{kind.title} cannot be sized; engines that can be sized: {', '.join(engine_names())}")
    if kind.published_images and not kind.published_images.fullmatch(repository or ""):
        why = (
            f"the image {image} is not one of the published images of {kind.title}, and may read other environment "
            "variables than they do"
        )
        return Unknown(why)
    other_use = _OTHER_USE.search(tag or "")
    if other_use:
        return Unknown(
            f"the tag {tag} belongs to an image for {_USES[other_use[1]]}; that image may read other environment "
            "variables than the image for SageMaker on GPUs"
        )
    version = kind.version_of(tag)
    if version is None:
        return Unknown(f"the tag of the image {image} does not contain the version of {kind.title}")
    try:
        find_engine(f"{kind.name}-{version}")
    except LookupError as fault:
        return Unknown(str(fault.args[0]))
    return kind, version


def _model_of(place: Place, request: ContainerRequest) -> Model | Unknown:
    name = request.settings.model
    if name is None and not place.container.has_local_weights:
        return Unknown("no variable names the model")
    if name is None or not request.is_from_hub:
        return Unknown("the weights come from S3 or from the image, and their config.json is unknown")
    missing = Unknown(f"model {name!r} is not in the table (`replicas models`)")
    try:
        model = find_model(name)
    except LookupError:
        return missing
    return model if model.id.lower() == name.lower() else missing


def _is_token(name: str) -> bool:
    return name in hub_token_variables() or name.endswith("HF_TOKEN")


def _named_by(place: Place) -> tuple[str, ...]:
    return (f"--model {place.subject.name}=MODEL",)


def not_judged(place: Place, why: Unknown, *, remedies: tuple[str, ...] = ()) -> Unjudged:
    """Return an `Unjudged` for the memory of a container."""
    return Unjudged(subject=place.subject, question=MEMORY, unknown=why, remedies=remedies)
