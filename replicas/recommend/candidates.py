"""Every way to lay a model out on one instance: quantization, engine, instance type, tensor-parallel degree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model, find_model, quantized_sibling
from replicas.catalogue.quantization import METHODS
from replicas.deployment.deployment import Component, Deployment
from replicas.engines import Engine, find_engine
from replicas.errors import RecommendError, SizingError
from replicas.forecast.copies import CopyEngine, copy_engine
from replicas.planning.planner import plan
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.recommend.wishes import Subject, Wish
from replicas.sizing.resolved import unsupported

UNNAMED_SECRET = "name-of-your-secret"  # noqa: S105 (a place to fill in)
"""Stands in the lines of a gated model whose secret was not named."""
FP8_CUDA = (11, 8)
"""Ada and Hopper brought products in fp8, and CUDA 11.8 their kernels. On older cards engines only store fp8 weights
and compute in half precision: not offered."""


@dataclass(frozen=True)
class Weights:
    """One quantization on offer."""

    label: str
    """`none`, or the method."""
    model: str
    quantization: str | None
    """What the component asks for: None where the checkpoint is stored so."""


@dataclass(frozen=True)
class Candidate:
    """A layout that fits one instance, with as many copies as it holds."""

    deployment: Deployment
    plan: EndpointPlan
    engine: CopyEngine
    weights: Weights

    @property
    def part(self) -> ComponentPlan:
        """Its only component."""
        return self.plan.components[0]

    @property
    def instance(self) -> Instance:
        """The instance type."""
        return self.plan.instance

    @property
    def layout(self) -> tuple[object, ...]:
        """What makes it another layout than those that differ in the host and the price alone."""
        card = (self.instance.accelerator, self.instance.accelerator_memory_mib)
        return (*card, self.weights, str(self.part.engine), self.part.accelerators)

    def on(self, instances: int) -> EndpointPlan:
        """The same on more instances, planned and proven again."""
        return self.plan if instances == 1 else plan(self.deployed(instances))

    def deployed(self, instances: int) -> Deployment:
        """What to write down for so many instances: nothing is left to a default that could change."""
        part = replace(self.deployment.components[0], copies=self.part.copies * instances)
        return replace(self.deployment, instances=instances, components=[part])


@dataclass(frozen=True)
class Unfit:
    """An instance type on which weights and an engine have no layout, and why."""

    instance: str
    weights: str
    engine: str
    reason: str
    """The same words for the same kind of reason."""
    detail: str


def candidates(wish: Wish, subject: Subject) -> tuple[list[Candidate], list[Unfit]]:
    """All that fits, and all that does not.

    Raises:
        RecommendError: a quantization is wished that is not on offer.

    """
    offers = weights_on_offer(subject.model, table=wish.config is None)
    labels = [offer.label for offer in offers]
    unknown = [name for name in wish.quantizations if name not in labels]
    if unknown:
        on_offer = f"on offer for {subject.model.id}: {', '.join(labels)}"
        raise RecommendError(
            f"nothing can be recommended for {wish.model}", [f"quantization {name!r}: {on_offer}" for name in unknown]
        )
    chosen = [offer for offer in offers if not wish.quantizations or offer.label in wish.quantizations]
    found: list[Candidate] = []
    unfit: list[Unfit] = []
    for engine in map(find_engine, wish.engines):
        for weights in chosen:
            for instance in subject.instances:
                layouts, why = _on_instance(wish, subject, engine, weights, instance)
                found += layouts
                if not layouts:
                    unfit.append(Unfit(instance.name, weights.label, str(engine), *why))
    return found, unfit


def weights_on_offer(model: Model, *, table: bool) -> list[Weights]:
    """As stored; quantized checkpoints of the same model in the table; fp8 made at start-up where none is stored."""
    stored = model.quantization.method if model.quantization else "none"
    offers = [Weights(stored, model.id, None)]
    if model.quantization:
        return offers
    for method in METHODS:
        sibling = quantized_sibling(model, method) if table else None
        if sibling and find_model(sibling).chat == model.chat:  # else a model of the same shape, not the same model
            offers.append(Weights(method, sibling, None))
    if not any(offer.label == "fp8" for offer in offers):
        offers.append(Weights("fp8", model.id, "fp8"))
    return offers


def _on_instance(
    wish: Wish, subject: Subject, engine: Engine, weights: Weights, instance: Instance
) -> tuple[list[Candidate], tuple[str, str]]:
    """Layouts at every degree that fits; without any, the reason in general and in detail."""
    if wish.region and wish.region not in instance.hosting_regions:
        return [], ("no hosting price in the region", f"{instance.name} in {wish.region}")
    if reason := unsupported(engine, instance):
        return [], ("no image of the engine runs on its accelerators", reason)
    if weights.label == "fp8" and tuple(map(int, (instance.least_cuda or "0").split("."))) < FP8_CUDA:
        return [], ("its accelerators do not compute in fp8", f"{instance.accelerator}: Ada, Hopper or newer does")
    facts = subject.model if wish.config else find_model(weights.model)
    wanted = METHODS[weights.quantization] if weights.quantization else facts.quantization
    if problems := engine.problems(facts, wanted):
        return [], ("the engine does not serve the model so", problems[0])
    found, refusal = [], ""
    for degree in _degrees(instance):
        deployment = _deployment(wish, subject, facts, engine, weights, instance, degree)
        try:
            planned = plan(deployment)
            found.append(Candidate(deployment, planned, copy_engine(planned.components[0], instance), weights))
        except SizingError as refused:
            refusal = refused.problems[0]
        except LookupError as unknown:
            return [], ("no speed of its accelerators is known", str(unknown.args[0]))
    return found, ("no copy fits", refusal)


def _degrees(instance: Instance) -> Iterator[int]:
    degree = 1
    while degree <= instance.accelerators:
        yield degree
        degree *= 2


def _deployment(
    wish: Wish, subject: Subject, facts: Model, engine: Engine, weights: Weights, instance: Instance, degree: int
) -> Deployment:
    secret = wish.token_secret or UNNAMED_SECRET
    component = Component(
        model=weights.model,
        config=wish.config,
        engine=str(engine),
        quantization=weights.quantization,
        tensor_parallel=degree,
        max_total_tokens=subject.max_total_tokens,
        token_secret=secret if facts.gated else None,
        traffic=wish.traffic,
    )
    return Deployment(
        name=deployment_name(weights.model),
        instance_type=instance.name,
        components=[component],
        region=wish.region,
    )


def deployment_name(model: str) -> str:
    """A name for a stack out of a repository's: `meta-llama/Llama-3.1-8B` becomes `llama-3-1-8b`."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in model.split("/")[-1])
    name = "-".join(words.lower().split())[:60].strip("-")
    return name if name[:1].isalpha() else f"model-{name}".strip("-")
