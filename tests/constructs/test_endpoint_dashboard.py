"""The dashboard of an endpoint, and the widgets of an app below its own."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from replicas import Component, Deployment, Monitoring, plan
from replicas_cdk import MultiReplicaEndpoint
from tests.synthesis import template_of


def endpoint(stack: cdk.Stack, *, dashboard: bool = True) -> MultiReplicaEndpoint:
    components = [Component(name="chat", model="Qwen/Qwen3-8B", copies=2, tensor_parallel=1)]
    monitoring = Monitoring(dashboard=dashboard)
    deployment = Deployment(name="e", instance_type="ml.g6e.12xlarge", components=components, monitoring=monitoring)
    return MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment))


def widgets(stack: cdk.Stack) -> list[dict[str, Any]]:
    (body,) = [
        resource["Properties"]["DashboardBody"]
        for resource in template_of(stack)["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Dashboard"
    ]
    parts = body["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else next(iter(part)) for part in parts)
    found: list[dict[str, Any]] = json.loads(text)["widgets"]
    return found


def test_widgets_of_the_app_are_rows_below_those_of_the_endpoint(stack: cdk.Stack) -> None:
    served = endpoint(stack)
    assert served.dashboard is not None
    latency = served.components["chat"].metric_model_latency(statistic="p99")
    served.dashboard.add_widgets(
        cloudwatch.TextWidget(markdown="# ours", width=8, height=3),
        cloudwatch.GraphWidget(left=[latency], width=10, height=5),
    )
    served.dashboard.add_widgets(cloudwatch.TextWidget(markdown="# below", width=24, height=2))
    served.dashboard.add_widgets()

    *own, _, _, _ = found = widgets(stack)
    added, bottom = found[len(own) :], max(widget["y"] + widget["height"] for widget in own)
    assert {widget["type"] for widget in own} == {"text", "metric"}
    assert len(own) == 11
    assert [(widget["type"], widget["x"], widget["y"], widget["width"], widget["height"]) for widget in added] == [
        ("text", 0, bottom, 8, 3),
        ("metric", 8, bottom, 10, 5),
        ("text", 0, bottom + 5, 24, 2),
    ]
    (line,) = added[1]["properties"]["metrics"]
    assert line[:3] == ["AWS/SageMaker", "ModelLatency", "InferenceComponentName"]
    assert line[-1] == {"stat": "p99"}


def test_the_name_of_the_dashboard_is_a_reference(stack: cdk.Stack) -> None:
    served = endpoint(stack)
    assert served.dashboard is not None

    name = stack.resolve(served.dashboard.dashboard_name)

    (key,) = [k for k, b in template_of(stack)["Resources"].items() if b["Type"] == "AWS::CloudWatch::Dashboard"]
    assert name == {"Ref": key}


def test_a_plan_without_dashboard_has_none(stack: cdk.Stack) -> None:
    assert endpoint(stack, dashboard=False).dashboard is None
