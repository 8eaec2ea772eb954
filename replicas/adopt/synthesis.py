"""Synthesises one entry with the user's app. Runs the CDK CLI, without an account."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.adopt.source import source_of
from replicas.deployment.deployment import Deployment
from replicas.deployment.file import FILE
from replicas.errors import ReviewError
from replicas.review.offline_cdk import prepare, synthesise

_LEFT_OUT = {FILE.name, "cdk.out", "cdk.context.json", ".git"}


@dataclass(frozen=True)
class Synthesised:
    """The template of an entry, and the version of its cloud assembly."""

    template: dict[str, Any]
    assembly_version: str


def has_app(folder: Path) -> bool:
    """Return whether a folder contains a CDK app (cdk.json and app.py)."""
    return (folder / "cdk.json").is_file() and (folder / "app.py").is_file()


def synthesised(deployment: Deployment, folder: Path) -> Synthesised:
    """Synthesise an entry with the app in a folder.

    Raises:
        SynthesisError: the app fails.
        ReviewError: the app has no stack with the entry's name.

    """
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        prepare(work)
        shadow = work / "app"
        shadow.mkdir()
        # The unchanged app, with a deployments.py that contains only this entry.
        for path in folder.iterdir():
            if path.name not in _LEFT_OUT:
                (shadow / path.name).symlink_to(path.resolve())
        (shadow / FILE.name).write_text(source_of(deployment))
        stacks = synthesise({"this entry": shadow}, work)["this entry"]
        if deployment.name not in stacks:
            raise ReviewError(
                f"the app in {folder} makes no stack {deployment.name!r} of the entry; it makes: "
                f"{', '.join(stacks) or 'none'}"
            )
        stack = stacks[deployment.name]
        manifest = json.loads((stack.assembly / "manifest.json").read_bytes())
        return Synthesised(dict(stack.stack.template), str(manifest["version"]))
