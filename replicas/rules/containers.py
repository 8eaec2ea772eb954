"""Rules about containers: tensor-parallel degree, host memory, drivers and environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from replicas.catalogue import data
from replicas.endpoint.components import Claims, Specification
from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, number_of
from replicas.endpoint.variants import Variant
from replicas.engines import EngineKind, engine_kinds, engine_of_image
from replicas.engines.containers import HostCache
from replicas.rules.declaration import rule
from replicas.rules.demands import Demand, demands_of, instance_of
from replicas.rules.finding import Case, Unjudged

_CUDA_IN_TAG = re.compile(r"(?:^|-)cu(\d{2})\d(?:-|$)")


@rule(
    "tensor-parallel-mismatch",
    checks="The engine's tensor-parallel degree differs from the number of accelerators that a copy reserves.",
    why="an engine with too high a degree exits at start, and one with too low a degree leaves paid accelerators idle",
)
def tensor_parallel_mismatch(topology: Topology) -> Iterator[Case | Unjudged]:
    """The engine's tensor-parallel degree must equal the number of accelerators that a copy reserves."""
    for subject, specification, accelerators in _sharded(topology):
        container = specification.container
        kind = engine_of_image(container.repository)
        for name in _degree_variables(container, kind):
            given = container.variable(name)
            if isinstance(given, Unknown) and name in container.environment:
                question = "whether it equals the accelerators of a copy"
                yield Unjudged(subject=subject, question=question, quantity="degree", unknown=given, given=name)
            if not isinstance(given, str):
                continue
            # A word such as "max" means all accelerators of the copy, so it always matches.
            degree, multiple = number_of(given), _multiple(container, name)
            if isinstance(degree, Fraction) and not _uses_all(container, kind, degree * multiple, accelerators):
                numbers = {"variable": name, "degree": given, "accelerators": accelerators}
                yield Case(subject=subject, kind="" if multiple == 1 else "product", numbers=numbers)

    yield from _above_instance(topology)


def _above_instance(topology: Topology) -> Iterator[Case]:
    """Yield a case for each model on a variant without components whose degree exceeds the accelerators of an instance.

    A lower degree does not break the rule, because the variant reserves nothing for the model.
    """
    for variant in topology.variants:
        settings, instance = variant.settings, instance_of(variant.instances)
        if settings.container is None or instance is None or not settings.has_model:
            continue
        container, kind = settings.container, engine_of_image(settings.container.repository)
        for name in _degree_variables(container, kind) if kind else ():
            degree, multiple = number_of(container.variable(name)), _multiple(container, name)
            if isinstance(degree, Fraction) and degree * multiple > instance.accelerators:
                numbers = {
                    "variable": name,
                    "degree": f"{float(degree):g}",
                    "accelerators": instance.accelerators,
                    "instance_type": instance.name,
                }
                yield Case(subject=settings.model or variant.configuration.subject, kind="alone", numbers=numbers)


def _degree_variables(container: Container, kind: EngineKind | None) -> list[str]:
    """Return the variables that can set the degree: the first such variable that the container has or, if it has none,
    all of them.

    For an unknown engine, the variables of all engines are returned.
    """
    if kind is None or not kind.variables.tensor_parallel:
        return list(dict.fromkeys(name for each in engine_kinds().values() for name in each.variables.tensor_parallel))
    names = kind.variables.tensor_parallel
    return [name for name in names if name in container.environment][:1] or list(names)


def _uses_all(container: Container, kind: EngineKind | None, together: Fraction, accelerators: int) -> bool:
    """Return whether an engine with this degree uses all accelerators of a copy."""
    if kind is None or not kind.variables.fills_accelerators:
        return together == accelerators
    serves_adapters = any(container.variable(name) is not None for name in kind.variables.serves_adapters)
    return together == accelerators if serves_adapters else together > 0 and accelerators % together == 0


@rule(
    "tensor-parallel-missing",
    checks="A copy has several accelerators, its engine uses only one by default, and no variable sets the degree.",
    why="{engine} runs at degree {default}: {idle} of {accelerators} accelerators of each copy are idle",
)
def tensor_parallel_missing(topology: Topology) -> Iterator[Case]:
    """A variable must set the tensor-parallel degree if a copy has more accelerators than the engine uses by default.

    The rule is not broken if other kinds of parallelism already use all accelerators.
    """
    for subject, specification, accelerators in _sharded(topology):
        container = specification.container
        kind = engine_of_image(container.repository)
        default = kind.variables.tensor_parallel_default if kind else None
        if kind is None or default is None or accelerators <= default:
            continue
        name, *others = kind.variables.tensor_parallel
        if any(container.variable(variable) is not None for variable in (name, *others)):
            continue
        if default * _multiple(container, name) != accelerators:
            numbers = {
                "variable": name,
                "repository": container.repository,
                "engine": kind.title,
                "default": default,
                "accelerators": accelerators,
                "idle": accelerators - default,
                "ignored": "".join(
                    f"; {ignored_variable} is not read by this image" for ignored_variable in _unread(container, kind)
                ),
            }
            yield Case(subject=subject, numbers=numbers)


def _unread(container: Container, kind: EngineKind) -> list[str]:
    """Return the container's variables that set the tensor-parallel degree only for other engines."""
    others = [name for other in engine_kinds().values() for name in other.variables.tensor_parallel]
    return [name for name in others if name in container.environment and name not in kind.variables.tensor_parallel]


