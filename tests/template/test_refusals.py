"""What CloudFormation refuses before any resource changes is a finding of the rule "template-refused"."""

from __future__ import annotations

from typing import Any

import pytest
from cfnlint import helpers

from replicas.rules import check
from tests.rules.base import good

BUCKET = {"Type": "AWS::S3::Bucket"}


def refused(change: dict[str, Any], **parameters: str) -> tuple[list[str], list[str]]:
    """Messages of the problems and of the warnings of a sound template after a change of its sections."""
    template = good()
    for section, content in change.items():
        template[section] = {**template.get(section, {}), **content} if isinstance(content, dict) else content
    report = check(template, parameters=parameters)
    return tuple(
        [finding.what for finding in findings if finding.rule == "template-refused"]
        for findings in (report.problems, report.warnings)
    )


def bucket(value: Any, **keys: Any) -> dict[str, Any]:
    return {"Bucket": {**BUCKET, "Properties": {"BucketName": value}, **keys}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # Each message is quoted: replicas/template/faults.py names the source.
        (
            {"Resources": bucket({"Ref": "Nothing"})},
            "Unresolved resource dependencies [Nothing] in the Resources block",
        ),
        (
            {"Outputs": {"Out": {"Value": {"Fn::GetAtt": ["Nothing", "Arn"]}}}},
            "Unresolved resource dependencies [Nothing] in the Outputs block",
        ),
        (
            {
                "Mappings": {"Map": {"a": {"b": "c"}}},
                "Resources": bucket({"Fn::FindInMap": ["Map", "a", "x"]}),
            },
            "Unable to get mapping for Map::a::x",
        ),
        ({"Resources": bucket("{{resolve:ssm-secure:name:1}}")}, "SSM Secure reference is not supported in: [AWS::S3"),
        (
            {"Resources": {"Bucket": {**BUCKET, "Condition": "Nope"}}},
            "Unresolved condition dependency Nope in the Resources block",
        ),
        ({"Resources": bucket({"Fn::If": ["Nope", "a", "b"]})}, "unresolved condition dependency Nope in Fn::If"),
        ({"Resources": bucket({"Fn::Condition": "Nope"})}, "Encountered unsupported function: Fn::Condition"),
        ({"Conditions": {"A": {"Fn::Not": [{"Condition": "Nope"}]}}}, "dependency Nope in the Conditions block"),
        (
            {"Resources": {"Fn::ForEach::Loop": ["Name", ["A", "B"], {"${Name}": BUCKET}]}},
            "Resource name Fn::ForEach::Loop is non alphanumeric",
        ),
        ({"Resources": {"My_Bucket": BUCKET}}, "Resource name My_Bucket is non alphanumeric"),
        ({"Resources": bucket(None)}, "[/Resources/Bucket/Properties/BucketName] 'null' values are not allowed"),
        ({"Resources": {"Bucket": {**BUCKET, "Propertys": {}}}}, "Invalid template resource property 'Propertys'"),
        ({"Ressources": {}}, "Invalid template property or properties [Ressources]"),
        ({"Resources": bucket({"Fn::Join": ["", "a"]})}, "every Fn::Join object requires two parameters"),
        (
            {"Resources": {"Bucket": {**BUCKET, "DependsOn": "Bucket"}}},
            "Circular dependency between resources: [Bucket]",
        ),
        ({"Outputs": {"Out": {"Value": {"Fn::Split": [",", "a,b"]}}}}, "The Value field of every Outputs member"),
        # Documented in the guide.
        ({"Parameters": {"Size": {"Type": "Integer", "Default": 1}}}, "Unrecognized parameter type: Integer"),
        ({"Resources": {f"Bucket{n}": BUCKET for n in range(500)}}, "is greater than maximum allowed, 500"),
        (
            {"Rules": {"Never": {"Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}, "AssertDescription": "no"}]}}},
            "Rule Never failed: no",
        ),
    ],
)
def test_what_cloudformation_refuses_is_a_problem(change: dict[str, Any], message: str) -> None:
    problems, warnings = refused(change)

    assert [message in problem for problem in problems] == [True], problems
    assert warnings == []


def test_a_fault_that_no_source_confirms_is_a_warning() -> None:
    problems, warnings = refused({"Resources": bucket({"Fn::Sub": "a", "Other": "b"})})

    assert problems == []
    assert warnings == ["Template format error: Fn::Sub must be the only key of its object"]


CONDITIONS = {"Conditions": {"No": {"Fn::Equals": ["a", "b"]}, "Yes": {"Fn::Equals": ["a", "a"]}}}


def test_a_reference_to_a_resource_whose_condition_is_false() -> None:
    """Quoted in aws-solutions/media-insights-on-aws, issue 145."""
    resources = {
        "Topic": {"Type": "AWS::SNS::Topic", "Condition": "No"},
        **bucket({"Fn::GetAtt": ["Topic", "TopicName"]}),
    }

    problems, _ = refused({**CONDITIONS, "Resources": resources})

    assert problems == [
        "Template format error: Unresolved resource dependencies [Topic] in the Resources block of the template"
    ]


@pytest.mark.parametrize(
    "resources",
    [
        bucket({"Fn::If": ["No", {"Ref": "Topic"}, "name"]}),
        bucket({"Ref": "Topic"}, Condition="No"),
        {"Bucket": {**BUCKET, "DependsOn": "Topic"}},
    ],
    ids=["in the other branch", "by a resource that is absent too", "in DependsOn"],
)
def test_a_reference_that_is_not_used_is_no_fault(resources: dict[str, Any]) -> None:
    topic = {"Topic": {"Type": "AWS::SNS::Topic", "Condition": "No"}}

    assert refused({**CONDITIONS, "Resources": {**topic, **resources}}) == ([], [])


@pytest.mark.parametrize(
    ("declaration", "given", "message"),
    [
        ({"Default": "c", "AllowedValues": ["a", "b"]}, {}, "must be one of AllowedValues [a, b]"),
        ({"Default": "a", "AllowedValues": ["a", "b"]}, {"P": "c"}, "must be one of AllowedValues [a, b]"),
        ({"Type": "Number", "Default": "eight"}, {}, "must be a number"),
        ({"Type": "Number"}, {"P": "1_0"}, "must be a number"),
        ({"Type": "Number", "MinValue": 2}, {"P": "1"}, "must be a number not less than 2"),
        ({"Default": "A", "AllowedPattern": "[a-z]+"}, {}, "must match pattern [a-z]+"),
        ({"AllowedPattern": "[a-z](-*[a-z0-9])*"}, {"P": "a_b"}, "must match pattern [a-z](-*[a-z0-9])*"),
        ({"Default": {"Ref": "AWS::Region"}}, {}, "Every Default member must be a string"),
    ],
)
def test_a_value_of_a_parameter_that_breaks_its_declaration(
    declaration: dict[str, Any], given: dict[str, str], message: str
) -> None:
    problems, _ = refused({"Parameters": {"P": {"Type": "String", **declaration}}}, **given)

    assert [message in problem for problem in problems] == [True], problems


@pytest.mark.parametrize(
    ("declaration", "given"),
    [
        ({"Default": "c", "AllowedValues": ["a", "b"]}, {"P": "a"}),
        ({"AllowedValues": ["a", "b"]}, {}),
        ({"Type": "Number", "Default": "1.5", "MinValue": "1"}, {}),
        ({"Default": "a-b", "AllowedPattern": "[a-z](-*[a-z0-9])*"}, {}),
        ({"Type": "CommaDelimitedList", "Default": "a, b", "AllowedPattern": "[a-z]"}, {}),
        ({"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/name", "AllowedValues": ["x"]}, {}),
        ({"Type": "List<AWS::EC2::Subnet::Id>"}, {}),
    ],
)
def test_a_value_that_keeps_its_declaration(declaration: dict[str, Any], given: dict[str, str]) -> None:
    assert refused({"Parameters": {"P": {"Type": "String", **declaration}}}, **given) == ([], [])


@pytest.mark.parametrize("pattern", ["(a+)+", r"\p{Lower}+", "[a-z&&[^b]]+"])
def test_a_pattern_that_cannot_be_matched_here_is_not_judged(pattern: str) -> None:
    template = good()
    template["Parameters"] = {"P": {"Type": "String", "Default": "a" * 40 + "!", "AllowedPattern": pattern}}

    report = check(template)

    assert report.problems == ()
    assert [(question.logical_id, question.question) for question in report.unjudged] == [
        ("P", "whether its value matches AllowedPattern")
    ]


def test_a_slow_pattern_leaves_the_others_judged() -> None:
    template = good()
    template["Parameters"] = {
        "Slow": {"Type": "String", "Default": "a" * 40 + "!", "AllowedPattern": "(a+)+"},
        "Wrong": {"Type": "String", "Default": "a_b", "AllowedPattern": "[a-z](-*[a-z0-9])*"},
    }

    assert [problem.what for problem in check(template).problems] == [
        "Parameter 'Wrong' must match pattern [a-z](-*[a-z0-9])*"
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"Transform": "AWS::Serverless-2016-10-31", "Globals": {}},
        {"Transform": ["Macro"], "Resources": {"My_Bucket": {"Made": "later"}}},
        {"Resources": {"Fn::Transform": {"Name": "AWS::Include"}, **bucket({"Ref": "Nothing"})}},
        {"Resources": {"Part": {"Type": "My::Own::Part::MODULE"}, **bucket({"Ref": "PartTopic"})}},
    ],
)
def test_a_template_that_is_completed_at_the_deployment_is_not_judged(change: dict[str, Any]) -> None:
    template = {**good(), **{key: value for key, value in change.items() if key != "Resources"}}
    template["Resources"].update(change.get("Resources", {}))

    report = check(template)

    assert [finding.rule for finding in (*report.problems, *report.warnings)] == []
    assert report.unjudged


