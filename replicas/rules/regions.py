"""Rules about the region of an endpoint: features and instance types that the region must have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.catalogue.instances import instance_types
from replicas.catalogue.regions import offers_components
from replicas.endpoint.containers import Container
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import text_of
from replicas.endpoint.variants import Variant
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.demands import types_of
from replicas.rules.finding import Case

_REGISTRY = re.compile(r"[^/]+\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)\.[^/]+/")
_ZERO_INSTANCES_REFUSED = {
    "eu-west-3": "'Min instance count needs to be greater than 0' (stdapi-ai/stdapi.ai issue 43, 27 August 2026)"
}
"""Regions that are known to refuse an endpoint without instances, with the refusal and its source."""


def registry_region(container: Container) -> str | None:
    """Return the region of the private registry of AWS that holds a container's image; None if it is not known."""
    match = _REGISTRY.match(text_of(container.image))
    return match["region"] if match else None


def regions_of(variant: Variant) -> tuple[str, ...] | None:
    """Return the regions that have all instance types of a variant, and inference components if it hosts any.

    The result is None if an instance type is unknown.
    """
    names = variant.instances.type_names
    types = [instance_types().get(name) for name in names]
    offers = [set(instance.hosting_regions) for instance in types if instance is not None]
    if not offers or len(offers) < len(names):
        return None
    regions = sorted(set.intersection(*offers))
    return tuple(region for region in regions if not variant.components or offers_components(region))


@rule(
    "region-without-components",
    checks="CloudFormation does not support inference components in the region.",
    why="CloudFormation refuses the stack, possibly after it has created other resources",
    source="data/regions.json",
)
def region_without_components(topology: Topology) -> Iterator[Case]:
    """The region must have the resource type for inference components."""
    region = topology.region
    if region is not None and not offers_components(region):
        for component in topology.components:
            yield Case(subject=component.subject, numbers={"region": region})


@rule(
    "region-without-instance",
    checks="The region does not offer an instance type.",
    why="the creation of the endpoint fails",
    source="data/instances.json: regions with a hosting price",
    enforced=enforced_by("CreateEndpoint", "assumed", "the price list has no hosting price of the type in the region"),
)
def region_without_instance(topology: Topology) -> Iterator[Case]:
    """The region must have the instance types. If the region is unknown, at least one region must have all of them."""
    region = topology.region
    for variant in topology.variants:
        if region is None and regions_of(variant) == ():
            names = " and ".join(instance.name for instance in types_of(variant.instances))
            subject = variant.configuration.subject
            yield Case(subject=subject, kind="anywhere", numbers={"instance_type": names}, certain=False)
        for instance in types_of(variant.instances) if region is not None else ():
            if region not in instance.hosting_regions:
                numbers = {
                    "region": region,
                    "instance_type": instance.name,
                    "regions": instance.hosting_regions,
                }
                yield Case(subject=variant.configuration.subject, numbers=numbers)


@rule(
    "image-in-other-region",
    checks="The registry of a container's image is in another region than the endpoint.",
    why="SageMaker accepts only images from the endpoint's region",
    source="SageMaker API reference, ContainerDefinition, Image: in the same region as the model or endpoint",
    enforced=enforced_by("CreateModel", "documented", "SageMaker API reference, ContainerDefinition, Image"),
)
def image_in_other_region(topology: Topology) -> Iterator[Case]:
    """An image in a private registry of AWS must be in the region of the endpoint."""
    for subject, container in topology.declared_containers if topology.region else ():
        given = registry_region(container)
        if given is not None and given != topology.region:
            numbers = {"image": text_of(container.image), "given": given, "region": topology.region}
            yield Case(subject=subject, numbers=numbers)


@rule(
    "zero-instances-refused",
    severity="warning",
    checks="A variant has MinInstanceCount=0 in a region that has refused this value (warning).",
    why="the region has refused it: {seen}",
    source="stdapi-ai/stdapi.ai issue 43, 27 August 2026",
    enforced=enforced_by("CreateEndpointConfig", "quoted", _ZERO_INSTANCES_REFUSED["eu-west-3"]),
)
def zero_instances_refused(topology: Topology) -> Iterator[Case]:
    """An endpoint must have at least one instance in a region that refuses zero instances."""
    seen = _ZERO_INSTANCES_REFUSED.get(topology.region or "")
    for variant in topology.variants if seen else ():
        if variant.instances.least == 0:
            numbers = {"region": topology.region, "seen": seen}
            yield Case(subject=variant.configuration.subject, numbers=numbers)
