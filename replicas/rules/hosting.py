"""Facts about SageMaker hosting: instance types, regions, and AWS's registries of serving containers.

Other packages, such as the embedded AWS, read these facts from this module instead of the catalogue's tables, so that
they use the same values as the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from replicas.catalogue.instances import instance_types
from replicas.catalogue.regions import known_regions
from replicas.endpoint.packing import Resources
from replicas.engines import engine_kinds
from replicas.sizing import claims


@dataclass(frozen=True, kw_only=True)
class HostType:
    """An instance type with accelerators that can host an endpoint."""

    name: str
    claimable: Resources
    """Resources that all copies on one instance can reserve together: every accelerator, and the CPU and memory that
    the rules accept (`replicas.sizing.claims`)."""
    vcpus: int
    memory_mib: int
    nvme_gb: int
    """Local storage in GB; 0 for instance types without local storage."""
    regions: frozenset[str]
    """Regions in which endpoints can use the instance type."""


@cache
def host_types() -> Mapping[str, HostType]:
    """Return every instance type that the rules know, by its name."""
    return {
        name: HostType(
            name=name,
            claimable=claims.host(instance),
            vcpus=instance.vcpus,
            memory_mib=instance.memory_mib,
            nvme_gb=instance.nvme_gb,
            regions=frozenset(instance.hosting_regions),
        )
        for name, instance in instance_types().items()
    }


def regions() -> frozenset[str]:
    """Return every region that the rules know."""
    return frozenset(known_regions())


def published_tags(account: str, region: str, repository: str) -> frozenset[str] | None:
    """Return the tags of the serving containers that AWS publishes in one of its own ECR repositories.

    The result is None if no repository of this account, region and name is known.
    """
    tags = {
        image.tag
        for kind in engine_kinds().values()
        for image in kind.images()
        if image.repository == repository and image.accounts.get(region) == account
    }
    return frozenset(tags) or None
