"""Properties against their schema, in CloudFormation's words; and the data files that hold the schemas."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replicas.endpoint.values import Reference, Unknown
from replicas.template.validation import coerced, problems
from scripts.refresh_data import REPLICAS, TEMPLATE_DATA, attributes, properties, written

SCHEMA: dict[str, Any] = {
    "properties": {
        "Name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
        "Count": {"$ref": "#/definitions/Count"},
        "Kinds": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "uniqueItems": True, "maxItems": 2},
        "On": {"type": "boolean"},
        "Tag": {"type": "string", "pattern": "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$"},
        "Either": {"type": "object", "oneOf": [{"required": ["A"]}, {"required": ["B"]}]},
        "Arn": {"type": "string"},
    },
    "definitions": {"Count": {"type": "integer", "minimum": 1, "maximum": 5}},
    "readOnlyProperties": ["/properties/Arn"],
    "required": ["Name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"Name": "abc", "Count": 3, "Kinds": ["a", "b"], "On": True, "Tag": "Größe 1"}, []),
        ({}, ["#: required key [Name] not found"]),
        ({"Name": "a", "More": 1}, ["#: extraneous key [More] is not permitted"]),
        ({"Name": "a", "Arn": "x"}, ["#: extraneous key [Arn] is not permitted"]),
        ({"Name": "A"}, ["#/Name: failed validation constraint for keyword [pattern]"]),
        ({"Name": "abcdef"}, ["#/Name: expected maxLength: 5, actual: 6"]),
        ({"Name": "a", "Count": 0}, ["#/Count: 0 is not greater or equal to 1"]),
        ({"Name": "a", "Count": 6}, ["#/Count: 6 is not less or equal to 5"]),
        ({"Name": "a", "Count": "x"}, ["#/Count: expected type: Integer, found: String"]),
        ({"Name": "a", "Count": True}, ["#/Count: expected type: Integer, found: Boolean"]),
        ({"Name": "a", "Kinds": ["c"]}, ["#/Kinds/0: failed validation constraint for keyword [enum]"]),
        ({"Name": "a", "Kinds": ["a", "a"]}, ["#/Kinds: failed validation constraint for keyword [uniqueItems]"]),
        ({"Name": "a", "Tag": "a;b"}, ["#/Tag: failed validation constraint for keyword [pattern]"]),
        ({"Name": "a", "Either": {"A": 1, "B": 2}}, ["#/Either: #: 2 subschemas matched instead of one"]),
        ({"Name": Unknown("later"), "Count": Reference("Other")}, []),
    ],
)
def test_problems_are_in_the_words_of_cloudformation(properties: dict[str, Any], expected: list[str]) -> None:
    assert [str(problem) for problem in problems(properties, SCHEMA)] == expected


@pytest.mark.parametrize(("text", "is_refused"), [("ARN", True), ("name", False), (None, False)])
def test_a_reference_is_held_against_the_pattern_by_its_example(text: str | None, is_refused: bool) -> None:
    found = problems({"Name": Reference("Other")}, SCHEMA, lambda _: text)

    assert bool(found) is is_refused


@pytest.mark.parametrize(
    ("given", "expected"),
    [("3", 3), ("1_0", "1_0"), ("٣", "٣"), ("3.0", "3.0"), (3.0, 3), (" 3", " 3"), (True, True)],
)
def test_a_whole_number_may_be_written_as_a_text(given: object, expected: object) -> None:
    assert coerced({"Count": given}, SCHEMA) == {"Count": expected}


@pytest.mark.parametrize(
    ("name", "make"),
    [("attributes.json", attributes), ("properties.json", properties)],
    ids=["attributes", "properties"],
)
def test_a_data_file_is_what_the_script_makes_of_the_installed_schemas(
    name: str, make: Callable[[str], dict[str, Any]]
) -> None:
    data: Path = REPLICAS / TEMPLATE_DATA / name

    assert written(make(json.loads(data.read_text())["retrieved"])) == data.read_text()
