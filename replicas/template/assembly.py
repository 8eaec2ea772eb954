"""Cloud assemblies, as `cdk synth` writes them to `cdk.out`: the templates of all stacks, with the stacks' regions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.errors import ProofError

MANIFEST = "manifest.json"
_ENVIRONMENT = re.compile(r"aws://[^/]*/(?P<region>[^/]+)")
_ANY_REGION = "unknown-region"


@dataclass(frozen=True)
class StackTemplate:
    """The template of a stack in an assembly."""

    path: Path
    region: str | None
    """Region that the stack names; None if it can be deployed to any region."""


def stack_templates(folder: Path) -> Iterator[StackTemplate]:
    """Yield the templates of an assembly, also of the assemblies of its stages, in the order of the manifests.

    Raises `ProofError` if a manifest cannot be read or names a folder outside of the assembly.
    """
    for artifact in _artifacts(folder / MANIFEST):
        properties = artifact.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        match artifact.get("type"):
            case "aws:cloudformation:stack" if isinstance(name := properties.get("templateFile"), str):
                yield StackTemplate(folder / name, _region(artifact.get("environment")))
            case "cdk:cloud-assembly" if isinstance(name := properties.get("directoryName"), str):
                inner = folder / name
                if folder.resolve() not in inner.resolve().parents:
                    raise ProofError(f"{folder / MANIFEST}: the folder {name} is outside of the assembly")
                yield from stack_templates(inner)


def region_of(template: Path) -> str | None:
    """Return the region that the manifest beside a template names for its stack; None if it names none."""
    if not (template.parent / MANIFEST).is_file():
        return None
    stacks = stack_templates(template.parent)
    return next((stack.region for stack in stacks if stack.path.name == template.name), None)


def _artifacts(manifest: Path) -> list[Mapping[str, Any]]:
    try:
        content = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError) as fault:
        raise ProofError(f"{manifest}: cannot be read: {getattr(fault, 'strerror', None) or fault}") from fault
    artifacts = content.get("artifacts") if isinstance(content, Mapping) else None
    if not isinstance(artifacts, Mapping):
        raise ProofError(f"{manifest}: not the manifest of a cloud assembly: it has no object `artifacts`")
    return [artifact for artifact in artifacts.values() if isinstance(artifact, Mapping)]


def _region(environment: Any) -> str | None:
    match = _ENVIRONMENT.fullmatch(environment) if isinstance(environment, str) else None
    return match["region"] if match and match["region"] != _ANY_REGION else None
