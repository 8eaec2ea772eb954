"""References of the wrong kind, attributes that do not exist, resources that do not wait, properties that are refused.

What `Ref` and `Fn::GetAtt` return is stated in the CloudFormation template reference, under "Return values" of each
resource type; which values a property takes, in its schema.
"""

from __future__ import annotations

from typing import Any

import pytest

from replicas.rules import check
from tests.rules.base import (
    NAME_OF_LLAMA,
    Template,
    alarm,
    component,
    good,
    only_problem,
    properties_of,
    scaled,
    single_model,
    variant_of,
    wake,
)


def with_ref(*path: str, of: str) -> Template:
    """`good()`, scaled, with a `Ref` as one of its properties."""
    template = wake(scaled())
    place: Any = template["Resources"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = {"Ref": of}
    return template


@pytest.mark.parametrize(
    ("template", "right"),
    [
        (with_ref("Llama", "Properties", "EndpointName", of="Endpoint"), "Fn::GetAtt Endpoint.EndpointName"),
        (with_ref("Endpoint", "Properties", "EndpointConfigName", of="Config"), "Fn::GetAtt Config.EndpointConfigName"),
        (with_ref("Llama", "Properties", "Specification", "ModelName", of="Model"), "Fn::GetAtt Model.ModelName"),
        (with_ref("Model", "Properties", "ExecutionRoleArn", of="Role"), "Fn::GetAtt Role.Arn"),
        (with_ref("Config", "Properties", "ExecutionRoleArn", of="Role"), "Fn::GetAtt Role.Arn"),
        (with_ref("Target", "Properties", "ResourceId", of="Llama"), "Fn::Select [5, Fn::Split [':', Ref Llama]]"),
    ],
    ids=["endpoint", "configuration", "model", "role of a model", "role of a configuration", "scalable target"],
)
def test_a_ref_that_gives_an_arn_for_a_name_or_a_name_for_an_arn(template: Template, right: str) -> None:
    problem = only_problem(template)

    assert problem.rule == "reference-of-the-wrong-kind"
    assert right in problem.fix


@pytest.mark.parametrize(
    "name",
    [
        {"Ref": "Model"},
        {"Fn::Sub": "${Model}"},
        {"Fn::GetAtt": ["Model", "ModelArn"]},
        {"Fn::Select": [0, {"Fn::Split": ["/", {"Ref": "Model"}]}]},
    ],
)
def test_the_model_of_a_variant_is_named(name: object) -> None:
    template = single_model()
    variant_of(template)["ModelName"] = name

    assert only_problem(template).rule == "reference-of-the-wrong-kind"


OTHERS = {"Bucket": {"Type": "AWS::S3::Bucket"}, "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {}}}


@pytest.mark.parametrize(
    ("place", "value", "right"),
    [
        ("Model/ExecutionRoleArn", {"Fn::GetAtt": ["Role", "RoleId"]}, "Fn::GetAtt Role.Arn"),
        ("Model/ExecutionRoleArn", {"Fn::GetAtt": ["Bucket", "Arn"]}, "Fn::GetAtt Role.Arn"),
        ("Config/ExecutionRoleArn", {"Fn::GetAtt": ["Profile", "Arn"]}, "Fn::GetAtt Role.Arn"),
        ("Endpoint/EndpointConfigName", {"Fn::GetAtt": ["Model", "ModelName"]}, "Fn::GetAtt Config.EndpointConfigName"),
        ("Endpoint/EndpointConfigName", {"Ref": "Role"}, "Fn::GetAtt Config.EndpointConfigName"),
        ("Llama/EndpointName", {"Fn::GetAtt": ["Config", "EndpointConfigName"]}, "Fn::GetAtt Endpoint.EndpointName"),
        ("Llama/EndpointName", {"Ref": "Config"}, "Fn::GetAtt Endpoint.EndpointName"),
        ("Llama/Specification/ModelName", {"Ref": "Role"}, "Fn::GetAtt Model.ModelName"),
        ("Wake/ScalingTargetId", {"Ref": "Llama"}, "Ref Target"),
        ("Wake/ScalingTargetId", {"Fn::GetAtt": ["Llama", "InferenceComponentArn"]}, "Ref Target"),
    ],
)
def test_a_reference_to_a_resource_of_another_type(place: str, value: object, right: str) -> None:
    """Each of these resources is created with a generated name, so nothing else can have that name."""
    template = wake(scaled())
    template["Resources"].update(OTHERS)
    logical_id, *keys = place.split("/")
    properties: Any = properties_of(template, logical_id)
    for key in keys[:-1]:
        properties = properties[key]
    properties[keys[-1]] = value

    (problem,) = [each for each in check(template).problems if each.rule == "reference-of-the-wrong-kind"]

    assert problem.logical_id == logical_id
    assert right in problem.fix


def test_a_name_of_another_resource_may_be_the_right_one_if_both_are_given() -> None:
    template = good()
    properties_of(template, "Endpoint")["EndpointName"] = "chat"
    properties_of(template, "Config")["EndpointConfigName"] = "chat"
    properties_of(template, "Llama")["EndpointName"] = {"Fn::GetAtt": ["Config", "EndpointConfigName"]}

    assert "reference-of-the-wrong-kind" not in {problem.rule for problem in check(template).problems}


def test_a_reference_inside_a_resource_id_gives_the_name() -> None:
    template = scaled()
    properties_of(template, "Target")["ResourceId"] = {"Fn::Sub": "inference-component/${Llama}"}

    problem = only_problem(template)

    assert problem.rule == "reference-of-the-wrong-kind"
    assert "inference-component/arn:aws:sagemaker" in problem.what
    assert "Fn::Select [1, Fn::Split ['/', Ref Llama]]" in problem.fix


@pytest.mark.parametrize(
    "name",
    [
        {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Endpoint"}]}]},
        {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
        {"Fn::Sub": "${Endpoint.EndpointName}"},
        {"Fn::ImportValue": "endpoint"},
    ],
)
def test_a_name_by_reference_is_fine(name: object) -> None:
    template = good()
    properties_of(template, "Llama")["EndpointName"] = name

    assert not check(template).problems


@pytest.mark.parametrize(
    ("resource_type", "attribute"),
    [
        ("AWS::SageMaker::InferenceComponent", "InferenceComponentName"),
        ("AWS::SageMaker::Endpoint", "Arn"),
        ("AWS::SageMaker::Model", "Name"),
        ("AWS::ApplicationAutoScaling::ScalableTarget", "Arn"),
        ("AWS::IAM::Role", "RoleName"),
        ("AWS::S3::Bucket", "BucketName"),
    ],
)
def test_an_attribute_that_the_type_does_not_have(resource_type: str, attribute: str) -> None:
    template = good()
    template["Resources"]["Other"] = {"Type": resource_type}
    template["Outputs"] = {"Out": {"Value": {"Fn::Sub": f"${{Other.{attribute}}}"}}}

    problems = [problem for problem in check(template).problems if problem.rule == "attribute-absent"]

    assert [problem.logical_id for problem in problems] == ["Out"]
    assert problems[0].what == f"Other has no attribute {attribute}"


@pytest.mark.parametrize(
    ("resource_type", "attribute"),
    [
        ("AWS::SageMaker::InferenceComponent", "InferenceComponentArn"),
        ("AWS::SageMaker::InferenceComponent", "RuntimeConfig.CurrentCopyCount"),
        ("AWS::CloudFormation::Stack", "Outputs.Name"),
        ("AWS::CloudFormation::CustomResource", "Anything"),
        ("Custom::Adapter", "Anything"),
        ("My::Own::Type::MODULE", "Anything.At.All"),
    ],
)
def test_an_attribute_that_exists_or_may_exist(resource_type: str, attribute: str) -> None:
    template = good()
    template["Resources"]["Other"] = {"Type": resource_type}
    template["Outputs"] = {"Out": {"Value": {"Fn::GetAtt": ["Other", attribute]}}}

    assert not [problem for problem in check(template).problems if problem.rule == "attribute-absent"]


def by_text() -> Template:
    """Every resource names the others by text, and waits for none."""
    template = scaled()
    properties_of(template, "Model")["ModelName"] = "model"
    properties_of(template, "Config")["EndpointConfigName"] = "config"
    properties_of(template, "Endpoint").update(EndpointName="chat", EndpointConfigName="config")
    properties_of(template, "Llama").update(EndpointName="chat", InferenceComponentName="llama")
    properties_of(template, "Llama")["Specification"]["ModelName"] = "model"
    template["Resources"]["Adapter"] = component()
    properties_of(template, "Adapter").update(
        EndpointName="chat",
        Specification={"BaseInferenceComponentName": "llama", "Container": {"ArtifactUrl": "s3://bucket/adapter/"}},
    )
    target = properties_of(template, "Target")
    target["ResourceId"] = "inference-component/llama"
    template["Resources"]["Policy"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            **{name: target[name] for name in ("ResourceId", "ScalableDimension", "ServiceNamespace")},
            "PolicyName": "track",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 5,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"
                },
            },
        },
    }
    return template


WAITS = {
    ("Endpoint", "Config"),
    ("Llama", "Endpoint"),
    ("Llama", "Model"),
    ("Adapter", "Endpoint"),
    ("Adapter", "Llama"),
    ("Target", "Llama"),
    ("Policy", "Target"),
}


def waits(template: Template) -> set[tuple[str, str]]:
    problems = [problem for problem in check(template).problems if problem.rule == "wait-missing"]
    return {(problem.logical_id, problem.what.split()[2]) for problem in problems}


def test_resources_that_name_each_other_by_text_wait_for_nothing() -> None:
    assert waits(by_text()) == WAITS


@pytest.mark.parametrize("pair", sorted(WAITS))
def test_depends_on_makes_a_resource_wait(pair: tuple[str, str]) -> None:
    template = by_text()
    template["Resources"][pair[0]]["DependsOn"] = pair[1]

    assert pair not in waits(template)


def test_a_resource_waits_through_others() -> None:
    template = by_text()
    for name, awaited in (("Target", "Llama"), ("Policy", "Target"), ("Llama", "Endpoint"), ("Endpoint", "Config")):
        template["Resources"][name]["DependsOn"] = awaited
    template["Resources"]["Adapter"]["DependsOn"] = ["Policy"]

    assert waits(template) == {("Llama", "Model")}


def test_a_component_of_an_endpoint_elsewhere_waits_for_nothing() -> None:
    template = good()
    properties_of(template, "Endpoint")["EndpointName"] = "chat"
    properties_of(template, "Llama")["EndpointName"] = "elsewhere"

    assert waits(template) == set()


@pytest.mark.parametrize(
    ("logical_id", "change", "what"),
    [
        ("Llama", {"Specifikation": {}}, "extraneous key [Specifikation] is not permitted"),
        ("Llama", {"EndpointName": "-chat"}, "EndpointName: failed validation constraint for keyword [pattern]"),
        ("Llama", {"InferenceComponentName": "a" * 64}, "expected maxLength: 63, actual: 64"),
        ("Target", {"MaxCapacity": "many"}, "MaxCapacity: expected type: Integer, found: String"),
        ("NoCapacity", {"ComparisonOperator": "Above"}, "failed validation constraint for keyword [enum]"),
        ("Config", {"ProductionVariants": []}, "ProductionVariants: expected minimum item count: 1, found: 0"),
        ("Endpoint", {"EndpointArn": "arn"}, "extraneous key [EndpointArn] is not permitted"),
        ("Wake", {"PolicyType": None}, "required key [PolicyType] not found"),
    ],
)
def test_a_property_that_the_schema_does_not_allow(logical_id: str, change: Template, what: str) -> None:
    template = wake(scaled())
    properties_of(template, logical_id).update(change)

    found = [problem for problem in check(template).problems if problem.rule == "property-refused"]

    assert [problem.logical_id for problem in found] == [logical_id]
    assert what in found[0].what


@pytest.mark.parametrize(
    "change",
    [
        {"InitialInstanceCount": "1"},
        {"InitialInstanceCount": 1.0},
        {"VariantName": {"Fn::ImportValue": "variant"}},
        {"InstanceType": "ml.q9.xlarge"},
    ],
    ids=["a number as text", "a whole float", "an import", "a type newer than the table"],
)
def test_a_property_that_cloudformation_takes_or_that_is_not_known(change: Template) -> None:
    template = good()
    variant_of(template).update(change)

    assert not [problem for problem in check(template).problems if problem.rule == "property-refused"]


def test_a_value_that_may_be_newer_than_the_schema_is_a_warning() -> None:
    template = good()
    variant_of(template)["InferenceAmiVersion"] = "al2027-ami-sagemaker-inference-gpu-9"

    report = check(template)

    assert "property-refused" not in [problem.rule for problem in report.problems]
    assert "property-refused" in [warning.rule for warning in report.warnings]


def test_a_dimension_is_the_name_of_the_component() -> None:
    template = good()
    template["Resources"]["Alarm"] = alarm("Invocations", of=NAME_OF_LLAMA)

    assert not check(template).problems


@pytest.mark.parametrize(
    ("instance_type", "certain"), [("g6e.xlarge", True), ("ml.g6e.xlargee", False), ("ml.g6e.2xlarge", None)]
)
def test_an_instance_type_that_the_schema_does_not_have(instance_type: str, certain: bool | None) -> None:
    """All types of the schema begin with `ml.`; a type that does may be newer than the schema."""
    template = good()
    variant_of(template)["InstanceType"] = instance_type
    report = check(template)

    found = [each for each in (*report.problems, *report.warnings) if each.rule == "property-refused"]

    assert [each.certain for each in found] == ([] if certain is None else [certain])
    assert all(each.fix.startswith("one of ml.g6e.xlarge,") for each in found)
