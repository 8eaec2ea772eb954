"""Writes the files of an import: a cloud assembly with only the imported resources, and the mapping for
`cdk import`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from replicas.adopt.adoption import Adoption
from replicas.errors import OperationError

ENTRY, MAPPING = "entry.py", "mapping.json"


def write_files(adoption: Adoption, folder: Path) -> list[Path]:
    """Write entry, template, mapping and manifest into a folder. Return the files.

    The assembly names no role: CloudFormation refuses the role of the bootstrap in an import that creates a stack ("As
    part of the import operation, you cannot modify or add [RoleArn]", aws/aws-cdk, issue 24954), so the CDK CLI imports
    with the caller's own credentials. The assembly names no tags of the stack either.

    Raises:
        OperationError: the folder contains other files.

    """
    name = adoption.entry.deployment.name
    contents: dict[str, str] = {ENTRY: adoption.source}
    if adoption.takeover is not None:
        template = f"{name}.template.json"
        contents[template] = _json(adoption.takeover.template)
        contents[MAPPING] = _json(adoption.takeover.mapping)
        contents["manifest.json"] = _json(_manifest(adoption, template))
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in contents) if folder.is_dir() else []
    if foreign:
        raise OperationError(
            f"{folder} contains {', '.join(foreign[:5])}: give --output a new folder, or the folder of an earlier run "
            f"for {adoption.live.name}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in contents.items():
        (folder / file).write_text(text)
    return [folder / file for file in contents]


def commands(adoption: Adoption, folder: Path) -> list[str]:
    """Return the commands that take over the endpoint, in order."""
    name = adoption.entry.deployment.name
    if adoption.takeover is None:
        return []
    return [
        f"npx cdk import {name} --app {folder} --resource-mapping {folder / MAPPING}",
        f"replicas status {name}",
        f"npx cdk diff {name}",
        f"npx cdk deploy {name}",
    ]


def _manifest(adoption: Adoption, template: str) -> dict[str, Any]:
    live, name = adoption.live, adoption.entry.deployment.name
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://{live.account}/{live.region}",
        "properties": {"templateFile": template, "validateOnSynth": False},
        "displayName": name,
    }
    return {"version": adoption.assembly_version, "artifacts": {name: stack}}


def _json(content: Any) -> str:
    return json.dumps(content, indent=1) + "\n"
