"""Faults in the structure of a template, in CloudFormation's words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from replicas.template.faults import Fault
from replicas.template.references import in_order, mentions, needs_of
from replicas.template.structure import template_faults

TOPIC: dict[str, Any] = {"Type": "AWS::SNS::Topic", "Properties": {}}

SECURE = "{{resolve:ssm-secure:token:1}}"


def template(**sections: Any) -> dict[str, Any]:
    return {"Resources": {"Topic": copy.deepcopy(TOPIC)}, **sections}


def test_some_types_take_a_secure_string() -> None:
    """CloudFormation guide, dynamic references: resources that support secure strings."""
    cluster = {"Type": "AWS::RDS::DBCluster", "Properties": {"MasterUserPassword": SECURE}}

    assert template_faults({"Resources": {"A": cluster}}) == []


def test_a_template_without_faults_has_none() -> None:
    resources = {
        "Topic": TOPIC,
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "DependsOn": ["Topic"],
            "Condition": "Kept",
            "Properties": {
                "AlarmActions": [{"Ref": "Topic"}],
                "Namespace": {"Fn::Sub": "${AWS::Region}/${Name}/${!x}"},
            },
        },
    }
    whole = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {"Name": {"Type": "String"}},
        "Conditions": {"Kept": {"Fn::Equals": ["a", "a"]}},
        "Resources": resources,
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Topic", "TopicArn"]}}},
    }

    assert template_faults(whole) == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (template(Conclusion={}), "Invalid template property or properties [Conclusion]"),
        (template(AWSTemplateFormatVersion="2020"), "Template format error: 2020 is not a supported value for"),
        (template(Outputs=[1]), "Template format error: Outputs must be an object."),
        ({"Resources": {}}, "Template format error: At least one Resources member must be defined."),
        ({"Resources": {"a-b": TOPIC}}, "Template format error: Resource name a-b is non alphanumeric."),
        ({"Resources": {"A": "text"}}, "Template format error: [/Resources/A] resource definition is malformed"),
        ({"Resources": {"A": {}}}, "Template format error: [/Resources/A] Every Resources object must contain a Type"),
        (
            {"Resources": {"A": {"Type": "AWS::SageMaker::Model", "Properties": {"X": {"Fn::Sub": SECURE}}}}},
            "SSM Secure reference is not supported in: [AWS::SageMaker::Model/Properties/X]",
        ),
        ({"Resources": {"A": {**TOPIC, "Propertys": 1}}}, "Invalid template resource property 'Propertys'"),
        ({"Resources": {"A": {**TOPIC, "Properties": []}}}, "Template format error: [/Resources/A/Properties] must be"),
        (
            {"Resources": {"A": {**TOPIC, "DeletionPolicy": "Keep"}}},
            "Template format error: Unrecognized DeletionPolicy",
        ),
        ({"Resources": {"A": {**TOPIC, "DeletionPolicy": "Snapshot"}}}, "Template format error: Unrecognized Deletion"),
        (
            {"Resources": {"A": {**TOPIC, "Properties": {"Tags": [None]}}}},
            "[/Resources/A/Properties/Tags/0] 'null' values are not allowed in templates",
        ),
        (template(Outputs={"A": {}}), "Template format error: Every Outputs member must contain a Value object (A)"),
        (
            template(Outputs={"A": {"Value": {"Ref": "Missing"}}}),
            "Template format error: Unresolved resource dependencies [Missing] in the Outputs block of the template",
        ),
        (
            {"Resources": {"A": {**TOPIC, "Properties": {"TopicName": {"Fn::Sub": "${B}-${Topic}"}}}}},
            "Template format error: Unresolved resource dependencies [B, Topic] in the Resources block of the template",
        ),
        (
            {"Resources": {"A": {**TOPIC, "Properties": {"TopicName": {"Fn::GetAtt": "B"}}}}},
            "Template error: every Fn::GetAtt object requires two non-empty parameters",
        ),
        (
            {"Resources": {"A": {**TOPIC, "Condition": "No"}}},
            "Template format error: Unresolved condition dependency No in the Resources block of the template",
        ),
        (
            {"Resources": {"A": {**TOPIC, "DependsOn": "B"}}},
            "Template format error: Unresolved resource dependencies [B] in the Resources block of the template",
        ),
        ({"Resources": {"A": {**TOPIC, "DependsOn": "A"}}}, "Circular dependency between resources: [A]"),
        (
            {"Resources": {"A": {**TOPIC, "DependsOn": "B"}, "B": {**TOPIC, "DependsOn": "A"}}},
            "Circular dependency between resources: [A, B]",
        ),
    ],
)
def test_each_fault_is_told_in_cloudformations_words(body: dict[str, Any], message: str) -> None:
    faults = [fault.message for fault in template_faults(body)]

    assert any(fault.startswith(message) for fault in faults), faults


def test_a_database_may_be_kept_as_a_snapshot() -> None:
    assert template_faults({"Resources": {"A": {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot"}}}) == []


def test_mentions_are_the_names_of_every_well_formed_function() -> None:
    value = [
        {"Ref": "A"},
        {"Fn::GetAtt": ["B", {"Ref": "Name"}]},
        {"Fn::GetAtt": "C.Arn"},
        {"Fn::Sub": ["${D}${E.Arn}${own}${!F}", {"own": {"Ref": "G"}}]},
        {"Fn::GetAtt": ["malformed"]},
        {"Fn::Sub": {}},
        {"Ref": []},
    ]

    assert list(mentions(value)) == [
        *(("A", None), ("B", ""), ("Name", None), ("C", "Arn"), ("D", None), ("E", "Arn"), ("G", None)),
    ]


def test_resources_come_after_what_they_need_and_otherwise_in_the_order_given() -> None:
    assert in_order({"A": ["C"], "B": [], "C": ["B"], "D": ["gone"]}) == ["B", "D", "C", "A"]


def test_a_long_chain_of_resources_is_put_in_order() -> None:
    chain = {f"R{n}": {**TOPIC, "DependsOn": f"R{n + 1}"} for n in range(20_000)} | {"R20000": TOPIC}

    needs = needs_of(chain)

    assert not isinstance(needs, Fault)
    assert next(iter(needs)) == "R20000"
