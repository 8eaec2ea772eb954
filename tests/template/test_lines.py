"""Lines of the members of a template."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from replicas.template.lines import lines_of

JSON = """{
  "Parameters": {"Size": {"Type": "Number"}},
  "Resources": {
    "First": {"Type": "AWS::S3::Bucket",
      "Properties": {"Second": {"Resources": "x"}, "Text": "} ] { \\" [ \\n"}},
    "Second": {
      "Type": "AWS::S3::Bucket"}
  },
  "Outputs": {
    "First": {"Value": 1}, "Out": {"Value": 2}
  }
}"""
YAML = """# A comment
Parameters:
  Size: {Type: Number}
Resources:
  First:
    Type: AWS::S3::Bucket
    Properties:
      Second: [Resources, {Third: &a x}]
      ? key
      : !Sub "${AWS::Region}"
  Second: {Type: "AWS::S3::Bucket", Fourth: *a}
Outputs:
  Out:
    Value: 2
"""


def test_lines_of_json() -> None:
    assert lines_of(JSON) == {"Size": 2, "First": 4, "Second": 6, "Out": 10}


def test_lines_of_yaml() -> None:
    assert lines_of(YAML) == {"Size": 3, "First": 5, "Second": 11, "Out": 13}


@pytest.mark.parametrize("text", ["", "{", "}}}", "[1, {", "Resources: [", "a: b: c", '{"Resources": "x"}', "\x00"])
def test_a_text_that_is_no_template_has_no_lines(text: str) -> None:
    assert lines_of(text) == {}


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_both_readers_agree(indent: int | None) -> None:
    template: dict[str, Any] = {"Resources": {f"R{n}": {"Type": "T", "Properties": {"R1": [n]}} for n in range(50)}}
    as_json, as_yaml = json.dumps(template, indent=indent), yaml.safe_dump(template, sort_keys=False)

    assert set(lines_of(as_json)) == set(lines_of(as_yaml)) == set(template["Resources"])
    for text in (as_json, as_yaml) if indent else ():
        assert all(name in text.split("\n")[line - 1] for name, line in lines_of(text).items())
