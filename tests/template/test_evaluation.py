"""Intrinsic functions and conditions, worked out as far as a template allows."""

from __future__ import annotations

import re
from collections.abc import Callable
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
        ({"Ref": "Size"}, "2"),
        ({"Ref": "Zones"}, ["a", "b"]),
        ({"Ref": "Bucket"}, Reference("Bucket")),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, Reference("Bucket", "Arn")),
        ({"Fn::GetAtt": "Bucket.Arn"}, Reference("Bucket", "Arn")),
        ({"Fn::Sub": "${Bucket.Arn}"}, Reference("Bucket", "Arn")),
        ({"Fn::Join": ["", [{"Ref": "Bucket"}]]}, Reference("Bucket")),
        ({"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Bucket"}]}]}, Reference("Bucket", segments=(("/", 1),))),
        ({"Fn::Sub": "x-${Given}-${!Literal}"}, "x-default-${Literal}"),
        ({"Fn::Sub": ["${a}-${Size}", {"a": {"Ref": "Given"}}]}, "default-2"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Given"}, 3]]}, "a-default-3"),
        ({"Fn::Join": [",", {"Ref": "Zones"}]}, "a,b"),
        ({"Fn::Split": ["-", "a-b"]}, ["a", "b"]),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::FindInMap": ["Map", "123", "type"]}, "account"),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, 2]}, 2),
        ({"a": {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, "b": 1}, {"b": 1}),
        ([{"Ref": "AWS::NoValue"}, 1], [1]),
        ({"Ref": "AWS::NoValue"}, None),
        ({"Fn::Base64": "text"}, "dGV4dA=="),
        ({"Fn::Cidr": ["10.0.0.0/24", 2, 5]}, ["10.0.0.0/27", "10.0.0.32/27"]),
        ({"Fn::Sub": ["${ a }", {"a": "spaces around a name"}]}, "spaces around a name"),
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


EXTENDED = {**TEMPLATE, "Transform": ["AWS::LanguageExtensions"]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Fn::FindInMap": ["Map", "no", "type", {"DefaultValue": "d"}]}, "d"),
        ({"Fn::FindInMap": ["Map", {"Fn::Sub": "${AWS::Region}"}, "type"]}, "ml.g5.xlarge"),
        ({"Fn::Length": {"Ref": "Zones"}}, 2),
        ({"Fn::ToJsonString": {"a": [1, {"Ref": "Given"}]}}, '{"a":[1,"default"]}'),
    ],
)
def test_language_extensions_need_their_transform(value: object, expected: object) -> None:
    without = Resolver(TEMPLATE, region="us-east-1", parameters={})
    extended = Resolver(EXTENDED, region="us-east-1", parameters={})

    assert isinstance(without.resolve(value), Unknown)
    assert len(without.faults) == 1
    assert extended.resolve(value) == expected
    assert extended.faults == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": ["A"]}, "every Ref object must have a single String value"),
        ({"Ref": "Missing"}, r"Unresolved resource dependencies \[Missing\]"),
        ({"Fn::GetAtt": ["Bucket"]}, "every Fn::GetAtt object requires two non-empty parameters"),
        ({"Fn::GetAtt": ["Missing", "Arn"]}, r"Unresolved resource dependencies \[Missing\]"),
        ({"Fn::Sub": ["${a}"]}, "Fn::Sub intrinsic functions don't specify expected arguments"),
        ({"Fn::Sub": "${a b}"}, "variable names in Fn::Sub syntax must contain only"),
        ({"Fn::Sub": ["${a}", {"a": ["list"]}]}, "Fn::Sub intrinsic functions don't specify expected arguments"),
        ({"Fn::Join": ["", "text"]}, "every Fn::Join object requires two parameters"),
        ({"Fn::Join": ["", [["list"]]]}, "every Fn::Join object requires two parameters"),
        ({"Fn::Split": ["", "text"]}, "every Fn::Split object requires two parameters"),
        ({"Fn::Select": ["x", ["a"]]}, "Fn::Select requires a list argument with two elements"),
        ({"Fn::Select": [0, "a,b"]}, "Fn::Select requires a list argument with two elements"),
        ({"Fn::Select": [-1, ["a"]]}, "Fn::Select cannot select nonexistent value at index -1"),
        ({"Fn::If": ["Yes", 1]}, "Fn::If requires a list argument with three parameters"),
        ({"Fn::If": ["Nowhere", 1, 2]}, "Unresolved condition dependency Nowhere"),
        ({"Fn::If": ["Loop", 1, 2]}, "Circular condition dependency: Loop"),
        ({"Fn::If": ["Odd", 1, 2]}, "Conditions can only be boolean operations"),
        ({"Fn::If": ["OfOne", 1, 2]}, "every Fn::And object requires a list of at least 2 and at most 10"),
        ({"Fn::If": ["OfResource", 1, 2]}, "Cannot reference resources in the Conditions block"),
        ({"Fn::FindInMap": ["Map", "no", "type"]}, "Unable to get mapping for Map::no::type"),
        ({"Fn::FindInMap": ["Map"]}, "every Fn::FindInMap object requires three parameters"),
        ({"Fn::Cidr": ["10.0.0.0/24", 300, 5]}, "a count from 1 to 256"),
        ({"Fn::Equals": ["a", "a"]}, "condition functions are allowed in Conditions"),
        ({"Fn::If": ["Yes", 1, 2], "Other": 1}, "Fn::If must be the only key of its object"),
        ({"Ref": "Structured"}, "Every Default member must be a string"),
    ],
)
def test_a_faulty_expression_is_unknown_and_its_fault_is_noted_in_cloudformations_words(
    value: object, message: str
) -> None:
    template = {
        **TEMPLATE,
        "Parameters": {**TEMPLATE["Parameters"], "Structured": {"Default": {"Ref": "Given"}}},
        "Conditions": {
            **TEMPLATE["Conditions"],
            "OfOne": {"Fn::And": [{"Condition": "Yes"}]},
            "OfResource": {"Fn::Equals": [{"Ref": "Bucket"}, "x"]},
        },
    }
    resolver = Resolver(template, region=None, parameters={})

    assert isinstance(resolver.resolve(value), Unknown)
    (fault,) = resolver.faults
    assert re.search(message, fault.message)


