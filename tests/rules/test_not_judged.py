"""Copies whose placement is not judged: a check lists them as unresolved and never as fitting."""

from __future__ import annotations

import pytest

from replicas.catalogue.instances import find_instance
from replicas.rules import Report, check, hosts
from replicas.sizing import claims
from tests.endpoint.unjudged import COPIES, SIZES, WHOLE, WHY
from tests.rules.base import Template, component, good, properties_of, variant_of

INSTANCE = find_instance("ml.p4d.24xlarge")
CAREFUL = claims.host(INSTANCE).memory_mib
HARD = hosts.hard(INSTANCE).memory_mib


def template_of(copies: tuple[int, ...], memory_mib: int = CAREFUL) -> Template:
    """Two instances, and components of 6, 5 and 4 fourteenths of their memory."""
    template = good()
    variant_of(template)["InitialInstanceCount"] = 2
    del template["Resources"]["Llama"]
    for size, count in zip(SIZES, copies, strict=True):
        memory = size * (memory_mib // WHOLE)
        template["Resources"][f"Size{size}"] = component(copies=count, cpus=1, memory=memory)
    return template


def unresolved(report: Report) -> list[tuple[str, str]]:
    return [(point.logical_id, point.what) for point in report.unresolved]


@pytest.mark.usefixtures("no_search")
def test_a_placement_that_is_not_judged_is_unresolved() -> None:
    report = check(template_of(COPIES))

    assert unresolved(report) == [("Endpoint", f"whether all copies fit is not judged: {WHY}")]
    assert report.endpoints[0].placement is None


def test_the_search_places_it() -> None:
    report = check(template_of(COPIES))

    assert unresolved(report) == []
    assert report.endpoints[0].placement is not None


@pytest.mark.usefixtures("no_search")
def test_a_bound_of_the_host_that_is_not_judged_stays_unresolved_beside_the_careful_bound() -> None:
    """Given claims of parts of the whole host, when the careful bound refuses them, the host's is still open."""
    report = check(template_of(COPIES, HARD))

    assert [warning.rule for warning in (*report.problems, *report.warnings)] == ["over-claimed"]
    assert unresolved(report) == [("Endpoint", f"whether all copies fit is not judged: {WHY}")]


@pytest.mark.usefixtures("no_search")
def test_a_placement_on_a_type_of_the_pools_is_unresolved() -> None:
    template = template_of(COPIES)
    variant = variant_of(template)
    variant["InstancePools"] = [{"InstanceType": variant.pop("InstanceType"), "Priority": 1}]

    what = f"whether all copies fit ml.p4d.24xlarge alone is not judged: {WHY}"
    assert ("Endpoint", what) in unresolved(check(template))


@pytest.mark.usefixtures("no_search")
def test_a_ceiling_that_is_not_judged_is_unresolved() -> None:
    """Given a copy less at the start, which fits, when autoscaling may add it."""
    template = template_of((1, 2, 2))
    template["Resources"]["Target"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "ServiceNamespace": "sagemaker",
            "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
            "ResourceId": {"Fn::Sub": "inference-component/${Size4.InferenceComponentName}"},
            "MinCapacity": 2,
            "MaxCapacity": 3,
        },
    }

    what = f"whether all copies fit at the ceiling is not judged: {WHY}"
    assert unresolved(check(template)) == [("Endpoint", what)]


@pytest.mark.usefixtures("no_search")
def test_a_roll_whose_room_is_not_judged_is_unresolved() -> None:
    """Given copies that fit the host, when a roll of one more copy has to fit beside them."""
    template = template_of((1, 2, 2), HARD)
    properties_of(template, "Size4")["DeploymentConfig"] = {
        "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1}, "WaitIntervalInSeconds": 60}
    }

    report = check(template)

    assert unresolved(report) == [("Size4", f"whether a rolling update of 1 fits is not judged: {WHY}")]
    assert "roll-without-room" not in [warning.rule for warning in report.warnings]
