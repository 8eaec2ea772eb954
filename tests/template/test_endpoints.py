"""What belongs together: ties by reference and by name, conditions, and what is not in the template."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.rules import check
from tests.rules.base import component, good, properties_of, rules, variant_of

ENDPOINT_NAMES: list[Any] = [
    {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
    {"Fn::GetAtt": "Endpoint.EndpointName"},
    {"Fn::Sub": "${Endpoint.EndpointName}"},
    {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Endpoint"}]}]},
    {"Fn::Join": ["", [{"Fn::GetAtt": ["Endpoint", "EndpointName"]}]]},
]


@pytest.mark.parametrize("name", ENDPOINT_NAMES)
def test_a_component_names_its_endpoint_by_reference(name: object) -> None:
    template = good()
    properties_of(template, "Llama").update(EndpointName=name, RuntimeConfig={"CopyCount": 9})

    assert rules(check(template)) == ["over-committed"]


@pytest.mark.parametrize("name", ["chat", {"Fn::Sub": "${AWS::StackName}-chat"}, {"Ref": "Name"}])
def test_a_component_names_its_endpoint_as_the_endpoint_names_itself(name: object) -> None:
    template = good()
    template["Parameters"] = {"Name": {"Type": "String"}}
    properties_of(template, "Endpoint")["EndpointName"] = name
    properties_of(template, "Llama").update(EndpointName=name, RuntimeConfig={"CopyCount": 9})
    template["Resources"]["Llama"]["DependsOn"] = "Endpoint"

    assert rules(check(template)) == ["over-committed"]


def test_values_that_only_look_the_same_tie_nothing() -> None:
    template = good()
    properties_of(template, "Endpoint")["EndpointName"] = {"Fn::ImportValue": "a"}
    properties_of(template, "Llama").update(EndpointName={"Fn::ImportValue": "b"}, RuntimeConfig={"CopyCount": 9})

    report = check(template)

    assert not report.problems
    assert report.unresolved[0].what.startswith("the endpoint is not known")


def test_a_component_names_its_endpoint_by_arn() -> None:
    template = good()
    properties = properties_of(template, "Llama")
    del properties["EndpointName"]
    properties.update(EndpointArn={"Ref": "Endpoint"}, RuntimeConfig={"CopyCount": 9})

    # CloudFormation's schema takes an EndpointArn, and requires an EndpointName all the same.
    assert rules(check(template)) == ["over-committed", "property-refused"]


def test_models_and_configs_tie_by_equal_names() -> None:
    template = good()
    properties_of(template, "Model")["ModelName"] = "m"
    properties_of(template, "Config")["EndpointConfigName"] = "c"
    properties_of(template, "Endpoint")["EndpointConfigName"] = "c"
    properties_of(template, "Llama")["Specification"]["ModelName"] = "m"
    properties_of(template, "Model")["PrimaryContainer"]["Environment"] = {"SM_NUM_GPUS": "2"}
    template["Resources"]["Endpoint"]["DependsOn"] = ["Config"]
    template["Resources"]["Llama"]["DependsOn"] = "Model"

    assert rules(check(template)) == ["fixed-name", "tensor-parallel-mismatch", "fixed-name"]


def test_a_model_with_one_container_in_a_list() -> None:
    template = good()
    properties = properties_of(template, "Model")
    properties["Containers"] = [{**properties.pop("PrimaryContainer"), "Environment": {"SM_NUM_GPUS": "2"}}]

    assert rules(check(template)) == ["tensor-parallel-mismatch"]


def test_a_resource_whose_condition_is_false_is_left_out() -> None:
    template = good()
    template["Conditions"] = {"Never": {"Fn::Equals": ["a", "b"]}}
    template["Resources"]["Second"] = {**component(copies=8), "Condition": "Never"}

    report = check(template)

    assert (report.problems, report.unresolved) == ((), ())
    assert report.endpoints[0].placement == ({"Llama": 8},)


def test_a_resource_whose_condition_is_not_known_is_not_counted() -> None:
    template = good()
    template["Parameters"] = {"Stage": {"Type": "String"}}
    template["Conditions"] = {"IsProduction": {"Fn::Equals": [{"Ref": "Stage"}, "production"]}}
    template["Resources"]["Second"] = {**component(copies=8), "Condition": "IsProduction"}

    report = check(template)

    assert not report.problems
    assert report.endpoints[0].placement is None
    assert [(point.logical_id, point.parameters) for point in report.unresolved] == [("Second", ("Stage",))]
    assert rules(check(template, parameters={"Stage": "production"})) == ["over-committed"]


def test_an_endpoint_outside_the_template_is_not_judged() -> None:
    template = good()
    properties_of(template, "Llama").update(EndpointName="elsewhere", RuntimeConfig={"CopyCount": 99})

    report = check(template)

    assert not report.problems
    assert report.unresolved[0].what.startswith(
        "the endpoint elsewhere is not known (the resource is not in the template)"
    )


def test_a_config_outside_the_template_is_not_judged() -> None:
    template = good()
    properties_of(template, "Endpoint")["EndpointConfigName"] = "elsewhere"

    report = check(template)

    assert (report.problems, report.endpoints) == ((), ())
    assert report.unresolved[0].logical_id == "Endpoint"


def test_a_model_outside_the_template_is_not_judged() -> None:
    template = good()
    properties_of(template, "Llama")["Specification"]["ModelName"] = "elsewhere"

    report = check(template)

    assert (report.problems, report.unresolved) == ((), ())


def test_an_instance_type_by_region_asks_for_the_region() -> None:
    template = good()
    template["Mappings"] = {"Types": {"us-east-1": {"type": "ml.g5.12xlarge"}}}
    variant_of(template)["InstanceType"] = {"Fn::FindInMap": ["Types", {"Ref": "AWS::Region"}, "type"]}

    assert check(template).unresolved[0].parameters == ("AWS::Region",)
    assert rules(check(template, region="us-east-1")) == ["over-committed"]


def test_specifications_of_which_none_is_for_the_instance_type_are_refused() -> None:
    template = good()
    properties = properties_of(template, "Llama")
    specification = properties.pop("Specification")
    properties["Specifications"] = [
        {**specification, "InstanceType": name} for name in ("ml.g5.12xlarge", "ml.g6.12xlarge")
    ]

    assert set(rules(check(template))) == {"specification-types"}


def test_resources_made_by_a_macro_are_not_judged() -> None:
    template = good()
    template["Resources"]["Fn::Transform"] = {"Name": "AWS::Include", "Parameters": {"Location": "s3://bucket/file"}}

    report = check(template)

    assert not report.problems
    assert "macro" in report.unresolved[0].what


def test_one_of_several_variants_that_is_not_told() -> None:
    template = good()
    template["Parameters"] = {"Variant": {"Type": "String"}}
    properties_of(template, "Config")["ProductionVariants"].append({**variant_of(template), "VariantName": "Other"})
    properties_of(template, "Llama")["VariantName"] = {"Ref": "Variant"}

    report = check(template)

    assert not report.problems
    assert report.unresolved[0].parameters == ("Variant",)


@pytest.mark.parametrize(
    ("more", "is_open"),
    [
        ({}, True),
        ({"Nat": {"Type": "AWS::EC2::NatGateway"}}, False),
        ({"S3": {"Type": "AWS::EC2::VPCEndpoint"}}, False),
    ],
)
def test_subnets_of_the_template_without_a_way_out_are_not_judged(more: dict[str, Any], is_open: bool) -> None:
    """SageMaker developer guide, host-vpc: without NAT or VPC endpoints, a container in a VPC reaches no service."""
    template = good()
    template["Resources"].update(more)
    template["Resources"]["Subnet"] = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": "vpc-1"}}
    network = {"Subnets": [{"Ref": "Subnet"}], "SecurityGroupIds": ["sg-12345678"]}
    properties_of(template, "Model")["VpcConfig"] = network

    questions = [question.why for question in check(template).unjudged if question.logical_id == "Model"]

    assert any("no gateway and no VPC endpoint" in why for why in questions) == is_open
