"""Short ways to write a deployment and to read why it was refused."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from replicas import Component, Deployment, plan
from replicas.errors import SizingError

LLAMA_13B = "NousResearch/Llama-2-13b-chat-hf"
P4D = "ml.p4d.24xlarge"
ONE_CARD = {"model": LLAMA_13B, "tensor_parallel": 1}
_OF_DEPLOYMENT = {field.name for field in fields(Deployment)} - {"name"}


def deployment(**wishes: Any) -> Deployment:
    """One component of Llama 2 13B on a p4d, one card a copy, changed by wishes for it or for its endpoint."""
    endpoint = {key: wishes.pop(key) for key in list(wishes) if key in _OF_DEPLOYMENT}
    components = endpoint.pop("components", None) or [
        Component(**(wishes if "model" in wishes else {**ONE_CARD, **wishes}))
    ]
    return Deployment(**{"name": "chat", "instance_type": P4D, "components": components, **endpoint})


def problems_of(refused: Deployment, **how: Any) -> tuple[str, ...]:
    """The problems for which a deployment is refused."""
    with pytest.raises(SizingError) as caught:
        plan(refused, **how)
    return caught.value.problems


def problem_of(refused: Deployment, **how: Any) -> str:
    """The one problem for which a deployment is refused."""
    (problem,) = problems_of(refused, **how)
    return problem
