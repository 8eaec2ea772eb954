"""`EndpointDashboard`: the CloudWatch dashboard of an endpoint. `dashboard_body` builds its JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from replicas import ComponentPlan
from replicas.deployment.deployment import DEFAULT_VARIANT
from replicas.names import Dimension, MetricName, MetricNamespace
from replicas_cdk.pseudo import REGION

Json = dict[str, Any]

_COLUMNS, _WIDTH, _HEIGHT = 3, 8, 6


class EndpointDashboard(Construct):
    """CloudWatch dashboard: requests, latency, errors, concurrency, copies and utilisation of each component.

    `add_widgets` adds widgets of the app below these graphs.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plans: Sequence[ComponentPlan],
        names: Mapping[str, str],
        endpoint_name: str,
        variant_name: str = DEFAULT_VARIANT,
    ) -> None:
        """Define the dashboard. Arguments as in `dashboard_body`. CloudFormation generates the name of
        the dashboard.
        """
        super().__init__(scope, construct_id)
        self._stack = Stack.of(self)
        self._body = dashboard_body(plans, names, endpoint_name, REGION, variant_name)
        self._dashboard = cloudwatch.CfnDashboard(
            self, "Resource", dashboard_body=self._stack.to_json_string(self._body)
        )

    @property
    def dashboard_name(self) -> str:
        """Name of the dashboard; a CDK token, because CloudFormation generates the name."""
        return self._dashboard.ref

    def add_widgets(self, *widgets: cloudwatch.IWidget) -> None:
        """Add a row of widgets at the bottom, like `aws_cloudwatch.Dashboard.add_widgets`."""
        if not widgets:
            return
        row = cloudwatch.Row(*widgets)
        row.position(0, max(widget["y"] + widget["height"] for widget in self._body["widgets"]))
        self._body["widgets"] += row.to_json()
        self._dashboard.dashboard_body = self._stack.to_json_string(self._body)


