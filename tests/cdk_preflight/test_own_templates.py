"""cdk-preflight finds nothing in the templates of this repository: deployments, examples, and templates by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cases.mutations.templates import VALID, valid_templates
from tests.cdk_preflight.pack import Findings, findings_of_preflight
from tests.stacks.conftest import DEPLOYMENTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def findings(assembly: Path, production_assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """One synthesis for all: loading 3,361 rules takes longer than applying them."""
    files = [assembly / f"{name}.template.json" for name in DEPLOYMENTS]
    files += sorted(production_assembly.glob("*.template.json"))
    own: dict[str, Any] = {file.name.partition(".")[0]: json.loads(file.read_text()) for file in files}
    assert len(own) > len(DEPLOYMENTS)
    return findings_of_preflight({**own, **valid_templates()}, tmp_path_factory.mktemp("own"))


@pytest.mark.parametrize("name", [*DEPLOYMENTS, "production", *VALID])
def test_nothing_is_found(findings: Findings, name: str) -> None:
    assert findings.get(name, []) == []
