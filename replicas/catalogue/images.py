"""Container images of the engines, their registry accounts, and the driver (AMI) that their CUDA needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

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
        return _number(self.cuda) >= _number(version)


def image_versions(engine: str) -> list[str]:
    """Versions of an engine that have an image, oldest first."""
    return list(data.load("images")["images"][engine]["versions"])


@cache
def find_image(engine: str, version: str) -> Image | None:
    """The image of an engine's version; None for a version without one."""
    entry = data.load("images")["images"][engine]
    chosen = entry["versions"].get(version)
    if chosen is None:
        return None
    return Image(entry["repository"], chosen["tag"], chosen["cuda"], MappingProxyType(entry["accounts"]))


def inference_ami_version(instance: Instance, images: list[Image]) -> str | None:
    """The `InferenceAmiVersion` whose driver runs every one of these images; None where the default does.

    A container whose CUDA is newer than the driver fails to start without writing a log line. A newer driver
    runs older CUDA, so the newest image decides.
    """
    amis = data.load("amis")
    if instance.family not in amis["families"]:
        return None
    needed = max(_number(image.cuda) for image in images)
    if needed <= _number(amis["default_cuda"]):
        return None
    chosen: str = next(ami["name"] for ami in amis["amis"] if _number(ami["runs_cuda"]) >= needed)
    return chosen


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
