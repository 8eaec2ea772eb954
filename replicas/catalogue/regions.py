"""Checks that a region has the services and images that a deployment needs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from replicas.catalogue import data
from replicas.catalogue.images import Image


def known_regions() -> list[str]:
    """Return every region in the data."""
    return sorted({*data.load("regions")["inference_component_type"], *data.load("registries")["accounts"]})


def offers_components(region: str) -> bool:
    """True if CloudFormation supports AWS::SageMaker::InferenceComponent in the region."""
    return region in data.load("regions")["inference_component_type"]


def neighbours(region: str, regions: Iterable[str]) -> str:
    """Return the regions of the same partition, comma-separated; regions in the same part of the world come first."""
    partitions = ("us-gov-", "us-iso", "eu-iso", "eusc-", "cn-")

    def partition(name: str) -> str:
        return next((start for start in partitions if name.startswith(start)), "aws")

    near = [name for name in regions if partition(name) == partition(region)]
    return ", ".join(sorted(near, key=lambda name: (name[:2] != region[:2], name))) or "none"


def components_source() -> tuple[str, list[str]]:
    """Return two values: the source of the list of regions that support AWS::SageMaker::InferenceComponent, and this
    list.
    """
    types = data.load("regions")
    return types["source"], types["inference_component_type"]


def region_problems(region: str, images: Sequence[Image]) -> list[str]:
    """Return why images cannot be pulled in a region: the region is not known, or has no registry for them."""
    if region not in known_regions():
        near = difflib.get_close_matches(region, known_regions(), n=3)
        return [f"region {region!r} is not known" + (f"; near: {', '.join(near)}" if near else "")]
    return [
        f"region {region}: no registry account is known for the image {image.repository}; "
        f"regions: {neighbours(region, image.accounts)}"
        for image in dict.fromkeys(images)
        if region not in image.accounts
    ]
