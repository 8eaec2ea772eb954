"""What the options of `plan` and `forecast` describe: a deployment, changed for one look, or one of a model alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from replicas.catalogue import hub
from replicas.catalogue.models import find_model, quantized_sibling
from replicas.deployment import file as catalogue
from replicas.deployment.deployment import Component, Deployment


def given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def wished(
    name: str | None,
    model: str | None,
    config: Path | None,
    wishes: dict[str, Any],
    shape: dict[str, Any],
    *,
    from_hub: bool,
) -> Deployment | None:
    """The deployment that NAME, --model or --config with their options describe; None where none of them was given.

    Raises:
        BadParameter: they contradict each other.
        CatalogueError: there is no such deployment.

    """
    if sum(source is not None for source in (name, model, config)) > 1 and not (model and config and not name):
        raise typer.BadParameter("give one of NAME, --model and --config")
    if from_hub and (model is None or config is not None):
        raise typer.BadParameter("--from-hub fetches the config.json of --model")
    if name is None and model is None and config is None:
        if wishes or shape:
            raise typer.BadParameter("these options need NAME, --model or --config")
        return None
    if name is not None:
        return _changed(catalogue.find_deployment(name), wishes, shape)
    if "instance_type" not in shape:
        raise typer.BadParameter("--model and --config need --instance")
    component = _component(model, config, wishes, from_hub=from_hub)
    return Deployment(name="plan", components=[component], **shape)


def _changed(deployment: Deployment, wishes: dict[str, Any], shape: dict[str, Any]) -> Deployment:
    if wishes and len(deployment.components) > 1:
        options = ", ".join(f"--{wish.replace('_', '-')}" for wish in wishes)
        raise typer.BadParameter(
            f"{deployment.name} has {len(deployment.components)} components; {options} changes one"
        )
    components = [replace(component, **wishes) for component in deployment.components]
    if wishes.get("quantization"):
        stored = _with_quantization(components[0].model, wishes["quantization"])
        components = [replace(components[0], model=stored)]
    return replace(deployment, components=components, **shape)


def _component(model: str | None, config: Path | None, wishes: dict[str, Any], *, from_hub: bool) -> Component:
    if config is not None:
        folder = config.resolve() if config.is_dir() else config.resolve().parent
        return Component(model=model or folder.name, config=config, **wishes)
    assert model is not None  # noqa: S101 (the caller has one of the two)
    if from_hub:
        return Component(model=model, config=hub.fetch_config(model), **wishes)
    return Component(model=_with_quantization(model, wishes.get("quantization")), **wishes)


def _with_quantization(model: str, quantization: str | None) -> str:
    """The repository of the table whose weights are stored so, where the named one's are not."""
    try:
        facts = find_model(model)
    except LookupError:
        return model  # the plan says what is wrong with it
    if quantization is None or (facts.quantization and facts.quantization.method == quantization):
        return model
    sibling = quantized_sibling(facts, quantization)
    if sibling:
        print(f"{quantization} weights of {facts.id}: {sibling}", file=sys.stderr)
    return sibling or model
