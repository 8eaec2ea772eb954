"""Finds all layouts of a model on one instance: quantization, engine, instance type and tensor-parallel degree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model, find_model, quantized_sibling
from replicas.catalogue.prices import Price
from replicas.catalogue.quantization import METHODS
from replicas.deployment.deployment import Component, Deployment
from replicas.engines import Engine, find_engine
from replicas.errors import RecommendError, SizingError
from replicas.forecast.copies import CopyEngine, copy_engine
from replicas.planning.planner import plan
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.recommend.requirements import Requirements, Subject
from replicas.sizing.resolved import unsupported
from replicas.units import counted

UNNAMED_SECRET = "name-of-your-secret"  # noqa: S105 (a placeholder)
"""Placeholder for the secret of a gated model in the generated Python lines, if no secret was given."""


@dataclass(frozen=True)
class Weights:
    """One quantization that is available for the model."""

    label: str
    """`none`, or the quantization method."""
    model: str
    quantization: str | None
    """Quantization option of the component; None if the checkpoint is already stored in this quantization."""
    publisher: str
    """Owner of the repository of the requested model."""


@dataclass(frozen=True)
class Candidate:
    """A layout that fits one instance, with as many copies as fit."""

    deployment: Deployment
    plan: EndpointPlan
    engine: CopyEngine
    weights: Weights
    fallbacks: tuple[Candidate, ...] = ()
    """The same copies on each fallback instance type, if the endpoint has instance pools."""

    @property
    def members(self) -> tuple[Candidate, ...]:
        """The layout on each instance type of its pool: this one and the fallbacks."""
        return (self, *self.fallbacks)

    @property
    def instance_types(self) -> tuple[str, ...]:
        """Names of the instance types of the pool, in the order in which SageMaker tries them."""
        return tuple(member.instance.name for member in self.members)

    @property
    def price(self) -> Price | None:
        """On-demand price of one instance an hour, of the dearest type of the pool; None if one type has no price."""
        prices = [member.plan.price for member in self.members]
        return None if None in prices else max((price for price in prices if price), key=lambda price: price.usd)

    @property
    def usd_per_hour(self) -> float | None:
        """On-demand price an hour of one instance, without the source; None if one type of the pool has no price."""
        return None if self.price is None else self.price.usd

    @property
    def component(self) -> ComponentPlan:
        """The only component of the deployment."""
        return self.plan.components[0]

    @property
    def instance(self) -> Instance:
        """Instance type of the layout."""
        return self.plan.instance

    @property
    def layout(self) -> tuple[object, ...]:
        """Identity of the layout. Candidates with the same layout differ only in host and price."""
        card = (self.instance.accelerator, self.instance.accelerator_memory_mib)
        # Types of a pool differ in more than host and price, so that every pool is a layout of its own.
        pool = self.instance_types if self.fallbacks else ()
        return (*card, self.weights, str(self.component.engine), self.component.accelerators, pool)

    @property
    def is_quantized(self) -> bool:
        """True if the weights are quantized."""
        return self.weights.label != "none"

    @property
    def is_first_party(self) -> bool:
        """True if the weights come from the publisher of the requested model."""
        return self.weights.model.partition("/")[0] == self.weights.publisher

    def on(self, instances: int) -> EndpointPlan:
        """Return the plan of the layout on this number of instances."""
        return self.plan if instances == 1 else plan(self.deployed(instances))

    def deployed(self, instances: int) -> Deployment:
        """Return the deployment on this number of instances.

        The deployment states engine, degree and copies, so that later defaults do not change them.
        """
        component = replace(self.deployment.components[0], copies=self.component.copies * instances)
        return replace(self.deployment, instances=instances, components=[component])


@dataclass(frozen=True)
class Unfit:
    """A combination of instance type, weights and engine that cannot be used, and the reason."""

    instance: str
    weights: str
    engine: str
    reason: str
    """Reason without numbers. Combinations with the same reason are counted."""
    detail: str


def candidates(requirements: Requirements, subject: Subject) -> tuple[list[Candidate], list[Unfit]]:
    """Return the layouts that fit, and the combinations of instance type, weights and engine without a layout.

    Raises:
        RecommendError: a requested quantization is not available for the model.

    """
    offers = weights_on_offer(subject.model, table=requirements.config is None)
    labels = [offer.label for offer in offers]
    unknown = [name for name in requirements.quantizations if name not in labels]
    if unknown:
        on_offer = f"on offer for {subject.model.id}: {', '.join(labels)}"
        raise RecommendError(
            f"nothing can be recommended for {requirements.model}",
            [f"quantization {name!r}: {on_offer}" for name in unknown],
        )
    chosen = [offer for offer in offers if not requirements.quantizations or offer.label in requirements.quantizations]
    fitting: list[Candidate] = []
    unfit: list[Unfit] = []
    for engine in map(find_engine, requirements.engines):
        for weights in chosen:
            others = [
                (other, *_on_instance(requirements, subject, engine, weights, other)) for other in subject.fallbacks
            ]
            for instance in subject.instances:
                layouts, why = _on_instance(requirements, subject, engine, weights, instance)
                if layouts and others:
                    layouts, why = _pools(layouts, others)
                fitting += layouts
                if not layouts:
                    unfit.append(Unfit(instance.name, weights.label, str(engine), *why))
    return fitting, unfit


def weights_on_offer(model: Model, *, table: bool) -> list[Weights]:
    """Return the available quantizations of a model.

    These are the stored format, quantized checkpoints of the same model in the catalogue (only if `table` is true), and
    FP8 computed at start-up if no FP8 checkpoint exists.
    """
    stored = model.quantization.method if model.quantization else "none"
    publisher = model.id.partition("/")[0]
    offers = [Weights(stored, model.id, None, publisher)]
    if model.quantization:
        return offers
    for method in METHODS:
        sibling = quantized_sibling(model, method) if table else None
        if sibling and find_model(sibling).chat == model.chat:  # otherwise only the architecture is the same
            offers.append(Weights(method, sibling, None, publisher))
    if not any(offer.label == "fp8" for offer in offers):
        offers.append(Weights("fp8", model.id, "fp8", publisher))
    return offers


def _on_instance(
    requirements: Requirements, subject: Subject, engine: Engine, weights: Weights, instance: Instance
) -> tuple[list[Candidate], tuple[str, str]]:
    """Return the layouts at every degree that fits. If none fits, return the general and the detailed reason."""
    if requirements.region and requirements.region not in instance.hosting_regions:
        return [], ("no hosting price in the region", f"{instance.name} in {requirements.region}")
    facts = subject.model if requirements.config else find_model(weights.model)
    if reason := unsupported(engine, facts, instance):
        return [], ("no image or kernel of the engine runs on its accelerators", reason)
    quantization = METHODS[weights.quantization] if weights.quantization else facts.quantization
    if problems := engine.problems(facts, quantization):
        return [], ("the engine does not serve the model in this form", problems[0])
    fitting, refusal = [], ""
    for degree in _degrees(instance):
        deployment = _deployment(requirements, subject, facts, engine, weights, instance, degree)
        try:
            planned = plan(deployment)
            fitting.append(Candidate(deployment, planned, copy_engine(planned.components[0], instance), weights))
        except SizingError as refused:
            refusal = refused.problems[0]
        except LookupError as unknown:
            return [], ("the speed of its accelerators is not known", str(unknown.args[0]))
    return fitting, ("no copy fits", refusal)


def _pools(
    layouts: Sequence[Candidate], others: Sequence[tuple[Instance, Sequence[Candidate], tuple[str, str]]]
) -> tuple[list[Candidate], tuple[str, str]]:
    """Return the layouts of an instance type that fit all types of its pool, or the reason why none does.

    An instance has as many copies as fit on each type of the pool.

    Args:
        layouts: the layouts of the first instance type.
        others: each fallback instance type, its layouts, and the general and the detailed reason if it has none.

    """
    pools, refusal = [], ""
    for other, fitting, why in others:
        if not fitting:
            return [], ("a fallback instance type does not fit", f"on {other.name}: {why[0]}: {why[1]}")
    for first in layouts:
        members = [first]
        for other, fitting, _ in others:
            same = [each for each in fitting if each.component.accelerators == first.component.accelerators]
            refusal = refusal if same else f"on {other.name}: {_no_copy(first)}"
            members += same
        if len(members) <= len(others):
            continue
        try:
            pools.append(_pool(members))
        except SizingError as refused:
            refusal = refused.problems[0]
    return pools, ("no copy fits all types of the pool", refusal)


def _no_copy(first: Candidate) -> str:
    return f"no copy fits over {counted(first.component.accelerators, 'accelerator', 'accelerators')}"


def _pool(members: Sequence[Candidate]) -> Candidate:
    """Return the layout on a pool of the members' instance types.

    Raises:
        SizingError: the members cannot be the instance types of one endpoint.

    """
    first, *others = members
    component = replace(first.deployment.components[0], copies=min(member.component.copies for member in members))
    deployment = replace(
        first.deployment,
        components=[component],
        fallback_instance_types=[other.instance.name for other in others],
    )
    planned = plan(deployment)
    fallbacks = tuple(
        replace(other, plan=there, engine=copy_engine(there.components[0], there.instance))
        for other, there in zip(others, planned.fallbacks, strict=True)
    )
    engine = copy_engine(planned.components[0], planned.instance)
    return Candidate(deployment, planned, engine, first.weights, fallbacks)


def _degrees(instance: Instance) -> Iterator[int]:
    degree = 1
    while degree <= instance.accelerators:
        yield degree
        degree *= 2


def _deployment(
    requirements: Requirements,
    subject: Subject,
    facts: Model,
    engine: Engine,
    weights: Weights,
    instance: Instance,
    degree: int,
) -> Deployment:
    secret = requirements.token_secret or UNNAMED_SECRET
    component = Component(
        model=weights.model,
        config=requirements.config,
        quant_config=requirements.quant_config,
        engine=str(engine),
        quantization=weights.quantization,
        tensor_parallel=degree,
        max_total_tokens=subject.max_total_tokens,
        token_secret=secret if facts.gated else None,
        traffic=requirements.traffic,
    )
    return Deployment(
        name=deployment_name(weights.model),
        instance_type=instance.name,
        components=[component],
        region=requirements.region,
    )


def deployment_name(model: str) -> str:
    """Return a stack name derived from a repository name: `llama-3-1-8b` for `meta-llama/Llama-3.1-8B`."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in model.split("/")[-1])
    name = "-".join(words.lower().split())[:60].strip("-")
    return name if name[:1].isalpha() else f"model-{name}".strip("-")
