"""Every attribute that a construct reads is a request to the process of Node: an endpoint makes few of them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from jsii._runtime import kernel

import replicas_cdk
from replicas import Component, Deployment, plan
from replicas_cdk import MultiReplicaEndpoint

ROOT = Path(__file__).parents[2]

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


def test_an_app_imports_the_services_that_its_endpoints_use() -> None:
    """The import of `aws_ec2` takes longer than ten endpoints, and those of the others together as long as four."""
    unused = [f"aws_cdk.aws_{name}" for name in ("applicationautoscaling", "cloudwatch", "ec2", "kms", "logs")]
    program = (
        "import sys, app, deployments, replicas\n"
        "app.MultiReplicaStack(app.cdk.App(), replicas.plan(deployments.DEPLOYMENTS[0]))\n"
        f"print([name for name in {unused} if name in sys.modules])"
    )
    command = [sys.executable, "-c", program]

    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_name_of_the_library_is_loaded_on_first_use() -> None:
    assert dir(replicas_cdk) == sorted(replicas_cdk.__all__)
    assert all(getattr(replicas_cdk, name).__name__ == name for name in replicas_cdk.__all__)
