"""Roles that were called fine, although SageMaker cannot work with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from replicas import Adapter, Component, Deployment, plan
from replicas.rules import Report, check, check_file
from replicas_cdk import MultiReplicaEndpoint
from tests.rules.base import Template

CASES = Path(__file__).parent


def rules(report: Report) -> dict[str, str]:
    """Rules about rights that are broken for certain, with what is given."""
    found = (problem for problem in report.problems if problem.rule.startswith(("role-", "rights-")))
    return {problem.rule: problem.what for problem in found}


def test_a_role_that_trusts_another_service_and_has_no_rights() -> None:
    report = check_file(CASES / "apps/tpl.yaml")

    broken = {(problem.rule, problem.what) for problem in report.problems if problem.logical_id == "Role"}
    assert broken == {
        ("role-not-assumable", "the role of Config trusts lambda.amazonaws.com"),
        (
            "role-cannot-pull",
            "for Model it lacks ecr:GetAuthorizationToken, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer, "
            "ecr:BatchCheckLayerAvailability to pull the image "
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-vllm:0.29.0",
        ),
        ("role-cannot-read", "for Model it lacks s3:GetObject, s3:ListBucket to read s3://models/x/"),
        ("role-cannot-read", "for Lora it lacks s3:GetObject, s3:ListBucket to read s3://other/lora/"),
    }
    assert [warning.rule for warning in report.warnings if warning.logical_id == "Role"] == ["role-cannot-log"] * 2


@pytest.fixture
def stack(tmp_path: Path) -> cdk.Stack:
    return cdk.Stack(cdk.App(outdir=str(tmp_path)), "Llm")


def endpoint(stack: cdk.Stack, role: iam.IRole | None = None, **component: Any) -> MultiReplicaEndpoint:
    wishes = {"name": "a", "model": "Qwen/Qwen3-8B", "copies": 1, **component}
    deployment = Deployment(name="chat", instance_type="ml.g6e.12xlarge", components=[Component(**wishes)])
    return MultiReplicaEndpoint(stack, "E", plan=plan(deployment), role=role)


def template_of(stack: cdk.Stack) -> Template:
    assembly = cdk.App.of(stack).synth()  # type: ignore[attr-defined]
    template: Template = json.loads(json.dumps(assembly.get_stack_by_name("Llm").template))
    return template


def test_adapters_that_are_added_to_a_component_can_be_read(stack: cdk.Stack) -> None:
    """The plan enables adapters by one of its own; those of the app come beside it."""
    bucket = s3.Bucket(stack, "Weights")
    own = [Adapter(name=f"own{number}", weights="s3://other/own/", rank=16) for number in range(2)]
    component = endpoint(stack, adapters=own).components["a"]
    component.add_adapter("fin", artifact_url=bucket.s3_url_for_object("fin/"), rank=16)
    component.add_adapter("fin2", artifact_url="s3://other/fin/", rank=8)

    report = check(template_of(stack))

    assert rules(report) == {}
    assert not [question for question in report.unjudged if "ExecutionRole" in question.logical_id]


def test_a_role_that_may_only_read_the_weights(stack: cdk.Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    s3.Bucket.from_bucket_name(stack, "M", "models").grant_read(role)
    endpoint(stack, role, weights="s3://models/qwen/")

    assert set(rules(check(template_of(stack)))) == {"role-cannot-pull"}


def test_a_role_without_any_right_that_another_service_assumes(stack: cdk.Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    endpoint(stack, role, weights="s3://models/qwen/")

    assert set(rules(check(template_of(stack)))) == {"role-not-assumable", "role-cannot-pull", "role-cannot-read"}


def test_a_role_that_is_made_elsewhere_is_said_not_to_be_judged_without_more_ado(stack: cdk.Stack) -> None:
    """A role from another stack is common: it changes neither the findings nor the exit code."""
    arn = "arn:aws:iam::111111111111:role/serving"
    endpoint(stack, iam.Role.from_role_arn(stack, "Role", arn), weights="s3://models/qwen/")

    report = check(template_of(stack))

    assert rules(report) == {}
    assert not [question for question in report.unjudged if question.question != "memory"]
    assert [entry.roles_elsewhere for entry in report.endpoints] == [(arn,)]
