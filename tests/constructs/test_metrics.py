"""Metrics of components and endpoints: names, statistics and units as SageMaker publishes them, and their place."""

from __future__ import annotations

import inspect
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from replicas import Component, Deployment, plan
from replicas_cdk import InferenceComponent, MetricOptions, MultiReplicaEndpoint
from tests.synthesis import stage

# The published list of metrics: namespace, name, statistic, unit.
SERVICE, COMPONENT = "AWS/SageMaker", "/aws/sagemaker/InferenceComponents"
METRICS = [
    ("metric_invocations", SERVICE, "Invocations", "Sum", None),
    ("metric_invocations_per_copy", SERVICE, "InvocationsPerCopy", "Sum", None),
    ("metric_concurrent_requests_per_copy", SERVICE, "ConcurrentRequestsPerCopy", "Maximum", None),
    ("metric_model_latency", SERVICE, "ModelLatency", "Average", "MICROSECONDS"),
    ("metric_overhead_latency", SERVICE, "OverheadLatency", "Average", "MICROSECONDS"),
    ("metric_invocation_4xx_errors", SERVICE, "Invocation4XXErrors", "Sum", None),
    ("metric_invocation_5xx_errors", SERVICE, "Invocation5XXErrors", "Sum", None),
    ("metric_invocation_model_errors", SERVICE, "InvocationModelErrors", "Sum", None),
    ("metric_no_capacity_invocation_failures", SERVICE, "NoCapacityInvocationFailures", "Sum", None),
    ("metric_cpu_utilization", COMPONENT, "CPUUtilizationNormalized", "Average", "PERCENT"),
    ("metric_memory_utilization", COMPONENT, "MemoryUtilizationNormalized", "Average", "PERCENT"),
    ("metric_gpu_utilization", COMPONENT, "GPUUtilizationNormalized", "Average", "PERCENT"),
    ("metric_gpu_memory_utilization", COMPONENT, "GPUMemoryUtilizationNormalized", "Average", "PERCENT"),
]


# The same page, for endpoints.
ENDPOINTS = "/aws/sagemaker/Endpoints"
OF_ENDPOINTS = [
    ("metric_invocations", SERVICE, "Invocations", "Sum", None),
    ("metric_cpu_reservation", ENDPOINTS, "CPUReservation", "Average", "PERCENT"),
    ("metric_memory_reservation", ENDPOINTS, "MemoryReservation", "Average", "PERCENT"),
    ("metric_gpu_reservation", ENDPOINTS, "GPUReservation", "Average", "PERCENT"),
    ("metric_cpu_utilization", ENDPOINTS, "CPUUtilizationNormalized", "Average", "PERCENT"),
    ("metric_memory_utilization", ENDPOINTS, "MemoryUtilizationNormalized", "Average", "PERCENT"),
    ("metric_gpu_utilization", ENDPOINTS, "GPUUtilizationNormalized", "Average", "PERCENT"),
    ("metric_gpu_memory_utilization", ENDPOINTS, "GPUMemoryUtilizationNormalized", "Average", "PERCENT"),
    ("metric_disk_utilization", ENDPOINTS, "DiskUtilization", "Average", "PERCENT"),
]
KEYWORDS: MetricOptions = {
    "account": "111111111111",
    "color": "#00ff00",
    "dimensions_map": {"A": "b"},
    "id": "m1",
    "label": "a label",
    "period": cdk.Duration.minutes(3),
    "region": "eu-west-1",
    "statistic": "p90",
    "unit": cloudwatch.Unit.COUNT,
    "visible": False,
}


@pytest.fixture
def endpoint(context: dict[str, Any]) -> MultiReplicaEndpoint:
    """An endpoint of one component in a stack of an account and region."""
    environment = cdk.Environment(account="123456789012", region="us-west-2")
    stack = cdk.Stack(stage(context), "stack", env=environment)
    components = [Component(name="chat", model="Qwen/Qwen3-8B", copies=2, tensor_parallel=1)]
    deployment = Deployment(name="e", instance_type="ml.g6e.12xlarge", components=components)
    return MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment))


