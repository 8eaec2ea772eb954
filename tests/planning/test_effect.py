"""Warnings of a plan that fits and has no effect for part of what is paid for, each with the change that helps."""

from __future__ import annotations

import re
import runpy
from typing import Any

import pytest

from deployments import DEPLOYMENTS
from replicas import Alarms, Component, Deployment, InstanceScaling, Monitoring, Rollout, Scaling, Traffic, plan
from tests.conftest import ROOT

FOUR = "ml.g6e.12xlarge"
"""4 accelerators (instances.json)."""
TOPIC = "arn:aws:sns:us-west-2:123456789012:on-call"


def warnings(*, component: dict[str, Any] | None = None, **endpoint: Any) -> tuple[str, ...]:
    components = [Component(**{"model": "Qwen/Qwen3-8B", "tensor_parallel": 1, **(component or {})})]
    return plan(Deployment(**{"name": "x", "instance_type": FOUR, "components": components, **endpoint})).warnings


WARNED: dict[str, tuple[dict[str, Any], str]] = {
    "idle accelerators": ({"component": {"copies": 1}}, r"^3 of 4 accelerators run no copy .*: set copies=4 of x, or"),
    "idle accelerators for want of CPUs": (
        {"component": {"copies": 3, "cpus": 12}},
        r"^1 of 4 accelerators run no copy .*: set smaller cpus= and memory_mib= of x",
    ),
    "idle accelerators at the ceiling": (
        {"component": {"copies": 1, "scaling": Scaling(max_copies=2)}},
        r"^2 of 4 accelerators run no copy .*: set scaling\.max_copies=4 of x",
    ),
    "scaling on the same instance": (
        {"component": {"copies": 1, "scaling": Scaling()}},
        r"^scaling= from 1 to 4 copies saves no money, because 1 instance is paid for in both cases: "
        r"set copies=4 and leave scaling out",
    ),
    "scaling that never acts": (
        {"component": {"copies": 4, "scaling": Scaling()}},
        r"^scaling= never acts, because its floor and its ceiling are both 4 copies on 1 instance: "
        r"set instance_scaling=InstanceScaling",
    ),
    "alarms without a topic": ({"monitoring": Monitoring(alarms=Alarms())}, r"notifies no one: set monitoring\.topic="),
    "a scaling target that a copy does not hold": (
        {
            "component": {
                "copies": 1,
                "max_total_tokens": 32_768,
                "scaling": Scaling(concurrent_requests_per_copy=50, max_copies=4),
            }
        },
        r"^scaling\.concurrent_requests_per_copy=50: a copy holds \d requests of "
        r"32,768 tokens .*: lower it to \d, or leave it out",
    ),
    "one request at a time": (
        {"instance_type": "ml.g5.xlarge", "component": {"max_total_tokens": 20_000}},
        r"^a copy serves one request of 20,000 tokens at a time",
    ),
    "traffic that is too long": (
        {"component": {"traffic": Traffic(users=1, input_tokens=9_000, output_tokens=100)}},
        r"^traffic= of 9,000 \+ 100 tokens: the engine refuses prompts .*: set max_total_tokens=9100$",
    ),
}


@pytest.mark.parametrize(("wishes", "sentence"), WARNED.values(), ids=WARNED)
def test_what_has_no_effect_is_a_warning_with_the_change(wishes: dict[str, Any], sentence: str) -> None:
    assert any(re.search(sentence, warning) for warning in warnings(**wishes)), warnings(**wishes)


FINE: dict[str, dict[str, Any]] = {
    "as many copies as fit": {},
    "instances that follow the copies": {
        "component": {"copies": 1, "scaling": Scaling(max_copies=8)},
        "instance_scaling": InstanceScaling(max_instances=2),
    },
    "accelerators for the batch of a roll": {"component": {"copies": 3, "rollout": Rollout()}},
    "alarms with a topic": {"monitoring": Monitoring(alarms=Alarms(), topic=TOPIC)},
    "alarms that take a roll back": {
        "component": {"copies": 3, "rollout": Rollout()},
        "monitoring": Monitoring(alarms=Alarms()),
    },
    "short traffic": {"component": {"traffic": Traffic(users=1, input_tokens=1_000, output_tokens=100)}},
}


@pytest.mark.parametrize("wishes", FINE.values(), ids=FINE)
def test_what_has_an_effect_is_none(wishes: dict[str, Any]) -> None:
    assert warnings(**wishes) == ()


def test_the_deployments_of_this_project_waste_nothing() -> None:
    example = runpy.run_path(str(ROOT / "docs" / "examples" / "production.py"))["DEPLOYMENTS"]
    said = [warning for deployment in [*DEPLOYMENTS, *example] for warning in plan(deployment).warnings]

    assert not [warning for warning in said if re.search("run no copy|saves no money|notify no one|at a time", warning)]
