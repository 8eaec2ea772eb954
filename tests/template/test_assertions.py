"""A template whose `Rules` hold an assertion that is never true can never be deployed (User Guide, Rules syntax)."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.template.assertions import refusal_of

NEVER = {"Fn::Equals": ["a", "b"]}
OF_A_PARAMETER = {"Fn::Equals": [{"Ref": "P"}, "x"]}


def template(**rule: Any) -> dict[str, Any]:
    return {"Parameters": {"P": {"Type": "String", "Default": "y"}}, "Rules": {"R": rule}}


def test_an_assertion_that_is_never_true_is_the_refusal() -> None:
    never = template(Assertions=[{"Assert": OF_A_PARAMETER}, {"Assert": NEVER, "AssertDescription": "too large"}])
    assert refusal_of(never) == "too large"
    assert refusal_of(template(Assertions=[{"Assert": NEVER}])) == "the assertion of rule R is never true"
    assert refusal_of(template(RuleCondition={"Fn::Not": [NEVER]}, Assertions=[{"Assert": NEVER}]))


@pytest.mark.parametrize(
    "rule",
    [
        {"Assertions": [{"Assert": OF_A_PARAMETER}]},  # false for the default, true for another value
        {"Assertions": [{"Assert": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}}]},
        {"Assertions": [{"Assert": {"Fn::Equals": ["a", "a"]}}]},
        {"RuleCondition": OF_A_PARAMETER, "Assertions": [{"Assert": NEVER}]},
        {"RuleCondition": NEVER, "Assertions": [{"Assert": NEVER}]},
        {"Assertions": "none"},
        {"Assertions": [None, {}]},
    ],
)
def test_a_template_that_some_values_deploy_is_not_refused(rule: dict[str, Any]) -> None:
    assert refusal_of(template(**rule)) is None


@pytest.mark.parametrize("content", [{}, {"Rules": None}, {"Rules": []}, {"Rules": {"R": 1}}])
def test_a_template_without_rules_is_not_refused(content: dict[str, Any]) -> None:
    assert refusal_of(content) is None
