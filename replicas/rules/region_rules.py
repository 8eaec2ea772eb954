"""What a template needs of the region that it is meant for."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.catalogue.instances import instance_types
from replicas.catalogue.regions import known_regions, offers_components
from replicas.endpoint.values import at, number_of
from replicas.errors import ProofError
from replicas.rules.demands import instance_type_of
from replicas.rules.report import Finding
from replicas.template.endpoints import View

_ZERO_INSTANCES_REFUSED = {
    "eu-west-3": "'Min instance count needs to be greater than 0' (stdapi-ai/stdapi.ai issue 43, 27 August 2026)"
}
"""Regions that have been seen to refuse an endpoint without instances, and who saw it."""


def missing_in_region(view: View, region: str) -> Iterator[Finding]:
    """The resource type or an instance type that the region does not have.

    Raises:
        ProofError: there is no such region.

    """
    if region not in known_regions():
        raise ProofError(f"no region {region!r} is known; regions: {', '.join(known_regions())}")
    if not offers_components(region):
        for component in view.of_type("InferenceComponent"):
            yield Finding(
                "region-without-components",
                component.logical_id,
                f"CloudFormation does not know AWS::SageMaker::InferenceComponent in {region}",
                "the stack is refused, after its other resources may have been made",
                "another region",
            )
    for variant in view.variants:
        least = number_of(at(variant.properties, "ManagedInstanceScaling", "MinInstanceCount"))
        if least == 0 and region in _ZERO_INSTANCES_REFUSED:
            yield Finding(
                "zero-instances-refused",
                variant.config.logical_id,
                f"MinInstanceCount=0 in {region}",
                f"the region has refused it: {_ZERO_INSTANCES_REFUSED[region]}",
                "MinInstanceCount=1, or a region that takes 0 (us-east-1 does)",
                certain=False,
            )
        instance = instance_types().get(instance_type_of(variant) or "")
        if instance and region not in instance.hosting_regions:
            offers = ", ".join(instance.hosting_regions) or "none"
            yield Finding(
                "region-without-instance",
                variant.config.logical_id,
                f"{instance.name} has no hosting price in {region}",
                "a type that cannot be rented there ends the creation of the endpoint",
                f"another instance type, or a region that has it: {offers}",
            )
