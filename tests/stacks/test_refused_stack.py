"""The stack of a refused deployment says once why it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from replicas_cdk import SageMakerChecks, TemplateProof
from stacks.refused_stack import RefusedDeployments, RefusedStack

REASON = "chat is refused: 9 copies need 9 accelerators"


def test_a_refusal_is_reported_once_and_as_an_error(context: dict[str, Any], tmp_path: Path) -> None:
    app = cdk.App(context=context, outdir=str(tmp_path))
    cdk.Validations.of(app).add_plugins(TemplateProof(), SageMakerChecks(), RefusedDeployments())
    RefusedStack(app, "chat", cdk.Environment(region="us-west-2"), ["9 copies need 9 accelerators"])

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()

    reports = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    found = [
        (report["pluginName"], violation["severity"], violation["description"])
        for report in reports
        for violation in report["violations"]
    ]
    assert found == [("refused-deployments", "error", REASON)]
