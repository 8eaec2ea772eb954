"""Numbers as CloudFormation takes them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from replicas.endpoint.values import NotANumber, Reference, Unknown, number_of, whole_at


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (8, 8),
        ("8", 8),
        ("-1", -1),
        ("008", 8),
        (0.25, Fraction(1, 4)),
        ("0.25", Fraction(1, 4)),
        (1.00001, Fraction(100001, 100000)),
        ("1.00001", Fraction(100001, 100000)),
        (0.1, Fraction(1, 10)),
        (1e2, 100),
        (None, None),
    ],
)
def test_digits_with_a_sign_and_a_fraction_are_a_number(value: Any, number: Any) -> None:
    assert number_of(value) == number


@pytest.mark.parametrize(
    "value",
    [
        *("1_0", "１０", "١٠", "0x10", "1,5", "eight", "", "1 0", "NaN", "Infinity", "1e", "--1"),
        *(True, False, [], [1], {}, {"Value": 1}, float("nan"), float("inf"), 10**400, "9" * 30, "1" * 5000),
    ],
)
def test_anything_else_is_refused(value: Any) -> None:
    assert isinstance(number_of(value), NotANumber)


@pytest.mark.parametrize("value", ["1e2", "+1", " 1", "1 ", "1.", ".5", "1E-2"])
def test_a_form_that_no_source_describes_is_not_known(value: str) -> None:
    number = number_of(value)

    assert isinstance(number, Unknown)
    assert not isinstance(number, NotANumber)


def test_a_reference_is_known_at_the_deployment() -> None:
    number = number_of(Reference("Made", "Count"))

    assert isinstance(number, Unknown)
    assert (number.why, number.references) == ("the value is known only at deployment", (Reference("Made", "Count"),))


@pytest.mark.parametrize("value", [1.00001, "1.00001", 0.5, "2.5"])
def test_a_fraction_is_refused_where_a_whole_number_is_needed(value: Any) -> None:
    """`CopyCount` has the type integer in the resource schema, `NumberOfCpuCoresRequired` the type number."""
    number = whole_at({"RuntimeConfig": {"CopyCount": value}}, "RuntimeConfig", "CopyCount")

    assert isinstance(number, NotANumber)
    assert (number.name, number.given) == ("CopyCount", str(value))


@pytest.mark.parametrize("value", [1.0, "1.0"])
def test_a_whole_number_with_a_point_is_not_known(value: Any) -> None:
    number = whole_at({"CopyCount": value}, "CopyCount")

    assert isinstance(number, Unknown)
    assert not isinstance(number, NotANumber)
