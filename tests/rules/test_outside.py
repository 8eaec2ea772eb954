"""Scalable targets, policies and adapters of something that the template does not create.

RegisterScalableTarget, PutScalingPolicy and CreateInferenceComponent need it to exist (their API references), and the
template does not show whether it does.
"""

from __future__ import annotations

from typing import Any

import pytest

from replicas.rules import check
from tests.rules.base import NAME_OF_LLAMA, Template, good, only_problem, properties_of, scaled, target, wake

INSTANCES = "sagemaker:variant:DesiredInstanceCount"


def questions(template: Template) -> list[tuple[str, str]]:
    report = check(template)
    assert not report.problems
    return [(question.logical_id, question.question) for question in report.unjudged]


def instances(resource_id: Any) -> Template:
    """`good()` with a scalable target of instances."""
    template = good()
    template["Resources"]["Target"] = target(1, 2)
    properties_of(template, "Target").update(ResourceId=resource_id, ScalableDimension=INSTANCES)
    return template


def adapter(base: Any, endpoint: Any = None) -> Template:
    template = good()
    template["Resources"]["Adapter"] = {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": {
            "EndpointName": endpoint or {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
            "Specification": {"BaseInferenceComponentName": base, "Container": {"ArtifactUrl": "s3://bucket/a/"}},
        },
    }
    return template


def test_a_target_of_a_component_outside_the_template() -> None:
    template = scaled()
    properties_of(template, "Target")["ResourceId"] = "inference-component/other"

    assert questions(template) == [("Target", "whether the component exists")]


def test_a_target_of_a_component_whose_condition_is_false() -> None:
    template = scaled()
    template["Conditions"] = {"Never": {"Fn::Equals": ["a", "b"]}}
    template["Resources"]["Llama"]["Condition"] = "Never"
    properties_of(template, "Llama")["InferenceComponentName"] = "llama"
    template["Resources"]["Target"]["DependsOn"] = "Llama"
    properties_of(template, "Target")["ResourceId"] = "inference-component/llama"

    assert questions(template) == [("Target", "whether the component exists")]


def test_a_target_of_instances_outside_the_template() -> None:
    assert questions(instances("endpoint/other/variant/AllTraffic")) == [("Target", "whether the endpoint exists")]


@pytest.mark.parametrize(
    "name",
    [
        {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
        {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Endpoint"}]}]},
    ],
)
def test_a_target_of_instances_by_the_name_of_its_endpoint(name: Any) -> None:
    assert questions(instances({"Fn::Join": ["/", ["endpoint", name, "variant", "AllTraffic"]]})) == []


def test_a_target_of_a_variant_that_the_endpoint_does_not_have() -> None:
    problem = only_problem(instances({"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/Other"}))

    assert (problem.rule, problem.logical_id) == ("variant-unknown", "Target")


def test_a_target_of_instances_by_the_arn_of_its_endpoint() -> None:
    """`Ref` of an endpoint is its ARN (CloudFormation template reference, return values)."""
    problem = only_problem(instances({"Fn::Sub": "endpoint/${Endpoint}/variant/AllTraffic"}))

    assert problem.rule == "reference-of-the-wrong-kind"
    assert "Fn::GetAtt Endpoint.EndpointName" in problem.fix


BY_NAME = {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/AllTraffic"}


def test_a_target_of_instances_whose_floor_is_above_its_ceiling() -> None:
    template = instances(BY_NAME)
    properties_of(template, "Target")["MinCapacity"] = 3

    assert only_problem(template).rule == "capacity-range"


def test_a_target_of_provisioned_concurrency_is_for_serverless_variants() -> None:
    """Application Auto Scaling API reference, RegisterScalableTarget, ScalableDimension."""
    template = instances(BY_NAME)
    properties_of(template, "Target")["ScalableDimension"] = "sagemaker:variant:DesiredProvisionedConcurrency"

    problem = only_problem(template)

    assert (problem.rule, problem.fix) == ("target-mismatch", f"set ScalableDimension={INSTANCES}")


COPIES = "sagemaker:inference-component:DesiredCopyCount"


@pytest.mark.parametrize(
    ("named", "is_open"),
    [
        ({"ScalingTargetId": {"Ref": "Target"}}, False),
        ({"ScalingTargetId": "Target"}, True),
        ({"ScalingTargetId": {"Fn::ImportValue": "target"}}, True),
        ({"ScalingTargetId": f"inference-component/other|{COPIES}|sagemaker"}, True),
        ({"ScalingTargetId": "service/cluster/web|ecs:service:DesiredCount|ecs"}, False),
        (
            {
                "ResourceId": "inference-component/other",
                "ScalableDimension": COPIES,
                "ServiceNamespace": "sagemaker",
            },
            True,
        ),
        (
            {
                "ResourceId": "service/cluster/web",
                "ScalableDimension": "ecs:service:DesiredCount",
                "ServiceNamespace": "ecs",
            },
            False,
        ),
        ({}, True),
    ],
)
def test_a_policy_of_a_target_outside_the_template(named: dict[str, Any], is_open: bool) -> None:
    template = wake(scaled())
    properties = properties_of(template, "Wake")
    del properties["ScalingTargetId"]
    properties.update(named)

    assert questions(template) == ([("Wake", "what it scales")] if is_open else [])


def test_a_policy_by_the_literal_id_of_a_target_must_wait_for_it() -> None:
    template = wake(scaled())
    properties_of(template, "Llama")["InferenceComponentName"] = "llama"
    properties_of(template, "Target")["ResourceId"] = "inference-component/llama"
    template["Resources"]["Target"]["DependsOn"] = "Llama"
    properties_of(template, "Wake")["ScalingTargetId"] = f"inference-component/llama|{COPIES}|sagemaker"

    assert only_problem(template).rule == "wait-missing"


@pytest.mark.parametrize(("base", "endpoint"), [("other", None), (NAME_OF_LLAMA, "other")])
def test_an_adapter_whose_base_or_endpoint_is_outside_the_template(base: Any, endpoint: Any) -> None:
    asked = check(adapter(base, endpoint)).unjudged

    assert ("Adapter", "whether its base component is on its endpoint") in [(q.logical_id, q.question) for q in asked]
