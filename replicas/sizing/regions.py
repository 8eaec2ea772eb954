"""What a region must have for a deployment, and how old the data is that says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from replicas.sizing import data
from replicas.sizing.images import Image
from replicas.sizing.instances import Instance

DATED_FILES = (
    "accelerators",
    "amis",
    "claims",
    "engines",
    "images",
    "instances",
    "models",
    "prices",
    "regions",
)
_AGE_LIMIT_DAYS = 365


def region_problems(region: str, instance: Instance, images: Sequence[Image]) -> list[str]:
    """Why a deployment cannot go to a region: the CloudFormation type, the instance type or an image is missing."""
    found = []
    types = data.load("regions")
    if region not in types["inference_component_type"]:
        found.append(
            f"region {region}: CloudFormation does not know AWS::SageMaker::InferenceComponent there "
            f"({types['source']}); regions that do: {', '.join(types['inference_component_type'])}"
        )
    if region not in instance.hosting_regions:
        offers = ", ".join(instance.hosting_regions) or "none"
        found.append(f"region {region}: {instance.name} has no hosting price there; regions that have: {offers}")
    for image in dict.fromkeys(images):
        if region not in image.accounts:
            found.append(
                f"region {region}: no registry account is known for the image {image.repository}; "
                f"regions: {', '.join(image.accounts)}"
            )
    return found


def data_warnings(region: str | None, today: date) -> list[str]:
    """One sentence for each data file that was gathered over a year ago, where a named region was checked by them.

    Today is given and not read: no clock has a part in a plan or a template.
    """
    if region is None:
        return []
    return [
        f"{name}.json was gathered on {gathered}, over a year ago: `make refresh-data`, or check its figures"
        for name in DATED_FILES
        if (today - date.fromisoformat(gathered := data.load(name)["retrieved"])).days > _AGE_LIMIT_DAYS
    ]
