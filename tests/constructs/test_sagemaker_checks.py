"""The rules of practice at synth, on resources that somebody else wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sagemaker as sagemaker

from replicas.installation import __version__
from replicas.rules import PRACTICE_RULES
from replicas_cdk import SageMakerChecks, TemplateProof

Violation = dict[str, Any]


@pytest.fixture
def app(context: dict[str, Any], tmp_path: Path) -> cdk.App:
    app = cdk.App(context=context, outdir=str(tmp_path))
    cdk.Validations.of(app).add_plugins(TemplateProof(), SageMakerChecks())
    return app


def model(app: cdk.App, **container: Any) -> sagemaker.CfnModel:
    """A model of somebody, in no VPC and without tags."""
    stack = cdk.Stack(app, "stack")
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"
    definition = sagemaker.CfnModel.ContainerDefinitionProperty(**{"image": image, **container})
    return sagemaker.CfnModel(
        stack, "Model", primary_container=definition, execution_role_arn="arn:aws:iam::123456789012:role/serving"
    )


def judged(folder: Path) -> tuple[list[str], dict[str, str]]:
    """What the plugin reports: rules that are broken, and rules that are answered for with the reason."""
    reports = json.loads((folder / "validation-report.json").read_text())["pluginReports"]
    (ours,) = [report for report in reports if report["pluginName"] == "SageMakerChecks"]
    broken = [violation["ruleName"] for violation in ours["violations"]]
    return broken, {violation["ruleName"]: violation["reason"] for violation in ours.get("suppressedViolations", [])}


def test_a_warning_is_printed_and_does_not_fail(app: cdk.App, tmp_path: Path) -> None:
    model(app)

    app.synth()

    assert judged(tmp_path) == (["not-isolated", "untagged"], {})


def test_a_problem_fails_the_synth(app: cdk.App, tmp_path: Path) -> None:
    model(app, image="docker.io/vllm/vllm-openai:0.19.0", environment={"API_KEY": "tr0ub4dor"})

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()

    assert {"image-from-public-registry", "secret-in-environment"} <= set(judged(tmp_path)[0])


@pytest.mark.parametrize("where", ["app", "stack", "model"])
def test_a_reason_holds_for_a_construct_and_all_below_it(app: cdk.App, tmp_path: Path, where: str) -> None:
    made = model(app, environment={"API_KEY": "tr0ub4dor"})
    scope = {"app": app, "stack": cdk.Stack.of(made), "model": made}[where]
    cdk.Validations.of(scope).acknowledge(
        cdk.Acknowledgment(id="SageMakerChecks::secret-in-environment", reason="a key of the test server"),
        cdk.Acknowledgment(id="SageMakerChecks::untagged", reason="a test"),
    )

    app.synth()

    broken, answered = judged(tmp_path)
    assert broken == ["not-isolated"]
    assert answered == {"secret-in-environment": "a key of the test server", "untagged": "a test"}


def test_tags_of_the_app_reach_every_resource(app: cdk.App, tmp_path: Path) -> None:
    model(app)
    cdk.Tags.of(app).add("team", "search")

    app.synth()

    assert judged(tmp_path)[0] == ["not-isolated"]


def test_every_rule_is_told_to_the_cdk() -> None:
    assert SageMakerChecks().rule_ids == [*PRACTICE_RULES, "not-judged"]


def test_the_version_in_reports_is_that_of_the_project() -> None:
    assert SageMakerChecks().version == TemplateProof().version == __version__
