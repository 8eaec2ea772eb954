"""Recognises a live container: engine, model, limits and variables, as options of a component."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from replicas.adopt.records import Json, LiveComponent
from replicas.catalogue.models import Model, find_model, read_model
from replicas.engines import (
    Engine,
    EngineKind,
    engine_names,
    engine_of_image,
    find_engine,
    hub_token_variables,
    read_settings,
    repository_and_tag,
)
from replicas.errors import looks_like_token

_SECRET = re.compile(r"(?:^|_)(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|KEY)(?:_|$)", re.IGNORECASE)
"""Names of variables whose values are never written to the entry."""


class ContainerError(Exception):
    """The live container cannot be written as a component of a deployment. The message says what to do."""


@dataclass(frozen=True, kw_only=True)
class LiveContainer:
    """Engine, model and settings of a live container."""

    component: str
    """Name of the live component."""
    image: str
    kind: EngineKind
    engine: Engine
    model: Model
    config: str | None
    """Path of the model's `config.json`, for a model that is not in the table."""
    weights: str | None
    """S3 prefix of the weights; None if they come from the Hub."""
    variables: Mapping[str, str]
    """Variables of the container without secrets."""
    secrets: tuple[str, ...] = ()
    """Names of variables whose values look like secrets, except variables with a Hub token."""
    token: str | None = None
    """Name of the variable that contains a Hub token."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of a component that correspond to the variables."""


def read_container(component: LiveComponent, specification: Json, named_model: str | None) -> LiveContainer:
    """Recognise the container of a specification. `named_model` is a model of the table or a path of a `config.json`.

    Raises:
        ContainerError: its engine, version or model is not known, or its weights are an archive.

    """
    container = container_of(component, specification)
    image, variables = str(container.get("Image", "")), dict(container.get("Environment", {}))
    kind, engine = _engine_of(component, image)
    weights = _weights(component, container)
    settings = read_settings(kind, variables, has_local_weights=weights is not None)
    model, config = _model_of(component, settings.model, weights, named_model)
    task = kind.task(variables, model.task)
    engine = engine.serving(model, task)
    revision = next((variables[name] for name in kind.variables.revision if name in variables), None)
    options: dict[str, Any] = {
        "task": task if task != model.task else None,
        "quantization": settings.quantization,
        "max_total_tokens": settings.max_total_tokens or engine.default_lengths(model).max_total_tokens,
        "max_input_tokens": settings.max_input_tokens,
        "max_batch_prefill_tokens": settings.prefill_tokens,
        "max_sequences": settings.sequences,
        "gpu_memory_share": settings.memory_share,
        "revision": revision,
    }
    tokens = [name for name in variables if name in hub_token_variables()]
    secrets = [name for name, value in variables.items() if name not in tokens and _is_secret(name, value)]
    return LiveContainer(
        component=component.name,
        image=image,
        kind=kind,
        engine=engine,
        model=model,
        config=config,
        weights=weights,
        variables={name: value for name, value in variables.items() if name not in (*tokens, *secrets)},
        secrets=tuple(secrets),
        token=tokens[0] if tokens else None,
        options={name: value for name, value in options.items() if value is not None},
    )


def container_of(component: LiveComponent, specification: Json) -> dict[str, Any]:
    """Return the container of a specification: its own container, or the container of the model that it names."""
    if "ModelName" in specification:
        model = component.models[specification["ModelName"]]
        return dict(model.get("PrimaryContainer") or next(iter(model.get("Containers", [])), {}))
    own = dict(specification.get("Container", {}))
    return {**own, "Image": own.get("DeployedImage", {}).get("SpecifiedImage", own.get("Image", ""))}


def publisher_of(container: LiveContainer) -> tuple[str | None, bool]:
    """Return the publisher of an image for the entry (None for the default), and whether the image is published."""
    given = repository_and_tag(container.image)
    for publisher in (None, *container.kind.image_files):
        image = container.kind.image(container.engine.version, publisher)
        if image is not None and (image.repository.rpartition("/")[2], image.tag) == given:
            return publisher, True
    return None, False


def without_secrets(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variables whose values may be written to the entry."""
    for name, value in variables.items():
        if name not in hub_token_variables() and not _is_secret(name, value):
            yield name, value


def _is_secret(name: str, value: str) -> bool:
    return bool(_SECRET.search(name)) or looks_like_token(value)


def _engine_of(component: LiveComponent, image: str) -> tuple[EngineKind, Engine]:
    kind = engine_of_image(image)
    shown = image.rpartition("/")[2] or "no image"
    others = "take over the other components with --component"
    if kind is None or kind.versions is None:
        raise ContainerError(
            f"component {component.name} runs {shown}, but an entry supports only images of "
            f"{', '.join(engine_names())}: {others}"
        )
    version = kind.version_of(repository_and_tag(image)[1])
    if version is None:
        raise ContainerError(
            f"component {component.name} runs {shown}, whose tag does not contain the version of {kind.title}: {others}"
        )
    try:
        return kind, find_engine(f"{kind.name}-{version}")
    except LookupError as fault:
        raise ContainerError(f"component {component.name} runs {shown}: {fault.args[0]}: {others}") from None


def _weights(component: LiveComponent, container: Json) -> str | None:
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    address = source.get("S3Uri") or container.get("ModelDataUrl") or container.get("ArtifactUrl")
    if address is None:
        return None
    if source.get("S3DataType") != "S3Prefix" or source.get("CompressionType") != "None":
        raise ContainerError(
            f"component {component.name} reads {address} as an archive or a single object, but a component needs "
            f"uncompressed weights under a prefix: use `replicas stage` to put them there"
        )
    return str(address)


def _model_of(
    component: LiveComponent, repository: str | None, weights: str | None, named: str | None
) -> tuple[Model, str | None]:
    """Return the model, and the path of its `config.json` if it is not in the table."""
    option = f"--model {component.name}="
    from_hub = weights is None and repository is not None and not repository.startswith(("/", ".", "s3://"))
    if named is not None and Path(named).is_file():
        try:
            read = read_model(named, repository) if from_hub else read_model(named)
        except ValueError as fault:
            raise ContainerError(f"{option}{named}: {fault}") from None
        return read, named
    model_name = named or (repository if from_hub else None)
    if model_name is None:
        where = f"weights from {weights}" if weights else "weights of its image"
        raise ContainerError(
            f"component {component.name} serves {where}, and AWS does not state the model: name it with "
            f"{option}MODEL, a model of `replicas models` or the path of its config.json"
        )
    try:
        model = find_model(model_name)
    except LookupError as fault:
        raise ContainerError(
            f"component {component.name} serves {model_name}: {fault.args[0]}: use {option}PATH to name its config.json"
        ) from None
    if named is None and model.id.lower() != model_name.lower():
        raise ContainerError(
            f"component {component.name} serves {model_name}, which is not in the table (`replicas models`): "
            f"use {option}PATH to name its config.json"
        )
    return model, None
