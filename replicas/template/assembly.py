"""Reads the templates of all stacks, and their regions, from a cloud assembly (`cdk.out`, written by `cdk synth`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.errors import ProofError, unreadable

MANIFEST = "manifest.json"
_NESTED = "*.nested.template.json"
_ENVIRONMENT = re.compile(r"aws://[^/]*/(?P<region>[^/]+)")
_ANY_REGION = "unknown-region"


@dataclass(frozen=True)
class StackTemplate:
    """The template of a stack in an assembly."""

    path: Path
    region: str | None
    """Region of the stack; None if the stack can be deployed to any region."""


def stack_templates(folder: Path) -> Iterator[StackTemplate]:
    """Yield the templates of an assembly in the order of the manifests, with nested stacks at the end.

    Assemblies of stages are included. No manifest names nested stacks, so a nested stack gets the region of the stacks
    in its folder if all of them have the same region. Raises `ProofError` if a manifest cannot be read or names a
    folder outside the assembly.
    """
    regions: set[str | None] = set()
    for artifact in _artifacts(folder / MANIFEST):
        properties = artifact.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        match artifact.get("type"):
            case "aws:cloudformation:stack" if isinstance(name := properties.get("templateFile"), str):
                region = _region(artifact.get("environment"))
                regions.add(region)
                yield StackTemplate(folder / name, region)
            case "cdk:cloud-assembly" if isinstance(name := properties.get("directoryName"), str):
                inner = folder / name
                if folder.resolve() not in inner.resolve().parents:
                    raise ProofError(f"{folder / MANIFEST}: the folder {name} is outside of the assembly")
                yield from stack_templates(inner)
    for file in sorted(folder.glob(_NESTED)):
        yield StackTemplate(file, next(iter(regions)) if len(regions) == 1 else None)


def nested_templates(parent: Path, template: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Yield the nested stacks of a stack by logical id, with their templates in the same folder.

    The CDK stores the file name of the template in the metadata of the resource.
    """
    resources = template.get("Resources")
    for logical_id, body in resources.items() if isinstance(resources, Mapping) else ():
        metadata = body.get("Metadata") if isinstance(body, Mapping) else None
        name = metadata.get("aws:asset:path") if isinstance(metadata, Mapping) else None
        if not isinstance(name, str) or body.get("Type") != "AWS::CloudFormation::Stack":
            continue
        file = parent.parent / name
        if Path(name).name == name and file.is_file():
            yield str(logical_id), file


def regions_of(templates: Iterable[Path]) -> dict[Path, str | None]:
    """Return the region of each template's stack, as the manifest in its folder names it; None if the manifest names no
    region.
    """
    paths = list(templates)
    known = {
        stack.path: stack.region
        for folder in {path.parent for path in paths}
        if (folder / MANIFEST).is_file()
        for stack in stack_templates(folder)
    }
    return {path: known.get(path) for path in paths}


def _artifacts(manifest: Path) -> list[Mapping[str, Any]]:
    try:
        content = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError) as fault:
        raise ProofError(f"{manifest}: cannot be read: {unreadable(fault)}") from fault
    artifacts = content.get("artifacts") if isinstance(content, Mapping) else None
    if not isinstance(artifacts, Mapping):
        raise ProofError(f"{manifest}: not the manifest of a cloud assembly: it has no object `artifacts`")
    return [artifact for artifact in artifacts.values() if isinstance(artifact, Mapping)]


def _region(environment: Any) -> str | None:
    match = _ENVIRONMENT.fullmatch(environment) if isinstance(environment, str) else None
    return match["region"] if match and match["region"] != _ANY_REGION else None
