"""Faults of fields in the words of a user: no sentence of pydantic's reaches one."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from replicas.deployment.deployment import Component, Deployment, faults
from replicas.deployment.options import Monitoring, PrefixAwareRouting, Security

VALUES: list[Any] = [
    *(3, -1, 10**30, 1.5, math.nan, math.inf, True, None, object()),
    *("x", "", "é" * 100, b"x", [], ["x"], (1,), {1}, {}, {"a": 1}, {1: "a"}, {"a": "b"}),
]
OF_PYDANTIC = re.compile(
    r"Input should|valid (?:string|boolean|dictionary|number|list|integer)|Value error|[Uu]nable to|instance of"
    r"|pydantic|another type"
)
"""Phrases of pydantic_core (src/errors/types.rs), and our sentence for an error that has no sentence of its own."""
OF_ENDPOINTS = [*dataclasses.fields(Deployment)]
OPTIONS: dict[str, type[Any]] = {"security": Security, "monitoring": Monitoring, "routing": PrefixAwareRouting}


def deployment(**fields: Any) -> Deployment:
    given: dict[str, Any] = {
        "name": "x",
        "instance_type": "ml.g5.xlarge",
        "components": [Component(model="llama-2-7b")],
        **fields,
    }
    return Deployment(**given)


def cases() -> Iterator[tuple[str, Deployment]]:
    for field in dataclasses.fields(Deployment):
        for value in VALUES:
            yield f"{field.name}={value!r:.20}", deployment(**{field.name: value})
    for field in dataclasses.fields(Component):
        for value in VALUES:
            component = Component(**{"model": "llama-2-7b", field.name: value})
            yield f"component.{field.name}={value!r:.20}", deployment(components=[component])
    for name, option in OPTIONS.items():
        for field in dataclasses.fields(option):
            for value in VALUES:
                yield f"{name}.{field.name}={value!r:.20}", deployment(**{name: option(**{field.name: value})})


def test_no_value_of_any_field_gets_a_sentence_of_pydantic() -> None:
    foreign = {
        case: fault.sentence for case, given in cases() for fault in faults(given) if OF_PYDANTIC.search(fault.sentence)
    }
    assert not foreign, dict(list(foreign.items())[:5])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"instance_type": 3}, "instance_type=3: it is not a text: give one in quotes"),
        ({"network_isolation": "no"}, "network_isolation='no': it is not a switch: give True or False"),
        (
            {"components": [Component(model="llama-2-7b", config=3)]},
            "components.0.config=3: it is not a text: give one in quotes",
        ),
        (
            {"components": [Component(model="llama-2-7b", environment=3)]},
            "components.0.environment=3: it is not a dict: give a dict with texts",
        ),
    ],
)
def test_a_sentence_says_what_to_write(fields: dict[str, Any], sentence: str) -> None:
    assert any(fault.sentence.startswith(sentence) for fault in faults(deployment(**fields)))