def dashboard_body(
    plans: Sequence[ComponentPlan],
    names: Mapping[str, str],
    endpoint_name: str,
    region: str,
    variant_name: str = DEFAULT_VARIANT,
) -> Json:
    """Return the body of a CloudWatch dashboard.

    Args:
        plans: plans of the components, in the order of the dashboard.
        names: SageMaker name of each component, by the name of the component in the plan.
        endpoint_name: name of the endpoint.
        region: region of the metrics.
        variant_name: variant of the endpoint.

    """
    widgets: list[Json] = []
    top = 0
    for plan in plans:
        copies = f"{plan.copies} copies" if not plan.scaling else f"{plan.fewest_copies} to {plan.most_copies} copies"
        cards = "1 accelerator" if plan.accelerators == 1 else f"{plan.accelerators} accelerators"
        title = f"## {plan.name}: {plan.model.id}, {copies} on {cards} each"
        widgets.append(_placed({"type": "text", "properties": {"markdown": title}}, top, 0, 24, 1))
        graphs = list(_component_graphs(plan, names[plan.name]))
        widgets += [_graph(graph, region, top + 1, index) for index, graph in enumerate(graphs)]
        top += 1 + -(-len(graphs) // _COLUMNS) * _HEIGHT
    host = {"type": "text", "properties": {"markdown": "## Instances"}}
    widgets.append(_placed(host, top, 0, 24, 1))
    graphs = list(_instance_graphs(endpoint_name, variant_name))
    widgets += [_graph(graph, region, top + 1, index) for index, graph in enumerate(graphs)]
    return {"widgets": widgets}


def _component_graphs(plan: ComponentPlan, name: str) -> Iterator[Json]:
    def service(metric: str, statistic: str, **options: Any) -> list[Any]:
        return [MetricNamespace.SERVICE, metric, Dimension.COMPONENT, name, {"stat": statistic, **options}]

    def utilization(metric: str, label: str) -> list[Any]:
        options = {"stat": "Average", "label": label}
        return [MetricNamespace.COMPONENTS, metric, Dimension.COMPONENT, name, options]

    yield {"title": "Requests a minute", "metrics": [service(MetricName.INVOCATIONS, "Sum", label="requests")]}
    latencies = [
        entry
        for index, statistic in enumerate(("p50", "p90", "p99"))
        for entry in (
            [{"expression": f"m{index}/1000", "label": statistic, "id": f"e{index}"}],
            service(MetricName.MODEL_LATENCY, statistic, id=f"m{index}", visible=False),
        )
    ]
    overhead = [
        [{"expression": "o/1000", "label": "added by SageMaker, p90", "id": "eo"}],
        service(MetricName.OVERHEAD_LATENCY, "p90", id="o", visible=False),
    ]
    yield {"title": "Latency, ms", "metrics": [*latencies, *overhead]}
    errors = {
        MetricName.CLIENT_ERRORS: "4xx",
        MetricName.SERVER_ERRORS: "5xx",
        MetricName.MODEL_ERRORS: "model errors",
        MetricName.NO_CAPACITY: "no capacity",
    }
    yield {
        "title": "Failures a minute",
        "metrics": [service(metric, "Sum", label=label) for metric, label in errors.items()],
    }
    scaling = plan.scaling
    metric, target = MetricName.CONCURRENT_REQUESTS_PER_COPY, scaling.target if scaling else None
    yield {
        "title": "Requests in flight on a copy",
        "metrics": [service(metric, "Maximum", label="most"), service(metric, "Minimum", label="fewest")],
        "annotations": _lines({"target": target} if scaling and scaling.on_concurrent_requests else {}),
    }
    bounds: dict[str, float] = {"copies": plan.copies}
    if scaling:
        bounds = {"floor": scaling.floor, "start": plan.copies, "ceiling": scaling.ceiling}
    yield {
        "title": "Copies that answered",
        "metrics": [
            [{"expression": "all/per", "label": "requests over requests per copy", "id": "copies"}],
            service(MetricName.INVOCATIONS, "Sum", id="all", visible=False),
            service(MetricName.INVOCATIONS_PER_COPY, "Sum", id="per", visible=False),
        ],
        "annotations": _lines(bounds),
    }
    yield {
        "title": "Use of what is reserved, %",
        "metrics": [
            utilization(MetricName.GPU_UTILIZATION, "accelerators"),
            utilization(MetricName.GPU_MEMORY_UTILIZATION, "accelerator memory"),
            utilization(MetricName.CPU_UTILIZATION, "CPU"),
            utilization(MetricName.MEMORY_UTILIZATION, "memory"),
        ],
    }


def _instance_graphs(endpoint_name: str, variant_name: str) -> Iterator[Json]:
    def of_endpoint(metric: str, label: str) -> list[Any]:
        dimensions = [Dimension.ENDPOINT, endpoint_name, Dimension.VARIANT, variant_name]
        return [MetricNamespace.ENDPOINTS, metric, *dimensions, {"stat": "Average", "label": label}]

    yield {
        "title": "Reserved, %",
        "metrics": [
            of_endpoint(MetricName.GPU_RESERVATION, "accelerators"),
            of_endpoint(MetricName.CPU_RESERVATION, "CPU"),
            of_endpoint(MetricName.MEMORY_RESERVATION, "memory"),
        ],
    }
    yield {
        "title": "Used, %",
        "metrics": [
            of_endpoint(MetricName.GPU_UTILIZATION, "accelerators"),
            of_endpoint(MetricName.CPU_UTILIZATION, "CPU"),
            of_endpoint(MetricName.MEMORY_UTILIZATION, "memory"),
        ],
    }
    yield {"title": "Disk, %", "metrics": [of_endpoint(MetricName.DISK_UTILIZATION, "disk")]}


def _graph(graph: Json, region: str, top: int, index: int) -> Json:
    properties = {"view": "timeSeries", "region": region, "period": 60, "yAxis": {"left": {"min": 0}}, **graph}
    row, column = divmod(index, _COLUMNS)
    return _placed({"type": "metric", "properties": properties}, top + row * _HEIGHT, column * _WIDTH, _WIDTH, _HEIGHT)


def _placed(widget: Json, y: int, x: int, width: int, height: int) -> Json:
    return {**widget, "x": x, "y": y, "width": width, "height": height}


def _lines(values: Mapping[str, float | None]) -> Json:
    return {"horizontal": [{"label": label, "value": value} for label, value in values.items()]}
