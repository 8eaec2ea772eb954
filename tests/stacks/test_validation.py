"""Judges from outside: cfn-lint, cdk-nag, and botocore's models of the calls that CloudFormation will make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import botocore.session
import pytest
from botocore.validate import ParamValidator
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NIST80053R4Checks,
    NIST80053R5Checks,
    PCIDSS321Checks,
)

from replicas import Alarms, Component, Deployment, Monitoring, Rollout, plan
from replicas.deployment.file import load_catalogue
from replicas_cdk import SageMakerChecks
from stacks.multi_replica_stack import MultiReplicaStack
from tests.conftest import ROOT
from tests.stacks.conftest import DEPLOYMENTS, Template
from tests.stacks.linting import findings_of_cfn_lint

CALLS = {
    "AWS::SageMaker::Model": ("CreateModel", "ModelName"),
    "AWS::SageMaker::EndpointConfig": ("CreateEndpointConfig", "EndpointConfigName"),
    "AWS::SageMaker::Endpoint": ("CreateEndpoint", "EndpointName"),
    "AWS::SageMaker::InferenceComponent": ("CreateInferenceComponent", "InferenceComponentName"),
}


@pytest.mark.parametrize("stack", DEPLOYMENTS)
def test_cfn_lint_finds_nothing(templates: dict[str, Template], stack: str) -> None:
    assert findings_of_cfn_lint(templates[stack]) == []


PACKS = (AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R4Checks, NIST80053R5Checks, PCIDSS321Checks)
NAMES = ("AwsSolutions", "HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
CATALOGUE = {
    "AwsSolutions-IAM5",
    "IAMNoInlinePolicy",
    "SageMakerEndpointConfigurationKMSKeyConfigured",
    "component-without-alarms",
    "hub-without-revision",
    "not-isolated",
    "untagged",
}
"""What the rule packs find in the catalogue, and what the constructs give a reason for."""

WATCHED = Deployment(
    name="watched",
    instance_type="ml.g5.12xlarge",
    components=[Component(model="mistral-7b-v0.3", rollout=Rollout(), copies=3)],
    monitoring=Monitoring(alarms=Alarms(latency_p90_seconds=30)),
)
"""Alarms without an action."""


@pytest.mark.parametrize(
    ("deployments", "answered"),
    [
        pytest.param(list(DEPLOYMENTS.values()), CATALOGUE, id="catalogue"),
        pytest.param(
            load_catalogue(ROOT / "docs" / "examples" / "production.py"),
            {
                "AwsSolutions-IAM5",
                "CloudWatchLogGroupEncrypted",
                "IAMNoInlinePolicy",
                "SageMakerEndpointConfigurationKMSKeyConfigured",
            },
            id="production",
        ),
        pytest.param([WATCHED], CATALOGUE - {"component-without-alarms"} | {"CloudWatchAlarmAction"}, id="watched"),
    ],
)
def test_rule_packs_find_nothing_that_carries_no_reason(
    context: dict[str, Any], tmp_path: Path, deployments: list[Deployment], answered: set[str]
) -> None:
    app = cdk.App(context=context, outdir=str(tmp_path))
    for deployment in deployments:
        MultiReplicaStack(app, plan(deployment))
    cdk.Validations.of(app).add_plugins(*(pack(app) for pack in PACKS), SageMakerChecks())

    app.synth()

    reports = json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
    packs = [report for report in reports if report["pluginName"] in (*NAMES, "SageMakerChecks")]
    assert len(packs) >= len(PACKS)
    assert [violation["ruleName"] for report in packs for violation in report["violations"]] == []
    suppressed = [violation for report in packs for violation in report["suppressedViolations"]]
    names = {_without_pack(violation["ruleName"]) for violation in suppressed}
    assert names == answered
    assert all(violation["reason"] for violation in suppressed)


def _without_pack(rule: str) -> str:
    """HIPAA, NIST and PCI have one rule under three names; AwsSolutions names each resource."""
    name = rule.split("[")[0]
    pack = next((pack for pack in NAMES if name.startswith(f"{pack}-") and pack != "AwsSolutions"), None)
    return name.removeprefix(f"{pack}-") if pack else name


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
