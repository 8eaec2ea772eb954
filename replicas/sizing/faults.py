"""Faults of one component that are found before sizing: reasons why no copy of it would start.

Plans and the rules about containers call the same functions. Each message uses the option names of a `Deployment`. The
text after its last colon is the change that fixes the fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model, quantized_sibling
from replicas.catalogue.quantization import METHODS, Quantization, needs_checkpoint
from replicas.catalogue.tasks import TASK_OF_HEAD, Task
from replicas.deployment.deployment import Component
from replicas.engines import Engine, adapter_engines, engines_of_task
from replicas.sizing.resolved import ResolvedComponent, unsupported

Kind = Literal["accelerators", "adapters", "context", "engine", "gated", "lengths", "quantization", "sequences", "task"]
"""Subject of a fault."""


@dataclass(frozen=True)
class Fault:
    """A reason why no copy would start."""

    kind: Kind
    sentence: str
    is_about_start: bool = False
    """True if the copy can be sized, although it would not start."""


def quantization_of(component: Component, model: Model) -> Quantization | None:
    """Return the quantization in which the weights are loaded: the requested quantization or, if none is requested, the
    checkpoint's.
    """
    stored = model.quantization
    if component.quantization is None or (stored and component.quantization == stored.method):
        return stored
    return METHODS[component.quantization]


def faults_of(
    component: ResolvedComponent, instance: Instance | None, *, has_token: bool, allows_longer_context: bool = False
) -> Iterator[Fault]:
    """Yield the faults of a component. Faults that depend on the instance type need `instance`.

    Args:
        component: the component.
        instance: the instance type of its copies; None if it is not known.
        has_token: True if the container has a Hugging Face token.
        allows_longer_context: True if the engine accepts requests longer than the model's context.

    """
    options, model, engine = component.options, component.model, component.engine
    yield from (
        Fault("quantization", sentence, is_about_start=True) for sentence in _quantization_faults(options, model)
    )
    if model.gated and options.weights is None and not has_token:
        sentence = (
            f"{model.id} is gated: set token_secret='name of a Secrets Manager secret' or "
            f"weights='s3://bucket/prefix/', "
            "or use an ungated copy (`replicas models`)"
        )
        yield Fault("gated", sentence, is_about_start=True)
    yield from (Fault("task", sentence) for sentence in _task_faults(component))
    yield from (Fault("engine", sentence) for sentence in engine.problems(model, component.quantization))
    types = engine.type_problems(model, component.quantization, component.settings, instance)
    yield from (Fault("engine", sentence) for sentence in types)
    yield from (Fault("adapters", sentence) for sentence in _adapter_faults(component))
    if options.max_sequences and engine.sequences is None:
        given = f"max_sequences={options.max_sequences}"
        sentence = f"{given}: {engine} limits its batches by tokens, not by requests: leave it out"
        yield Fault("sequences", sentence)
    if instance and (reason := unsupported(engine, model, instance)):
        yield Fault("accelerators", reason)
    if not allows_longer_context:
        yield from (Fault("context", sentence) for sentence in _context_faults(options, model, engine))


def length_faults(component: Component, task: Task) -> Iterator[Fault]:
    """Yield a fault if the longest prompt contradicts the longest request."""
    longest, total = component.max_input_tokens, component.max_total_tokens
    if task != "generate":
        if longest and total and longest != total:
            sentence = (
                f"max_input_tokens={longest} and max_total_tokens={total}: a request for task={task!r} "
                f"has only a prompt: set only max_total_tokens={longest}"
            )
            yield Fault("lengths", sentence)
        return
    if longest and total and longest >= total:
        sentence = (
            f"max_input_tokens={longest} leaves no room for an answer in max_total_tokens={total}: "
            f"set max_input_tokens={total - 1}"
        )
        yield Fault("lengths", sentence)


def _task_faults(component: ResolvedComponent) -> Iterator[str]:
    task, model, engine = component.task, component.model, component.engine
    own = TASK_OF_HEAD[model.architecture.head]
    if task not in engine.tasks:
        others = " or ".join(f"engine={name!r}" for name in engines_of_task(task))
        yield f"task={task!r}: {engine} serves only {' and '.join(sorted(engine.tasks))}: use {others}"
    if model.architecture.head != "language_model" and task != own:
        head = model.architecture.head
        yield (
            f"task={task!r}: the last layer of {model.id} is a {head} head, which supports only task={own!r}: leave "
            f"task out"
        )


def _quantization_faults(component: Component, model: Model) -> Iterator[str]:
    stored, method = model.quantization, component.quantization
    if method is None or (stored and method == stored.method):
        return
    if stored:
        yield (
            f"quantization={method!r}: the weights of {model.id} are stored in {stored.method} already; leave it out, "
            "or name the repository without quantization"
        )
    elif needs_checkpoint(method):
        sibling = quantized_sibling(model, method) if component.config is None else None
        fix = f"use model={sibling!r}" if sibling else f"use a repository with {method} weights"
        yield f"quantization={method!r}: {model.id} is not stored in this format, and no engine can convert it: {fix}"


def _adapter_faults(component: ResolvedComponent) -> Iterator[str]:
    options, model, engine = component.options, component.model, component.engine
    shape = model.architecture
    if options.adapters and not shape.takes_adapters:
        yield (
            f"adapters=: {model.id} is not a dense decoder, and the memory of its adapters is not known: leave them out"
        )
    elif options.adapters and engine.adapter_slot_rank(1) is None:
        why = "cannot serve adapters" if engine.plans_adapters else "can serve adapters, but their memory is not known"
        yield f"adapters=: {engine} {why}: use engine={' or '.join(map(repr, adapter_engines()))}"
    elif options.adapters and component.task != "generate":
        yield f"adapters=: the memory of adapters of task={component.task!r} is not known: leave them out"
    else:
        for adapter in options.adapters:
            if engine.adapter_slot_rank(adapter.rank) is None:
                yield (
                    f"adapter {adapter.name!r}: {engine} supports no rank above {adapter.rank - 1}: use a smaller rank"
                )


def _context_faults(component: Component, model: Model, engine: Engine) -> Iterator[str]:
    context = engine.longest_context(model)
    if context and (component.max_total_tokens or 0) > context:
        yield (
            f"max_total_tokens={component.max_total_tokens}: {model.id} has a context of {context} tokens: "
            f"set max_total_tokens={context}"
        )
    if context and (component.max_input_tokens or 0) >= context:
        yield (
            f"max_input_tokens={component.max_input_tokens}: {model.id} has a context of {context} tokens "
            f"for prompt and "
            f"answer: set max_input_tokens={context - 1}"
        )
