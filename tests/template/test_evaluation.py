"""Intrinsic functions and conditions, worked out as far as a template allows."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.endpoint.values import Reference, Unknown, number_of
from replicas.template.evaluation import Resolver

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Given": {"Type": "String", "Default": "default"},
        "Size": {"Type": "Number", "Default": 2},
        "Zones": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Open": {"Type": "String"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/path"},
    },
    "Mappings": {"Map": {"us-east-1": {"type": "ml.g5.xlarge"}, 123: {"type": "account"}}},
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Given"}, "default"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Dunno": {"Fn::Equals": [{"Ref": "Open"}, "x"]},
        "Numbers": {"Fn::Equals": [{"Ref": "Size"}, "2"]},
        "Loop": {"Fn::Not": [{"Condition": "Loop"}]},
        "AndNo": {"Fn::And": [{"Condition": "Dunno"}, {"Condition": "No"}]},
        "OrYes": {"Fn::Or": [{"Condition": "Dunno"}, {"Condition": "Yes"}]},
        "AndDunno": {"Fn::And": [{"Condition": "Dunno"}, {"Condition": "Yes"}]},
        "Odd": ["Yes"],
    },
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
}


def resolved(value: Any, *, region: str | None = None, **parameters: Any) -> Any:
    return Resolver(TEMPLATE, region=region, parameters=parameters).resolve(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (7, 7),
        ({"a": [1, {"Ref": "Given"}]}, {"a": [1, "default"]}),
        ({"Ref": "Size"}, 2),
        ({"Ref": "Zones"}, ["a", "b"]),
        ({"Ref": "Bucket"}, Reference("Bucket")),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, Reference("Bucket", "Arn")),
        ({"Fn::GetAtt": "Bucket.Arn"}, Reference("Bucket", "Arn")),
        ({"Fn::Sub": "${Bucket.Arn}"}, Reference("Bucket", "Arn")),
        ({"Fn::Join": ["", [{"Ref": "Bucket"}]]}, Reference("Bucket")),
        ({"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Bucket"}]}]}, Reference("Bucket")),
        ({"Fn::Sub": "x-${Given}-${!Literal}"}, "x-default-${Literal}"),
        ({"Fn::Sub": ["${a}-${Size}", {"a": {"Ref": "Given"}}]}, "default-2"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Given"}, 3]]}, "a-default-3"),
        ({"Fn::Join": [",", {"Ref": "Zones"}]}, "a,b"),
        ({"Fn::Split": ["-", "a-b"]}, ["a", "b"]),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::FindInMap": ["Map", "123", "type"]}, "account"),
        ({"Fn::FindInMap": ["Map", "no", "type", {"DefaultValue": "d"}]}, "d"),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, 2]}, 2),
        ({"a": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, "b": 1}, {"b": 1}),
        ([{"Ref": "AWS::NoValue"}, 1], [1]),
        ({"Ref": "AWS::NoValue"}, None),
    ],
)
def test_what_a_template_tells(value: object, expected: object) -> None:
    assert resolved(value) == expected


def test_given_values_go_over_defaults() -> None:
    assert resolved({"Ref": "Given"}, Given="other") == "other"
    assert resolved({"Fn::If": ["Yes", 1, 2]}, Given="other") == 2


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [("us-east-1", "aws", "amazonaws.com"), ("cn-north-1", "aws-cn", "amazonaws.com.cn")],
)
def test_a_region_tells_its_partition(region: str, partition: str, suffix: str) -> None:
    value = {"Fn::Sub": "${AWS::Region} ${AWS::Partition} ${AWS::URLSuffix}"}

    assert resolved(value, region=region) == f"{region} {partition} {suffix}"


def test_a_map_by_region() -> None:
    value = {"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, "type"]}

    assert resolved(value, region="us-east-1") == "ml.g5.xlarge"
    assert resolved(value).parameters == ("AWS::Region",)
    assert isinstance(resolved(value, region="eu-west-1"), Unknown)


@pytest.mark.parametrize(
    ("value", "parameters", "text"),
    [
        ({"Ref": "Open"}, ("Open",), "${Open}"),
        ({"Fn::Sub": "a-${Open}-${Given}"}, ("Open",), "a-${Open}-default"),
        ({"Fn::If": ["Dunno", 1, 2]}, ("Open",), "${?}"),
        ({"Ref": "Stored"}, (), "${Stored}"),
        ({"Ref": "AWS::StackName"}, (), "${AWS::StackName}"),
        ({"Fn::Join": ["/", [{"Ref": "Bucket"}, "key"]]}, (), "${Bucket}/key"),
        ("{{resolve:ssm:type}}", (), "{{resolve:ssm:type}}"),
        ({"Fn::ImportValue": "x"}, (), "${?}"),
        ({"Fn::GetAtt": ["Nothing", "Arn"]}, (), "${?}"),
        ({"Fn::Select": [5, ["a"]]}, (), "${?}"),
    ],
)
def test_what_a_template_does_not_tell(value: object, parameters: tuple[str, ...], text: str) -> None:
    unknown = resolved(value)

    assert isinstance(unknown, Unknown)
    assert (unknown.parameters, unknown.text) == (parameters, text)


@pytest.mark.parametrize(
    ("name", "holds"), [("Yes", True), ("No", False), ("Numbers", True), ("AndNo", False), ("OrYes", True)]
)
def test_conditions(name: str, holds: bool) -> None:
    assert Resolver(TEMPLATE, region=None, parameters={}).condition(name) is holds


@pytest.mark.parametrize("name", ["Dunno", "AndDunno", "Loop", "Odd", "Nowhere", None])
def test_conditions_that_are_not_known(name: object) -> None:
    assert isinstance(Resolver(TEMPLATE, region=None, parameters={}).condition(name), Unknown)


def test_a_structure_within_itself_ends() -> None:
    circle: list[Any] = []
    circle += [circle, circle]

    assert isinstance(resolved(circle)[0], Unknown)


@pytest.mark.parametrize("value", ["eight", "nan", "1e999", True, [], {}, 10**400])
def test_what_is_no_number(value: object) -> None:
    assert isinstance(number_of(value), Unknown)
