"""A stack to put constructs in, and the template it becomes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import aws_cdk as cdk
import pytest
from syrupy.assertion import SnapshotAssertion

from replicas import Component, Deployment, plan
from replicas_cdk import MultiReplicaEndpoint
from tests.synthesis import stage, template_of

Template = dict[str, Any]
Synthesise = Callable[..., Template]
Refuses = Callable[..., AbstractContextManager[pytest.ExceptionInfo[ValueError]]]


@pytest.fixture
def stack(context: dict[str, Any]) -> cdk.Stack:
    """An empty stack for any region."""
    return cdk.Stack(stage(context), "stack", stack_name="stack")


@pytest.fixture
def refuses(snapshot: SnapshotAssertion) -> Refuses:
    """Expect a `ValueError` from a block. The snapshot holds the whole message; `make snapshots` accepts a change."""

    @contextmanager
    def block(match: str | None = None) -> Iterator[pytest.ExceptionInfo[ValueError]]:
        with pytest.raises(ValueError, match=match) as refused:
            yield refused
        assert re.sub(r"TOKEN\.\d+", "TOKEN.n", str(refused.value)) == snapshot

    return block


@pytest.fixture
def synthesise(context: dict[str, Any]) -> Synthesise:
    """The template of a deployment of one component: Llama 2 13B on a p4d, changed as a test wishes."""

    def build(*, region: str | None = None, **changes: Any) -> Template:
        component = {"model": "llama-2-13b", "engine": "tgi-1.1.0", **changes.pop("component", {})}
        deployment = Deployment(
            **{"name": "test", "instance_type": "ml.p4d.24xlarge", "region": region, **changes},
            components=[Component(**{"tensor_parallel": 1, **component})],
        )
        environment = cdk.Environment(region=region)
        stack = cdk.Stack(stage(context), "stack", stack_name="stack", env=environment)
        MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment))
        return template_of(stack)

    return build
