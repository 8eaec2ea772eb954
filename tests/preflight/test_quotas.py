"""One quota check: `doctor` and `preflight` add up the same deployments and live endpoints and agree."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.server import EmbeddedAws
from replicas import Component, Deployment, InstanceScaling, Scaling
from replicas.aws.session import Aws
from replicas.preflight.checks import Checked, State
from replicas.preflight.needs import Instances
from replicas.preflight.quotas import demand_of_deployment, demands_of_template, quota_checks
from tests.commands import TGI, Outcome, Run

Outputs = dict[str, dict[str, str]]


def deployment(name: str, instances: int = 1, **options: Any) -> Deployment:
    """A deployment on ml.g6.12xlarge, of which the embedded account may run two."""
    component = Component(model="mistralai/Mistral-7B-Instruct-v0.3", token_secret="hub-token", **options)  # noqa: S106
    return Deployment(name=name, instance_type="ml.g6.12xlarge", instances=instances, components=[component])


def checked(deployments: Iterable[Deployment]) -> dict[str, Checked]:
    results = quota_checks(Aws("us-west-2"), list(map(demand_of_deployment, deployments)))
    return {result.what: result for result in results}


def quota_of(outcome: Outcome, instance_type: str) -> dict[str, Any]:
    checks = outcome.json if isinstance(outcome.json, list) else outcome.json["checks"]
    (entry,) = [check for check in checks if check["what"] == f"quota {instance_type}"]
    return dict(entry)


def test_deployments_that_share_a_type_are_added_up(embedded: EmbeddedAws) -> None:
    fits = checked([deployment("a"), deployment("b")])["quota ml.g6.12xlarge"]
    too_many = checked([deployment("a"), deployment("b"), deployment("c")])["quota ml.g6.12xlarge"]

    assert (fits.state, fits.said) == (State.OK, "2 for endpoints, a needs at most 1 and b needs at most 1")
    assert too_many.state is State.FAULT
    assert "--desired-value 3" in too_many.fix


def test_more_than_three_deployments_are_counted_not_listed(embedded: EmbeddedAws) -> None:
    check = checked([deployment(name) for name in "abcd"])["quota ml.g6.12xlarge"]

    assert check.said == "2 for endpoints, 4 deployments need at most 4 together"


def test_the_ceiling_of_instance_scaling_counts_not_the_start(embedded: EmbeddedAws) -> None:
    scaled = Deployment(
        name="scaled",
        instance_type="ml.g6.12xlarge",
        instance_scaling=InstanceScaling(max_instances=3),
        components=[
            Component(
                model="mistralai/Mistral-7B-Instruct-v0.3",
                token_secret="hub-token",  # noqa: S106
                copies=2,
                scaling=Scaling(max_copies=12),
            )
        ],
    )

    check = checked([scaled])["quota ml.g6.12xlarge"]

    assert (check.state, check.said) == (State.FAULT, "2 for endpoints, scaled needs at most 3")


def test_a_deployment_without_a_plan_is_said_to_be_unknown(embedded: EmbeddedAws) -> None:
    check = checked([deployment("x", copies=1000)])["quota of x"]

    assert (check.state, check.said) == (State.UNKNOWN, "the deployment does not fit: `replicas plan x` shows why")


def test_a_template_with_two_variants_of_one_type_needs_both(embedded: EmbeddedAws) -> None:
    variants = [Instances("One", "ml.g6.12xlarge", 1, 2), Instances("Two", "ml.g6.12xlarge", 1, 1)]

    (check,) = quota_checks(Aws("us-west-2"), demands_of_template("x", variants))

    assert (check.state, check.said) == (State.FAULT, "2 for endpoints, x needs at most 3")


def test_doctor_and_preflight_give_one_answer_about_one_deployment(
    run: Run, endpoints: Outputs, present_tools: None, assembly: Path
) -> None:
    """The endpoint of llama-2-13b is live: its own instances are part of its demand, and others' are added."""
    for name, said in (
        (TGI, "2 for endpoints, llama-2-13b needs at most 1"),
        ("llama-2-7b", "2 for endpoints, llama-2-7b needs at most 1, and 1 runs on other endpoints"),
    ):
        by_doctor = quota_of(run("doctor", name, "--json"), "ml.p4d.24xlarge")
        template = assembly / f"{name}.template.json"
        by_preflight = quota_of(run("preflight", name, "--template", str(template), "--json"), "ml.p4d.24xlarge")

        assert by_doctor == by_preflight
        assert by_doctor["said"] == said


@pytest.mark.parametrize("count", [2, 3])
def test_live_endpoints_count_against_the_deployments_of_the_file(
    run: Run, endpoints: Outputs, present_tools: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """A quota of 2 holds two deployments only while no other endpoint runs an instance of the type."""
    parts = ", ".join(
        f"Deployment(name='new-{number}', instance_type='ml.p4d.24xlarge', components=[Component("
        "model='mistralai/Mistral-7B-Instruct-v0.3', token_secret='hub-token')])"
        for number in range(count - 1)
    )
    (tmp_path / "deployments.py").write_text(f"from replicas import Component, Deployment\nDEPLOYMENTS = [{parts}]\n")
    monkeypatch.chdir(tmp_path)

    quota = quota_of(run("doctor", "--json"), "ml.p4d.24xlarge")

    assert quota["state"] == ("ok" if count == 2 else "fault")
    assert quota["said"].endswith(", and 1 runs on other endpoints")
