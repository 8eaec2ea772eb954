"""Judges from outside: cfn-lint, cdk-nag, and botocore's models of the calls that CloudFormation will make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import botocore.session
import pytest
from botocore.validate import ParamValidator
from cdk_nag import AwsSolutionsChecks
from cfnlint.api import ManualArgs, lint

from replicas.catalogue import load_catalogue
from replicas.sizing import plan
from stacks.multi_replica_stack import MultiReplicaStack
from tests.conftest import ROOT
from tests.stacks.conftest import DEPLOYMENTS, Template

CALLS = {
    "AWS::SageMaker::Model": ("CreateModel", "ModelName"),
    "AWS::SageMaker::EndpointConfig": ("CreateEndpointConfig", "EndpointConfigName"),
    "AWS::SageMaker::Endpoint": ("CreateEndpoint", "EndpointName"),
    "AWS::SageMaker::InferenceComponent": ("CreateInferenceComponent", "InferenceComponentName"),
}


@pytest.mark.parametrize("stack", DEPLOYMENTS)
def test_cfn_lint_finds_nothing(templates: dict[str, Template], stack: str) -> None:
    findings = lint(json.dumps(templates[stack]), config=ManualArgs(regions=["us-east-1", "us-west-2"]))

    assert [f"{finding.rule.id} {finding.message}" for finding in findings] == []


def test_cdk_nag_awssolutions_finds_nothing_that_carries_no_reason(context: dict[str, Any], tmp_path: Path) -> None:
    app = cdk.App(context=context, outdir=str(tmp_path))
    for deployment in load_catalogue(ROOT / "deployments.py"):
        MultiReplicaStack(app, plan(deployment))
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))

    app.synth()

    report = json.loads((tmp_path / "validation-report.json").read_text())
    (nag,) = [entry for entry in report["pluginReports"] if entry["pluginName"] == "AwsSolutions"]
    assert nag["violations"] == []
    assert {violation["ruleName"].split("[")[0] for violation in nag["suppressedViolations"]} == {"AwsSolutions-IAM5"}


@pytest.mark.parametrize("stack", DEPLOYMENTS)
def test_botocore_accepts_each_call_that_cloudformation_will_make(templates: dict[str, Template], stack: str) -> None:
    sagemaker = botocore.session.get_session().get_service_model("sagemaker")
    faults = []
    for logical_id, resource in templates[stack]["Resources"].items():
        if resource["Type"] not in CALLS:
            continue
        operation, name = CALLS[resource["Type"]]
        parameters = {name: logical_id, **_resolved(resource["Properties"])}
        shape = sagemaker.operation_model(operation).input_shape
        report = ParamValidator().validate(parameters, shape)
        faults += [f"{logical_id}: {report.generate_report()}"] if report.has_errors() else []
        faults += _outside_enums(parameters, shape, logical_id)

    assert faults == []


def _resolved(value: Any) -> Any:
    """Intrinsic functions become a plausible string; everything else stays."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref")):
            return "arn:aws:sagemaker:us-west-2:123456789012:thing/name"
        return {key: _resolved(entry) for key, entry in value.items()}
    return [_resolved(entry) for entry in value] if isinstance(value, list) else value


def _outside_enums(value: Any, shape: Any, where: str) -> list[str]:
    """botocore's validator does not look at enums: these values are in none."""
    if shape.type_name == "structure":
        members = shape.members.items()
        return [
            fault
            for key, inner in members
            if key in value
            for fault in _outside_enums(value[key], inner, f"{where}.{key}")
        ]
    if shape.type_name == "list":
        return [fault for entry in value for fault in _outside_enums(entry, shape.member, where)]
    allowed = getattr(shape, "enum", None)
    return [f"{where}={value!r} is not in {shape.name}"] if allowed and value not in allowed else []
