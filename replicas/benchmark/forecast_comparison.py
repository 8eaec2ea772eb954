"""Compares a measurement with the forecast of the same load on the plan of the deployment."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from replicas.aws.deployed import label
from replicas.benchmark.measure import Point, percentiles
from replicas.benchmark.result import Result
from replicas.benchmark.subject import Subject
from replicas.deployment.file import find_deployment
from replicas.engines.profile import Profile
from replicas.errors import OperationError, ReplicasError
from replicas.forecast import Forecast, Load, forecast
from replicas.forecast.simulation import Routing
from replicas.planning.planner import plan
from replicas.planning.plans import ComponentPlan, EndpointPlan

COMPARED = (
    *("requests_per_second", "requests_per_second_elapsed", "requests_per_second_window", "output_tokens_per_second"),
    *("latency_p50_seconds", "latency_p90_seconds", "latency_p99_seconds"),
    *("ttft_p50_seconds", "ttft_p90_seconds", "tpot_p50_seconds", "tpot_p90_seconds"),
)


def compare_with_forecast(result: Result, profile: Profile | None = None) -> dict[str, Any]:
    """Return the forecast of every measurement as a JSON document; `{"missing": reason}` if there is no forecast.

    `errors` of a measurement are relative to the measured value: forecast / measured - 1.
    """
    if not result.points:
        return {"missing": "nothing was measured"}
    try:
        endpoint, component = planned(result.subject)
        predicted = forecast(
            endpoint,
            component,
            [load_of(result, point) for point in result.points],
            duration_seconds=result.settings.duration_seconds,
            routing=routing_of(result.subject),
            profile=profile,
        )
    except ReplicasError as refusal:
        return {"missing": str(refusal)}
    return {
        "confidence": predicted.confidence,
        "basis": predicted.basis,
        "measured_error": None if predicted.measured_error is None else asdict(predicted.measured_error),
        "routing": routing_of(result.subject),
        "points": _points(predicted, result),
    }


def planned(subject: Subject) -> tuple[EndpointPlan, ComponentPlan]:
    """Return the plan of the measured component with the measured number of copies.

    The deployment comes from `deployments.py` in the current folder.

    Raises:
        CatalogueError: deployments.py does not have the deployment.
        OperationError: deployments.py has another instance type for the deployment, or does not have the component.
        SizingError: the deployment does not fit its instances.

    """
    endpoint = plan(find_deployment(subject.deployment))
    if endpoint.instance.name != subject.instance_type:
        raise OperationError(
            f"{subject.deployment} was measured on {subject.instance_type}, but deployments.py has "
            f"{endpoint.instance.name}"
        )
    component_label = subject.label or label(subject.deployment)
    for component in endpoint.components:
        if len(endpoint.components) == 1 or label(component.name) == label(component_label):
            return endpoint, replace(component, copies=subject.copies)
    raise OperationError(f"deployments.py has no component {component_label!r} in {subject.deployment}")


def load_of(result: Result, point: Point) -> Load:
    """Return the load of a measurement. Fixed lengths are the numbers of tokens that the engine counted or, without a
    count, the lengths of the settings.
    """
    settings = result.settings
    if point.trace_requests is not None:
        return settings.load()
    load = lengths_of_subject(
        settings.load(users=point.users, requests_per_second=point.requests_per_second_offered, burst=point.burst),
        result.subject,
    )
    if load.is_varied:
        return load
    counted = [other for other in result.points if other.input_tokens_mean]
    tokens_in = round(counted[0].input_tokens_mean or 0) if counted else settings.input_tokens
    answers = [other.output_tokens_mean for other in result.points if other.output_tokens_mean >= 1]
    tokens_out = round(sum(answers) / len(answers)) if answers else load.output_tokens
    if settings.fixed_prompt:
        return replace(
            load, input_tokens=tokens_in, output_tokens=tokens_out, shared_tokens=tokens_in, distinct_prompts=None
        )
    return replace(
        load,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        shared_tokens=min(load.shared_tokens, tokens_in),
    )


def lengths_of_subject(load: Load, subject: Subject) -> Load:
    """Return the load for the measured component, without answer tokens if the model generates no text."""
    return load if subject.task == "generate" else replace(load, output_tokens=0, output_stddev=0.0)


def routing_of(subject: Subject) -> Routing:
    """Return the routing strategy to simulate. Prefix-aware routing is simulated as least outstanding requests."""
    return "RANDOM" if subject.routing == "RANDOM" else "LEAST_OUTSTANDING_REQUESTS"


def measured_values(point: Point) -> dict[str, float | None]:
    """Return the values of a measurement that are compared with the forecast."""
    times = {f"{name}_seconds": value for name, value in percentiles(point).items()}
    rates = {name: getattr(point, name) for name in COMPARED if name.endswith("per_second") or "_per_second_" in name}
    return {name: value for name, value in {**rates, **times}.items() if name in COMPARED}


def _points(predicted: Forecast, result: Result) -> list[dict[str, Any]]:
    points = []
    for expected, point in zip(predicted.points, result.points, strict=True):
        values = {name: getattr(expected, name) for name in COMPARED}
        errors = {
            name: values[name] / measured - 1
            for name, measured in measured_values(point).items()
            if measured and values[name] is not None
        }
        load = {
            "users": point.users,
            "requests_per_second_offered": point.requests_per_second_offered,
            "burst": point.burst,
        }
        points.append({**load, **values, "errors": errors})
    return points