def is_metric(metric: cloudwatch.Metric, namespace: str, name: str, statistic: str, unit: str | None) -> None:
    assert (metric.namespace, metric.metric_name, metric.statistic) == (namespace, name, statistic)
    assert (metric.unit.name if metric.unit else None) == unit
    # As Metric.attachTo of aws-cdk does for its own resources.
    assert (metric.account, metric.region) == ("123456789012", "us-west-2")


@pytest.mark.parametrize(("method", "namespace", "name", "statistic", "unit"), METRICS)
def test_a_metric_of_a_component(
    endpoint: MultiReplicaEndpoint, method: str, namespace: str, name: str, statistic: str, unit: str | None
) -> None:
    component = endpoint.components["chat"]

    metric = getattr(component, method)()

    is_metric(metric, namespace, name, statistic, unit)
    assert metric.dimensions == {"InferenceComponentName": component.inference_component_name}


@pytest.mark.parametrize(("method", "namespace", "name", "statistic", "unit"), OF_ENDPOINTS)
def test_a_metric_of_an_endpoint(
    endpoint: MultiReplicaEndpoint, method: str, namespace: str, name: str, statistic: str, unit: str | None
) -> None:
    metric = getattr(endpoint, method)()

    is_metric(metric, namespace, name, statistic, unit)
    assert metric.dimensions == {"EndpointName": endpoint.endpoint_name, "VariantName": "AllTraffic"}


def test_every_metric_is_tested() -> None:
    for owner, tested in ((InferenceComponent, METRICS), (MultiReplicaEndpoint, OF_ENDPOINTS)):
        assert {name for name in dir(owner) if name.startswith("metric_")} == {row[0] for row in tested}


def test_any_other_metric_has_the_dimensions_of_its_owner(endpoint: MultiReplicaEndpoint) -> None:
    component = endpoint.components["chat"]

    is_metric(component.metric("Other"), SERVICE, "Other", "Average", None)
    is_metric(component.metric("Other", namespace="Mine", statistic="p50"), "Mine", "Other", "p50", None)
    is_metric(endpoint.metric("Other"), ENDPOINTS, "Other", "Average", None)
    assert endpoint.metric("Other").dimensions == endpoint.metric_invocations().dimensions
    assert component.metric("Other").dimensions == component.metric_invocations().dimensions


def test_the_options_are_those_of_aws_cdk() -> None:
    keywords = inspect.signature(cloudwatch.MetricOptions.__init__).parameters.keys() - {"self"}
    assert MetricOptions.__annotations__.keys() == keywords == KEYWORDS.keys() | {"stack_account", "stack_region"}


@pytest.mark.parametrize("owner", ["component", "endpoint"])
def test_every_option_reaches_the_metric(endpoint: MultiReplicaEndpoint, owner: str) -> None:
    metric = (endpoint.components["chat"] if owner == "component" else endpoint).metric_gpu_utilization(**KEYWORDS)

    assert (metric.account, metric.region) == ("111111111111", "eu-west-1")
    assert (metric.color, metric.id, metric.label, metric.visible) == ("#00ff00", "m1", "a label", False)
    assert (metric.dimensions, metric.statistic, metric.unit) == ({"A": "b"}, "p90", cloudwatch.Unit.COUNT)
    assert metric.period.to_seconds() == 180


def test_a_metric_of_a_stack_for_any_region_names_none(context: dict[str, Any]) -> None:
    stack = cdk.Stack(stage(context), "stack")
    imported = InferenceComponent.from_inference_component_name(stack, "C", "llama")

    metric = imported.metric_invocations()

    assert (metric.account, metric.region) == (None, None)


def test_an_alarm_in_the_stack_of_the_endpoint_repeats_neither_account_nor_region(
    endpoint: MultiReplicaEndpoint,
) -> None:
    endpoint.metric_gpu_reservation().create_alarm(endpoint, "Full", threshold=95, evaluation_periods=3)

    (alarm,) = [found for found in endpoint.node.find_all() if isinstance(found, cloudwatch.CfnAlarm)]
    assert (alarm.namespace, alarm.metric_name, alarm.metrics) == (ENDPOINTS, "GPUReservation", None)
