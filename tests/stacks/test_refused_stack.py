"""The stack of a refused deployment says once why it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

import app
from replicas import FROM_PROPS, Component, Deployment, SizingError, plan
from replicas_cdk import SageMakerChecks, TemplateProof
from stacks.refused_stack import RefusedDeployments, RefusedStack

REASON = "chat is refused: 9 copies need 9 accelerators"


def test_a_refusal_is_reported_once_and_as_an_error(context: dict[str, Any], tmp_path: Path) -> None:
    scope = cdk.App(context=context, outdir=str(tmp_path))
    cdk.Validations.of(scope).add_plugins(TemplateProof(), SageMakerChecks(), RefusedDeployments())
    RefusedStack(scope, "chat", cdk.Environment(region="us-west-2"), ["9 copies need 9 accelerators"])

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        scope.synth()

    reports = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    found = [
        (report["pluginName"], violation["severity"], violation["description"])
        for report in reports
        for violation in report["violations"]
    ]
    assert found == [("refused-deployments", "error", REASON)]


def test_an_entry_of_the_file_that_counts_on_constructs_is_refused() -> None:
    component = Component(model="Qwen/Qwen3-8B", weights=FROM_PROPS)
    planned = plan(Deployment(name="chat", instance_type="ml.g6e.12xlarge", components=[component]))

    refused = app._with_references(planned)

    assert isinstance(refused, SizingError)
    assert refused.problems == ("components['chat']: the plan has weights=FROM_PROPS, but weights= is missing",)
