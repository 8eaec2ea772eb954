"""Templates that AWS refuses, or that idle: what `check` says of each, and whether it is certain."""

from __future__ import annotations

from pathlib import Path

import pytest

from replicas.rules import check_file

FOLDER = Path(__file__).parent
PROBLEMS = {
    "ref_endpoint": {("Component", "reference-of-the-wrong-kind")},
    "ref_config": {("Endpoint", "reference-of-the-wrong-kind")},
    "ref_model": {("Component", "reference-of-the-wrong-kind")},
    "ref_target": {(name, "reference-of-the-wrong-kind") for name in ("Target", "Track", "Wake")},
    "getatt_target": {(name, "attribute-absent") for name in ("Alarm", "Target", "Track", "Wake")},
    "target_no_dependson": {("Target", "wait-missing")},
    "no_dependson": {("Component", "wait-missing")},
    "volume_on_nvme": {("Config", "volume-on-local-storage")},
    "variant_metric_on_component": {("Track", "tracked-metric")},
    "serverless_variant": {("Config", "serverless-variant")},
    "t3": {("Endpoint", "over-committed")},
    "t4": {("Config", "fixed-name"), ("Endpoint", "over-committed")},
}
"""Problems by template: logical id and rule."""
WARNINGS = {
    "two_variants": ("Config", "variant-without-components"),
    "both_instance_scalings": ("ITarget", "instances-scaled-twice"),
    "max_lt_min_memory": ("Component", "memory-range"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_aws_refuses_is_a_problem(name: str) -> None:
    report = check_file(FOLDER / "templates" / f"{name}.json", region="us-west-2")

    assert {(problem.logical_id, problem.rule) for problem in report.problems} >= PROBLEMS[name]


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_paid_for_without_use_is_a_warning(name: str) -> None:
    report = check_file(FOLDER / "templates" / f"{name}.json", region="us-west-2")

    assert WARNINGS[name] in {(warning.logical_id, warning.rule) for warning in report.warnings}


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_has_a_fix(name: str) -> None:
    for problem in check_file(FOLDER / "templates" / f"{name}.json").problems:
        assert problem.fix


def test_a_component_on_a_serverless_variant_is_told_to_take_instances() -> None:
    report = check_file(FOLDER / "templates" / "serverless_variant.json")

    (problem,) = [problem for problem in report.problems if problem.rule == "serverless-variant"]
    assert "InstanceType" in problem.fix
    assert "ManagedInstanceScaling" not in "".join(finding.fix for finding in (*report.problems, *report.warnings))


def test_copies_that_fit_no_type_of_the_pools_are_a_problem() -> None:
    report = check_file(FOLDER / "hostile" / "pools_certain_but_warning.json")

    assert "over-committed" in {problem.rule for problem in report.problems}
