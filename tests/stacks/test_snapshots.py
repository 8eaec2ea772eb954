"""Snapshots of every deployment: an unintended change of a template shows here. `make snapshots` accepts one."""

from __future__ import annotations

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.stacks.conftest import DEPLOYMENTS, Template


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """One readable JSON file a deployment."""
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("stack", DEPLOYMENTS)
def test_template(templates: dict[str, Template], snapshot: SnapshotAssertion, stack: str) -> None:
    assert without_noise(templates[stack]) == snapshot


def without_noise(template: Template) -> Template:
    """A template less what every CDK stack carries and what tests of their own hold (the registry accounts)."""
    kept: dict[str, Any] = {
        key: value for key, value in template.items() if key not in ("Parameters", "Rules", "Mappings")
    }
    kept["Resources"] = {
        logical_id: {key: value for key, value in resource.items() if key != "Metadata"}
        for logical_id, resource in template["Resources"].items()
    }
    return kept