def _sharded(topology: Topology) -> Iterator[tuple[Subject, Specification, int]]:
    """Yield the component specifications whose number of accelerators is known and whole."""
    for component in topology.hosting_components:
        for specification in component.specifications:
            claims = specification.claims
            accelerators = claims.accelerators if isinstance(claims, Claims) else None
            if isinstance(accelerators, Fraction) and accelerators.denominator == 1:
                yield component.subject, specification, int(accelerators)


def _multiple(container: Container, name: str) -> Fraction:
    """Return the product of the engine's other parallel factors. The degree in a variable is multiplied by it."""
    multiple = Fraction(1)
    factors = [
        factor
        for kind in engine_kinds().values()
        if name in kind.variables.tensor_parallel
        for factor in kind.variables.parallel_factors
    ]
    for factor in factors:
        value = number_of(container.variable(factor))
        multiple *= value if isinstance(value, Fraction) else 1
    return multiple


@rule(
    "lmcache-per-copy",
    checks="Several copies on one host each reserve half of the host's memory for a cache.",
    why="each copy reserves {share} % of the host's memory for its cache: {all_shares} % together",
    source="aws/deep-learning-containers, start-up script of the image",
)
def lmcache_per_copy(topology: Topology) -> Iterator[Case]:
    """Several copies on one host must not each reserve the default share of its memory for a cache."""
    for variant in topology.variants:
        for cache in [kind.host_cache for kind in engine_kinds().values() if kind.host_cache]:
            yield from _host_caches(variant, cache)


def _host_caches(variant: Variant, cache: HostCache) -> Iterator[Case]:
    caching = [demand for demand in demands_of(variant) if _may_cache(demand, cache)]
    copies = sum(demand.copies or 0 for demand in caching)
    together = _most_together(variant, caching)
    starting = variant.instances.at_start
    for demand in caching:
        container = demand.component.specifications[0].container
        if together < 2 or _is_mended(container, cache, together):
            continue
        share = int(cache.default_share * 100)
        numbers = {
            "repository": cache.repository,
            "switch": cache.switch,
            "share_variable": cache.share_variable,
            "copies": copies,
            "together": together,
            "share": share,
            "all_shares": together * share,
            "fraction": f"{float(cache.default_share / together):.2g}",
        }
        # The case is certain only if there are more copies than initial instances.
        certain = starting is not None and copies > starting
        yield Case(subject=demand.component.subject, numbers=numbers, certain=certain)


def _may_cache(demand: Demand, cache: HostCache) -> bool:
    """Return whether the image has the host cache and the cache may be on."""
    specification = demand.component.only_specification
    if specification is None or specification.container.repository != cache.repository:
        return False
    return specification.container.variable(cache.switch) != "0"


def _most_together(variant: Variant, demands: Sequence[Demand]) -> int:
    """Return the maximum number of these copies on one instance of the variant."""
    instance = instance_of(variant.instances)
    left, together = instance.accelerators if instance else 0, 0
    for demand in sorted(demands, key=lambda demand: demand.accelerators or 0):
        if demand.copies and demand.accelerators:
            fitting = min(demand.copies, left // demand.accelerators)
            left, together = left - fitting * demand.accelerators, together + fitting
    return together


def _is_mended(container: Container, cache: HostCache, together: int) -> bool:
    """Return whether the caches of all copies on the host fit its memory, or their size is unknown."""
    share = container.variable(cache.share_variable)
    if isinstance(share, Unknown) or isinstance(container.variable(cache.switch), Unknown):
        return True
    fraction = number_of(share)
    return isinstance(fraction, Fraction) and fraction * together <= cache.default_share


@rule(
    "ami-too-old",
    checks="The driver of the instances is too old for an image with CUDA 13.",
    why="the driver is too old for the image: the container fails to start and writes no log",
    source="data/amis.json",
)
def ami_too_old(topology: Topology) -> Iterator[Case | Unjudged]:
    """An image with CUDA 13 needs a recent driver, but the default AMI of older instance families has an old driver."""
    amis = data.load("amis")
    for variant in topology.variants:
        instance_type = variant.instances.type_name or ""
        if instance_type.removeprefix("ml.").split(".")[0] not in amis["families"]:
            continue
        newest = max((_cuda_major(container) for container in _containers_of(variant)), default=0)
        good = [ami["name"] for ami in amis["amis"] if int(ami["runs_cuda"].split(".")[0]) >= newest]
        if newest < 13 or not good:
            continue
        given, subject = variant.settings.ami, variant.configuration.subject
        if isinstance(given, str) and given not in [ami["name"] for ami in amis["amis"]]:
            given = Unknown(f"{given} is not in the table of AMIs")
        if isinstance(given, Unknown):
            question = f"whether its driver runs CUDA {newest}"
            yield Unjudged(subject=subject, question=question, quantity="ami", unknown=given)
        elif given not in good:
            numbers = {"ami": given, "instance_type": instance_type, "cuda": newest, "good": good[0]}
            yield Case(subject=subject, kind="default" if given is None else "", numbers=numbers)


def _containers_of(variant: Variant) -> Iterator[Container]:
    if variant.settings.container:
        yield variant.settings.container
    for component in variant.components:
        for specification in component.specifications:
            yield specification.container


def _cuda_major(container: Container) -> int:
    """Return the major CUDA version in the image tag, for example 13 for `cu130`; 0 if the tag has no version."""
    match = _CUDA_IN_TAG.search(container.tag or "")
    return int(match[1]) if match else 0