@pytest.mark.parametrize("value", [{"Ref": "Open"}, {"Ref": "AWS::StackName"}, {"Fn::GetAZs": ""}, {"Fn::Macro": 1}])
def test_a_value_that_is_known_at_the_deployment_is_no_fault(value: object) -> None:
    resolver = Resolver(TEMPLATE, region=None, parameters={})

    assert isinstance(resolver.resolve(value), Unknown)
    assert resolver.faults == ()


def test_an_unknown_text_names_the_resources_that_it_depends_on() -> None:
    joined = resolved({"Fn::Join": ["/", [{"Ref": "Bucket"}, {"Fn::GetAtt": ["Bucket", "Arn"]}, {"Ref": "Open"}]]})

    assert joined.references == (Reference("Bucket"), Reference("Bucket", "Arn"))


def test_conditions_that_use_each_other_twice_are_evaluated_once_each() -> None:
    conditions: dict[str, Any] = {f"C{n}": {"Fn::And": [{"Condition": f"C{n + 1}"}] * 2} for n in range(40)}
    conditions["C40"] = {"Fn::Equals": ["a", "a"]}

    assert Resolver({"Conditions": conditions}, region=None, parameters={}).condition("C0") is True


def test_a_chain_of_conditions_that_is_too_long_is_a_fault() -> None:
    conditions: dict[str, Any] = {f"C{n}": {"Fn::Not": [{"Condition": f"C{n + 1}"}]} for n in range(5000)}
    conditions["C5000"] = {"Fn::Equals": ["a", "a"]}
    resolver = Resolver({"Conditions": conditions}, region=None, parameters={})

    assert isinstance(resolver.condition("C0"), Unknown)
    assert "nested deeper than 100 levels" in resolver.faults[0].message


@pytest.mark.parametrize(
    "double",
    [
        lambda inner: {"Fn::Sub": ["${a}${a}", {"a": inner}]},
        lambda inner: {"Fn::Join": ["", [inner, inner]]},
    ],
)
def test_texts_that_double_at_each_level_end_in_a_fault(double: Callable[[Any], Any]) -> None:
    value: Any = "x" * 1000
    for _ in range(50):
        value = double(value)
    resolver = Resolver(TEMPLATE, region=None, parameters={})

    assert isinstance(resolver.resolve(value), Unknown)
    assert [fault.message for fault in resolver.faults] == [
        "Template error: functions produce more than 4000000 characters"
    ]


def test_a_structure_within_itself_ends() -> None:
    circle: list[Any] = []
    circle += [circle, circle]

    assert isinstance(resolved(circle)[0], Unknown)


@pytest.mark.parametrize("value", ["eight", "nan", "1e999", True, [], {}, 10**400])
def test_what_is_no_number(value: object) -> None:
    assert isinstance(number_of(value), Unknown)
