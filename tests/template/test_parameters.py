"""Parameters of a template: types, defaults and constraints."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.template.faults import Fault
from replicas.template.parameters import (
    DEFAULT_FAULT,
    Parameter,
    constraint_faults,
    default_of,
    is_hidden,
    is_stored,
    typed,
)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("String", "a, b", "a, b"),
        ("Number", "8", "8"),
        ("CommaDelimitedList", "a, b", ["a", "b"]),
        ("List<Number>", "1,2", ["1", "2"]),
        ("List<AWS::EC2::Subnet::Id>", "subnet-1", ["subnet-1"]),
        ("AWS::SSM::Parameter::Value<List<String>>", "a,b", ["a", "b"]),
        ("AWS::SSM::Parameter::Value<String>", "a,b", "a,b"),
        ("AWS::EC2::KeyPair::KeyName", "mine", "mine"),
    ],
)
def test_a_ref_gives_a_list_for_list_types_and_a_text_for_all_others(kind: str, text: str, value: object) -> None:
    assert typed(kind, text) == value


def test_the_value_of_a_stored_parameter_is_what_systems_manager_holds() -> None:
    kind = "AWS::SSM::Parameter::Value<CommaDelimitedList>"

    assert is_stored(kind)
    assert not is_stored("String")
    assert Parameter("Zones", kind, "/zones", resolved="a,b").value == ["a", "b"]


@pytest.mark.parametrize(
    ("declaration", "default"),
    [
        ({}, None),
        ({"Default": "text"}, "text"),
        ({"Default": 8}, "8"),
        ({"Default": True}, "true"),
        ({"Default": ""}, ""),
        ({"Default": {"Ref": "Other"}}, DEFAULT_FAULT),
        ({"Default": ["a"]}, DEFAULT_FAULT),
    ],
)
def test_a_default_is_a_text_or_a_fault(declaration: dict[str, Any], default: str | Fault | None) -> None:
    assert default_of(declaration) == default


@pytest.mark.parametrize(("value", "hidden"), [(True, True), ("true", True), (False, False), ("false", False)])
def test_no_echo_hides_a_value(value: object, hidden: bool) -> None:
    assert is_hidden({"NoEcho": value}) is hidden


@pytest.mark.parametrize(
    ("declaration", "value", "message"),
    [
        ({"AllowedValues": ["a", 1]}, "b", "Parameter 'P' must be one of AllowedValues [a, 1]"),
        ({"Type": "CommaDelimitedList", "AllowedValues": ["a"]}, "a, b", "must be one of AllowedValues [a]"),
        ({"Type": "Number"}, "x", "Parameter 'P' must be a number"),
        ({"Type": "Number"}, "nan", "Parameter 'P' must be a number"),
        ({"Type": "List<Number>"}, "1,x", "Parameter 'P' must be a number"),
        ({"Type": "Number", "MinValue": 2}, "1", "must be a number not less than 2"),
        ({"Type": "Number", "MaxValue": "2"}, "3", "must be a number not greater than 2"),
        ({"MinLength": 2}, "a", "must contain at least 2 characters"),
        ({"MaxLength": "2"}, "abc", "must contain at most 2 characters"),
        (
            {"MaxLength": 2, "ConstraintDescription": "two letters"},
            "abc",
            "Parameter 'P' failed to satisfy constraint: two letters",
        ),
    ],
)
def test_a_value_that_breaks_a_constraint_is_a_fault(declaration: dict[str, Any], value: str, message: str) -> None:
    (fault,) = constraint_faults("P", declaration, value)

    assert message in fault.message


@pytest.mark.parametrize(
    ("declaration", "value"),
    [
        ({"AllowedValues": ["a", 1]}, "1"),
        ({"Type": "Number", "MinValue": 1, "MaxValue": 3}, "2.5"),
        ({"MinLength": 1, "MaxLength": 3}, "abc"),
        ({"MinLength": "no number"}, ""),
    ],
)
def test_a_value_within_its_constraints_is_none(declaration: dict[str, Any], value: str) -> None:
    assert list(constraint_faults("P", declaration, value)) == []
