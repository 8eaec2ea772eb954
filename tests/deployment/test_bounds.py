"""Every number of a deployment has a bound with a reason, and every wrong value is a sentence, at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from botocore import loaders

from replicas import (
    Adapter,
    Alarms,
    Component,
    Deployment,
    InstanceScaling,
    Monitoring,
    Placement,
    PrefixAwareRouting,
    Rollout,
    Scaling,
    Schedule,
    Traffic,
)
from replicas.deployment import bounds, options
from replicas.deployment.deployment import faults

HOURLY = {"name": "hourly", "at": "rate(1 hour)", "min_copies": 1}
LOAD = {"input_tokens": 10, "output_tokens": 10}
OPTIONS: dict[type, Callable[[Any], dict[str, Any]]] = {
    Scaling: lambda option: {"scaling": option},
    Schedule: lambda option: {"scaling": Scaling(schedules=[option])},
    Traffic: lambda option: {"traffic": option},
    Rollout: lambda option: {"rollout": option},
    Placement: lambda option: {"placement": option},
    Adapter: lambda option: {"adapters": [option]},
}
REQUIRED: dict[type, dict[str, Any]] = {
    Schedule: HOURLY,
    Traffic: LOAD,
    Adapter: {"name": "tuned", "weights": "s3://bucket/tuned/", "rank": 8},
    InstanceScaling: {"max_instances": 2},
}
ENDPOINT: dict[type, Callable[[Any], dict[str, Any]]] = {
    InstanceScaling: lambda option: {"instance_scaling": option},
    PrefixAwareRouting: lambda option: {"routing": option},
    Alarms: lambda option: {"monitoring": Monitoring(alarms=option)},
    Monitoring: lambda option: {"monitoring": option},
}


def deployment(owner: type, name: str, value: Any) -> Deployment:
    """A deployment with one value in one field."""
    component: dict[str, Any] = {"model": "Qwen/Qwen3-8B"}
    endpoint: dict[str, Any] = {"name": "x", "instance_type": "ml.g6e.12xlarge"}
    if owner is Component:
        component[name] = value
    elif owner is Deployment:
        endpoint[name] = value
    elif owner in OPTIONS:
        component |= OPTIONS[owner](owner(**{**REQUIRED.get(owner, {}), name: value}))
    else:
        endpoint |= ENDPOINT[owner](owner(**{**REQUIRED.get(owner, {}), name: value}))
    return Deployment(**endpoint, components=[Component(**component)])


TYPES = ("int", "float", "Copies", "Tokens", "Failures", "Count", "MetricS", "Days")
NUMBERS = [
    (owner, field.name)
    for owner in (Component, Deployment, *OPTIONS, *ENDPOINT)
    for field in fields(owner)
    if any(
        part in str(field.type) for part in ("int", "float", "Copies", "Tokens", "Failures", "Count", "MetricS", "Days")
    )
    and field.name not in ("monitoring", "data_cache", "endpoint_name")
]
UNBOUNDED = ("tensor_parallel", "cpus", "memory_mib")
"""`plan` compares these with the instance type."""


def names(pairs: list[tuple[type, str]]) -> list[str]:
    return [f"{owner.__name__}.{name}" for owner, name in pairs]


def test_the_list_of_numbers_is_that_of_the_fields_with_a_reason() -> None:
    named = {name for _, name in NUMBERS} - {"log_retention_days", "enhanced_metrics_seconds", "tensor_parallel"}
    assert named - bounds.REASONS.keys() == set()
    assert bounds.REASONS.keys() - named == {"schedules", "fallback_instance_types"}


@pytest.mark.parametrize(("owner", "name"), NUMBERS, ids=names(NUMBERS))
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, True, "3", [], {}], ids=repr)
def test_what_is_no_number_of_the_field_is_a_fault_that_shows_it(owner: type, name: str, value: Any) -> None:
    (fault,) = faults(deployment(owner, name, value))

    assert fault.sentence.startswith(f"{'.'.join(map(str, fault.place))}={value!r}: ")
    assert fault.place[-1] == name


@pytest.mark.parametrize(
    ("owner", "name"), [pair for pair in NUMBERS if pair[1] not in UNBOUNDED], ids=lambda part: str(part)[-30:]
)
@pytest.mark.parametrize("value", [10**10, 10**400, 10**5000], ids=["10**10", "10**400", "10**5000"])
def test_a_number_beyond_all_bounds_is_a_fault_with_the_bound(owner: type, name: str, value: int) -> None:
    (fault,) = faults(deployment(owner, name, value))

    assert fault.place[-1] == name
    assert len(fault.sentence) < 350
    if name in bounds.REASONS:
        assert f"({bounds.REASONS[name]})" in fault.sentence or "a smaller number" in fault.sentence


def test_more_scheduled_actions_than_a_target_takes_are_refused() -> None:
    """200 for each scalable target (Application Auto Scaling user guide, quotas)."""
    schedules = [Schedule(**{**HOURLY, "name": f"at-{at}"}) for at in range(201)]

    (fault,) = faults(deployment(Component, "scaling", Scaling(schedules=schedules)))

    assert fault.sentence.endswith("at most 200 (" + bounds.REASONS["schedules"] + ")")
    assert not faults(deployment(Component, "scaling", Scaling(schedules=schedules[:200])))


def test_bounds_of_the_apis_are_those_of_botocore() -> None:
    """The range of startup timeouts, waits and timeouts, from the model of the API."""
    shapes = loaders.Loader().load_service_model("sagemaker", "service-2")["shapes"]
    for shape, (owner, name) in {
        "ProductionVariantContainerStartupHealthCheckTimeoutInSeconds": (Component, "startup_timeout_seconds"),
        "WaitIntervalInSeconds": (Rollout, "wait_seconds"),
        "MaximumExecutionTimeoutInSeconds": (Rollout, "timeout_seconds"),
    }.items():
        least, most = shapes[shape]["min"], shapes[shape]["max"]
        for value in (least, most):
            assert not faults(deployment(owner, name, value)), (name, value)
        assert faults(deployment(owner, name, most + 1))
        assert not least or faults(deployment(owner, name, least - 1))


def test_a_routing_that_is_none_is_one_fault_with_all_that_it_may_be() -> None:
    (fault,) = faults(deployment(Deployment, "routing", "fast"))

    assert fault.sentence == (
        "routing='fast': give 'least-outstanding-requests' or 'random', or PrefixAwareRouting(...)"
    )


def test_options_have_no_number_without_a_bound() -> None:
    assert not hasattr(options, "_Positive")
