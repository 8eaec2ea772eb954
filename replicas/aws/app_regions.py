"""Regions of this app's stacks, as named in deployments.py and in the last cloud assembly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from replicas.deployment.file import FILE, read_entries
from replicas.errors import CatalogueError

_ASSEMBLY = Path("cdk.out")
_ANY = "unknown-region"
"""Region in a cloud assembly for a stack without a region. The environment decides where it is deployed."""


@dataclass(frozen=True)
class AppRegion:
    """A region, with the stacks of this app that are deployed there."""

    region: str
    stacks: tuple[str, ...]


def app_regions() -> list[AppRegion]:
    """Return the regions named in deployments.py and in the manifest of cdk.out, both in the current folder."""
    stacks: dict[str, list[str]] = {}
    for region, stack in [*_of_entries(), *_of_assembly()]:
        stacks.setdefault(region, []).append(stack)
    return [AppRegion(region, tuple(dict.fromkeys(names))) for region, names in stacks.items()]


def _of_entries() -> Iterator[tuple[str, str]]:
    try:
        entries = read_entries() if FILE.is_file() else []
    except CatalogueError:
        return  # a file that cannot be read names no region
    for entry in entries:
        if isinstance(entry.region, str) and isinstance(entry.name, str):
            yield entry.region, entry.name


def _of_assembly() -> Iterator[tuple[str, str]]:
    try:
        artifacts = json.loads((_ASSEMBLY / "manifest.json").read_bytes())["artifacts"].items()
        for key, artifact in artifacts:
            if artifact["type"] == "aws:cloudformation:stack":
                region = str(artifact["environment"]).rpartition("/")[2]
                if region != _ANY:
                    yield region, str(artifact.get("properties", {}).get("stackName", key))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # no cloud assembly, or a manifest that the CDK did not write
