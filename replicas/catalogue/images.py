"""Container images, their registry accounts, and the driver (AMI) that their CUDA version needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from packaging.version import Version

from replicas.catalogue import data
from replicas.catalogue.instances import Instance


@dataclass(frozen=True, eq=False)
class Image:
    """A Deep Learning Container."""

    repository: str
    tag: str
    cuda: str
    """CUDA version of the image, as `major.minor`."""
    accounts: Mapping[str, str]
    """Registry account per region; regions without the image are missing."""
    source: str
    """The package whose tables have the image, with its version and the date on which they were read."""

    @property
    def name(self) -> str:
        """Repository and tag."""
        return f"{self.repository}:{self.tag}"

    def has_cuda(self, version: str) -> bool:
        """True if the image's CUDA version is `version` or newer."""
        return Version(self.cuda) >= Version(version)


@cache
def deep_learning_accounts() -> frozenset[str]:
    """Return the AWS accounts that publish Deep Learning Containers, in all regions."""
    return frozenset(data.load("registries")["accounts"].values())


def inference_ami_version(instance: Instance, images: list[Image]) -> str | None:
    """Return the `InferenceAmiVersion` whose driver runs all of these images; None if the default driver runs them.

    A container whose CUDA version is newer than the driver fails to start and writes no log line. A newer driver runs
    older CUDA versions, so the newest CUDA version of the images decides.
    """
    amis = data.load("amis")
    if instance.family not in amis["families"]:
        return None
    needed = max(Version(image.cuda) for image in images)
    if needed <= Version(amis["default_cuda"]):
        return None
    chosen: str = next(ami["name"] for ami in amis["amis"] if Version(ami["runs_cuda"]) >= needed)
    return chosen
