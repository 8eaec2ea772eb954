"""Adds models that a user names with `--model` to containers whose variables do not name a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from replicas.catalogue.models import find_model, read_model
from replicas.endpoint.containers import NamedModel
from replicas.endpoint.topology import Topology
from replicas.errors import ProofError


def with_models(topology: Topology, models: Mapping[str, str]) -> Topology:
    """Return the topology with the models that the user named.

    Args:
        topology: endpoints of a template.
        models: model of the catalogue or path of a `config.json`, by the logical id of a SageMaker model or component.

    Raises:
        ProofError: a logical id or a model is unknown.

    """
    serving = [model.subject.name for model in topology.models]
    serving += [component.subject.name for component in topology.hosting_components]
    unknown = sorted(set(models) - set(serving))
    if unknown:
        raise ProofError(
            f"the template has no SageMaker model or hosting component {', '.join(unknown)}: use one of "
            f"{', '.join(serving) or 'none'}"
        )
    named = {logical_id: _named(logical_id, model) for logical_id, model in models.items()}
    return replace(topology, named_models={**topology.named_models, **named})


def _named(logical_id: str, model: str) -> NamedModel:
    try:
        return NamedModel(name=find_model(model).id)
    except LookupError as fault:
        if not Path(model).exists():
            why = f"{logical_id}={model}: no file has this name, and {fault.args[0]}"
            raise ProofError(why) from None
    try:
        return NamedModel(name=read_model(model).id, config=model)
    except ValueError as fault:
        raise ProofError(f"{logical_id}={model}: {fault}") from None
