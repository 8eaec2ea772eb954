"""The input of sizing: a component whose model, engine and quantization have been looked up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.quantization import Quantization
from replicas.catalogue.tasks import Task
from replicas.deployment.deployment import Component
from replicas.engines import Engine, MemorySettings, engine_names


@dataclass(frozen=True, kw_only=True)
class ResolvedComponent:
    """A component whose model, engine and quantization have been looked up, with the values that the user requested."""

    name: str
    options: Component
    model: Model
    engine: Engine
    task: Task
    """Task of the copies: they generate text, compute embeddings or compute scores."""
    quantization: Quantization | None
    settings: MemorySettings = field(default_factory=MemorySettings)
    """Settings of the engine that the container's variables give and that change the memory of a copy."""


def for_task(component: Component, task: Task) -> Component:
    """Return the component with token limits for its task. If no tokens are generated, only max_total_tokens is set."""
    if task == "generate":
        return component
    return replace(
        component, max_input_tokens=None, max_total_tokens=component.max_total_tokens or component.max_input_tokens
    )


def unsupported(engine: Engine, model: Model, instance: Instance) -> str | None:
    """Return why an engine's image cannot run a model on the accelerators of an instance type; None if it can."""
    if instance.least_cuda is None:
        return (
            f"{instance.name} has {instance.accelerator} accelerators, on which no image of "
            f"{' or '.join(engine_names())} runs: use another instance type"
        )
    if engine.image and not engine.image.has_cuda(instance.least_cuda):
        return (
            f"{engine} comes with CUDA {engine.image.cuda}; the {instance.accelerator} of {instance.name} needs "
            f"{instance.least_cuda} or newer: use another engine version or an older instance family"
        )
    return engine.has_no_kernel(model, instance)
