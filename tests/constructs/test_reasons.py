"""The reasons that an endpoint gives for findings of cdk-nag and `SageMakerChecks`, all of them word for word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
import pytest
from syrupy.assertion import SnapshotAssertion

from replicas import Adapter, Alarms, Component, Deployment, Monitoring, Security, Vpc, plan
from replicas_cdk import MultiReplicaEndpoint, reasons

ACKNOWLEDGED = "aws:cdk:acknowledged-rules"

ENDPOINTS: Mapping[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "weights from the Hub": ({}, [{"name": "chat", "model": "Qwen/Qwen3-8B"}]),
    "a commit": ({}, [{"name": "chat", "model": "Qwen/Qwen3-8B", "revision": "a" * 40}]),
    "weights and adapters in S3, alarms": (
        {"monitoring": Monitoring(alarms=Alarms(), dashboard=True)},
        [
            {
                "name": "chat",
                "model": "Qwen/Qwen3-8B",
                "weights": "s3://models/qwen/",
                "adapters": [Adapter(name="sql", weights="s3://models/sql/", rank=8)],
            }
        ],
    ),
    "subnets of a VPC": (
        {"security": Security(vpc=Vpc(subnets=["subnet-0123abcd"], security_groups=["sg-0123abcd"]))},
        [{"name": "chat", "model": "Qwen/Qwen3-8B"}],
    ),
    "one from the Hub, one from S3": (
        {},
        [
            {"name": "hub", "model": "Qwen/Qwen3-8B"},
            {"name": "bucket", "model": "Qwen/Qwen3-8B", "weights": "s3://models/qwen/"},
        ],
    ),
}


def endpoint(stack: cdk.Stack, options: Mapping[str, Any], components: list[dict[str, Any]]) -> MultiReplicaEndpoint:
    made = [Component(**{"copies": 1, "tensor_parallel": 1, **component}) for component in components]
    deployment = Deployment(**{"name": "chat", "instance_type": "ml.g6e.12xlarge", **options}, components=made)
    return MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment))


def acknowledged(endpoint: MultiReplicaEndpoint) -> dict[str, dict[str, str]]:
    """The reasons by rule, by the path of the construct that they hold for."""
    found: dict[str, dict[str, str]] = {}
    for construct in endpoint.node.find_all():
        for entry in construct.node.metadata:
            if entry.type == ACKNOWLEDGED:
                found.setdefault(construct.node.path, {}).update(entry.data)
    return found


@pytest.mark.parametrize(("options", "components"), ENDPOINTS.values(), ids=list(ENDPOINTS))
def test_every_acknowledgement_has_its_reason(
    stack: cdk.Stack, options: dict[str, Any], components: list[dict[str, Any]], snapshot: SnapshotAssertion
) -> None:
    assert acknowledged(endpoint(stack, options, components)) == snapshot


def test_a_version_that_refuses_the_ids_of_wildcards_keeps_the_other_reasons(
    stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aws-cdk-lib before 2.270 refuses ids with a second `::`."""

    class Older:
        def __init__(self, construct: Any) -> None:
            self._validations = cdk.Validations.of(construct)

        def acknowledge(self, *given: cdk.Acknowledgment) -> None:
            if any(one.id.count("::") > 1 for one in given):
                raise RuntimeError("InvalidValidationId: AwsSolutions-IAM5[Resource::*]")
            self._validations.acknowledge(*given)

    monkeypatch.setattr(reasons, "Validations", type("Validations", (), {"of": staticmethod(Older)}))

    made = acknowledged(endpoint(stack, *ENDPOINTS["weights and adapters in S3, alarms"]))

    assert sorted(made["Test/stack/Endpoint/ExecutionRole"]) == [
        f"{pack}::{pack}-IAMNoInlinePolicy" for pack in reasons.CONTROLS
    ]
