"""docs/options.md has every option, and what it shows is planned."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

import replicas.sizing as sizing
from replicas import Component, Deployment, EndpointPlan, Monitoring, Security, plan
from replicas.deployment import options
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "options.md").read_text()
EXAMPLES = re.findall(r"^## (\w+)\n.*?```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
CLASSES = {
    name
    for name, thing in vars(options).items()
    if dataclasses.is_dataclass(thing) and thing.__module__ == options.__name__
}


def planned(example: Any) -> EndpointPlan:
    """An example as a deployment: by itself, as a component of one, or as an option of one."""
    if isinstance(example, Deployment):
        return plan(example)
    around: dict[str, Any] = {"components": [Component(model="Qwen/Qwen3-8B", weights="s3://bucket/qwen3-8b/")]}
    match example:
        case Component():
            around = {"components": [example]}
        case Security():
            around["security"] = example
        case Monitoring():
            around["monitoring"] = example
        case _:
            raise TypeError(f"{type(example).__name__} is no example of an option")
    return plan(Deployment(name="example", instance_type="ml.g6e.12xlarge", **around))


@pytest.mark.parametrize(("heading", "code"), EXAMPLES, ids=[heading for heading, _ in EXAMPLES])
def test_an_example_is_planned(heading: str, code: str) -> None:
    example = eval(code, {name: getattr(sizing, name) for name in sizing.__all__})  # noqa: S307 (our own page)
    assert planned(example).components
    assert heading in code or heading in ("Routing", "Further")


def test_every_option_has_its_row_and_its_example() -> None:
    table = set(re.findall(r"^\| \[`(\w+)`\]", PAGE, re.MULTILINE))
    assert table == CLASSES
    assert {name for name in CLASSES if any(f"{name}(" in code for _, code in EXAMPLES)} == CLASSES
    anchors = set(re.findall(r"\]\(#(\w+)\)", PAGE))
    assert anchors == {heading.lower() for heading, _ in EXAMPLES}


@pytest.mark.parametrize(
    "name", ["fallback_instance_types", "network_isolation", "capacity_reservation", "routing", "data_cache"]
)
def test_options_that_are_no_class_are_named_by_their_fields(name: str) -> None:
    fields = {field.name for owner in (Component, Deployment) for field in dataclasses.fields(owner)}
    assert name in fields
    assert f"{name}=" in PAGE
