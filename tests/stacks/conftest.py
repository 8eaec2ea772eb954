"""Every deployment is synthesised once for all tests of this room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replicas.deployment.file import load_catalogue
from tests.conftest import ROOT

DEPLOYMENTS = {deployment.name: deployment for deployment in load_catalogue(ROOT / "deployments.py")}

Template = dict[str, Any]


@pytest.fixture
def templates(assembly: Path) -> dict[str, Template]:
    """The template of each deployment, by stack name: fresh for each test, so that one may change it."""
    return {name: json.loads((assembly / f"{name}.template.json").read_bytes()) for name in DEPLOYMENTS}


def resources(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Properties of the resources of a type, by logical id."""
    return {
        logical_id: resource.get("Properties", {})
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def only(template: Template, kind: str) -> dict[str, Any]:
    """Properties of the one resource of a type."""
    (properties,) = resources(template, kind).values()
    return properties
