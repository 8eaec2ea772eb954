"""Container images, their registry accounts, and the driver (AMI) that their CUDA needs."""

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
    """CUDA version inside, `major.minor`."""
    accounts: Mapping[str, str]
    """Registry account of each region that has the image."""

    def has_cuda(self, version: str) -> bool:
        """True where the image's CUDA is that version or newer."""
        return Version(self.cuda) >= Version(version)


@cache
def deep_learning_accounts() -> frozenset[str]:
    """Accounts of AWS that publish Deep Learning Containers, of all regions."""
    return frozenset(data.load("registries")["accounts"].values())


def inference_ami_version(instance: Instance, images: list[Image]) -> str | None:
    """The `InferenceAmiVersion` whose driver runs every one of these images; None where the default does.

    A container whose CUDA is newer than the driver fails to start without writing a log line. A newer driver
    runs older CUDA, so the newest image decides.
    """
    amis = data.load("amis")
    if instance.family not in amis["families"]:
        return None
    needed = max(Version(image.cuda) for image in images)
    if needed <= Version(amis["default_cuda"]):
        return None
    chosen: str = next(ami["name"] for ami in amis["amis"] if Version(ami["runs_cuda"]) >= needed)
    return chosen
