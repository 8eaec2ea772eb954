"""What a region must have for a deployment."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from replicas.catalogue import data
from replicas.catalogue.images import Image
from replicas.catalogue.instances import Instance


def known_regions() -> list[str]:
    """Every region that any of the data names."""
    return sorted({*data.load("regions")["inference_component_type"], *data.load("registries")["accounts"]})


def offers_components(region: str) -> bool:
    """Whether CloudFormation knows AWS::SageMaker::InferenceComponent there."""
    return region in data.load("regions")["inference_component_type"]


def _neighbours(region: str, regions: Iterable[str]) -> str:
    """Those of the same partition, the same part of the world first."""
    partitions = ("us-gov-", "us-iso", "eu-iso", "eusc-", "cn-")

    def partition(name: str) -> str:
        return next((start for start in partitions if name.startswith(start)), "aws")

    near = [name for name in regions if partition(name) == partition(region)]
    return ", ".join(sorted(near, key=lambda name: (name[:2] != region[:2], name))) or "none"


def region_problems(region: str, instance: Instance, images: Sequence[Image]) -> list[str]:
    """Why a deployment cannot go to a region: the CloudFormation type, the instance type or an image is missing."""
    if region not in known_regions():
        near = difflib.get_close_matches(region, known_regions(), n=3)
        return [f"region {region!r} is not known" + (f"; near: {', '.join(near)}" if near else "")]
    found = []
    types = data.load("regions")
    if not offers_components(region):
        found.append(
            f"region {region}: CloudFormation does not know AWS::SageMaker::InferenceComponent there "
            f"({types['source']}); regions that do: {_neighbours(region, types['inference_component_type'])}"
        )
    if region not in instance.hosting_regions:
        found.append(
            f"region {region}: {instance.name} has no hosting price there; regions that have: "
            f"{_neighbours(region, instance.hosting_regions)}"
        )
    for image in dict.fromkeys(images):
        if region not in image.accounts:
            found.append(
                f"region {region}: no registry account is known for the image {image.repository}; "
                f"regions: {_neighbours(region, image.accounts)}"
            )
    return found