LONG = "x" * 300_000


@pytest.mark.parametrize(
    ("resource", "parameters"),
    [
        (bucket({"Fn::Sub": "${P}" * 20_000}), {"P": {"Type": "String", "Default": LONG}}),
        (bucket({"Fn::Join": ["", [{"Ref": "P"}] * 20_000]}), {"P": {"Type": "String", "Default": LONG}}),
        (bucket([{"Fn::Split": ["x", {"Ref": "P"}]} for _ in range(500)]), {"P": {"Type": "String", "Default": LONG}}),
        (bucket([{"Fn::Cidr": ["10.0.0.0/8", 256, 8]} for _ in range(5000)]), {}),
    ],
    ids=["Fn::Sub", "Fn::Join", "Fn::Split", "Fn::Cidr"],
)
def test_functions_that_would_fill_the_memory_are_a_fault(resource: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Given less than a megabyte of text that stands for gigabytes, when it is checked, then nothing of it is made."""
    _, warnings = refused({"Resources": resource, "Parameters": parameters})

    assert [warning for warning in warnings if "functions produce more than 4000000 characters" in warning]


def test_null_values_are_reported_up_to_ten() -> None:
    problems, _ = refused({"Resources": bucket([None] * 5000)})

    assert len(problems) == 10


def test_a_long_value_is_shortened_in_a_sentence() -> None:
    template = good()
    template["Resources"]["Llama"]["Properties"]["EndpointName"] = LONG

    report = check(template)

    assert LONG not in "".join(question.why for question in report.unjudged)
    assert max(len(question.why) for question in report.unjudged) < 2000
    assert max(len(point.what) for point in report.unresolved) < 2000


def test_a_template_with_more_resources_than_cloudformation_takes_is_refused_and_nothing_else_judged() -> None:
    template = good()
    template["Resources"] |= {f"Bucket{n}": BUCKET for n in range(5000)}

    report = check(template)

    (problem,) = report.problems
    assert problem.what == "Template format error: Number of resources, 5005, is greater than maximum allowed, 500"
    assert [question.question for question in report.unjudged] == ["anything else"]
    assert (report.endpoints, report.warnings) == ((), ())


def test_every_function_that_cfn_lint_knows_is_supported() -> None:
    known = [*helpers.FUNCTIONS, *helpers.FUNCTION_RULES, *helpers.FUNCTION_CONDITIONS]
    for function in [name for name in known if name.startswith("Fn::")]:
        problems, warnings = refused({"Outputs": {"Out": {"Value": {function: "x"}}}})
        assert not any("unsupported function" in found for found in (*problems, *warnings)), function
