"""Finds the containers of a template or deployment, with the instance types on which their copies may be placed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from replicas.catalogue.instances import instance_types
from replicas.endpoint.components import Claims, Component, Specification
from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Number, Subject, Text
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.endpoint.variants import Variant


@dataclass(frozen=True, kw_only=True)
class Place:
    """A container, the accelerators of one copy, and the instance types on which copies may be placed."""

    subject: Subject
    container: Container
    model: Subject | None
    """The SageMaker model that defines the container; None if it is unknown."""
    accelerators: Number
    types: tuple[Text, ...]
    startup_seconds: Number = None
    """Start-up timeout of a copy, seconds; None for SageMaker's default."""
    download_seconds: Number = None
    """Timeout of the download of the weights, seconds; None for SageMaker's default."""


def places_of(topology: Topology) -> Iterator[Place]:
    """Yield the containers of components that host a model, and of variants that serve a model themselves."""
    variants = {component.subject: variant for variant in topology.variants for component in variant.components}
    for component in topology.hosting_components:
        variant = variants.get(component.subject)
        for specification in component.specifications:
            yield Place(
                subject=component.subject,
                container=specification.container,
                model=specification.model.subject if specification.model else None,
                accelerators=_accelerators(specification),
                types=_types(component, specification, variant),
                startup_seconds=specification.startup_seconds,
                download_seconds=specification.download_seconds,
            )
    for variant in topology.variants:
        settings = variant.settings
        if settings.has_model and settings.container is not None:
            types = _types_of_variant(variant)
            known = instance_types().get(types[0]) if types and isinstance(types[0], str) else None
            yield Place(
                subject=settings.model or variant.configuration.subject,
                container=settings.container,
                model=settings.model,
                accelerators=Fraction(known.accelerators) if known else Unknown("the instance type is not known"),
                types=types,
                startup_seconds=settings.startup_seconds,
                download_seconds=settings.download_seconds,
            )


def _types(component: Component, specification: Specification, variant: Variant | None) -> tuple[Text, ...]:
    if specification.instance_type is not None:
        return (specification.instance_type,)
    if variant is not None:
        return _types_of_variant(variant)
    on = next((text for text in (component.endpoint_text, component.variant_name) if isinstance(text, Unknown)), None)
    return (Unknown("the endpoint or the variant of the component is unknown", on.parameters if on else ()),)


def _types_of_variant(variant: Variant) -> tuple[Text, ...]:
    instances = variant.instances
    return instances.pools if instances.instance_type is None and instances.pools else (instances.instance_type,)


def _accelerators(specification: Specification) -> Number:
    claims = specification.claims
    return claims.accelerators if isinstance(claims, Claims) else claims
