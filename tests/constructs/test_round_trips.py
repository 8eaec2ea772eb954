"""Every attribute that a construct reads is a request to the process of Node: an endpoint makes few of them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import Any

import aws_cdk as cdk
import pytest
from jsii._runtime import kernel

from replicas import Component, Deployment, plan
from replicas_cdk import MultiReplicaEndpoint

MOST = 30
"""The default child of endpoint and component is two of these each; a registry that is there already is three."""


def test_one_more_endpoint_makes_few_requests(stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    components = [Component(name="chat", model="Qwen/Qwen3-8B", copies=2, tensor_parallel=1)]
    planned = plan(Deployment(name="e", instance_type="ml.g6e.12xlarge", components=components))
    MultiReplicaEndpoint(stack, "First", plan=planned)
    requests: Counter[str] = Counter()
    process: Any = kernel.provider._process  # type: ignore[attr-defined] (there is no other place to count)
    send = process.send

    def count(request: Any, kind: Any) -> Any:
        requests[f"{type(request).__name__} {getattr(request, 'property', '')}"] += 1
        return send(request, kind)

    monkeypatch.setattr(process, "send", count)
    MultiReplicaEndpoint(stack, "Second", plan=planned)

    assert requests["CreateRequest "] == 8
    assert requests.total() <= MOST, requests


def test_an_app_without_a_vpc_does_not_import_aws_ec2() -> None:
    """The import of `aws_ec2` takes longer than ten endpoints."""
    program = "import sys, replicas_cdk, stacks.multi_replica_stack; sys.exit('aws_cdk.aws_ec2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0
