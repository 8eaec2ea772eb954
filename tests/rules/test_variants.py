"""Variants that SageMaker refuses or that idle: storage, serverless, pools, routing, two variants, two scalers."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.rules import check
from tests.rules.base import Template, claims_of, good, properties_of, scaled, variant_of


def rules_found(template: Template) -> dict[str, bool]:
    """Rules that report something, with whether it is certain."""
    report = check(template)
    return {found.rule: found.certain for found in (*report.warnings, *report.problems)}


@pytest.mark.parametrize(
    ("instance_type", "certain"),
    [("ml.p4d.24xlarge", True), ("ml.g5.48xlarge", True), ("ml.g4dn.12xlarge", True), ("ml.g7e.48xlarge", False)],
)
def test_a_volume_on_local_storage(instance_type: str, certain: bool) -> None:
    """'VolumeSize parameter is not allowed for the selected Instance type ml.g4dn.*' (autogluon-cloud, 50)."""
    template = good()
    variant_of(template).update(InstanceType=instance_type, VolumeSizeInGB=100)

    assert rules_found(template)["volume-on-local-storage"] is certain


def test_a_volume_on_instances_without_local_storage_is_fine() -> None:
    template = good()
    variant_of(template).update(InstanceType="ml.inf2.48xlarge", VolumeSizeInGB=100)

    assert "volume-on-local-storage" not in rules_found(template)


def test_a_component_needs_instances() -> None:
    template = scaled(least=0)
    properties_of(template, "Config")["ProductionVariants"] = [
        {"VariantName": "AllTraffic", "ServerlessConfig": {"MaxConcurrency": 1, "MemorySizeInMB": 6144}}
    ]

    found = rules_found(template)

    assert found["serverless-variant"] is True
    assert "zero-keeps-instances" not in found
    assert not [point for point in check(template).unresolved if point.logical_id == "Config"]


@pytest.mark.parametrize("left_out", ["InstanceType", "InitialInstanceCount"])
def test_a_variant_without_instances(left_out: str) -> None:
    template = good()
    del variant_of(template)[left_out]

    assert rules_found(template)["variant-without-instances"] is True


POOLS = [{"InstanceType": "ml.p4d.24xlarge", "Priority": 1}, {"InstanceType": "ml.p5.48xlarge", "Priority": 2}]


def with_pools(**changes: Any) -> Template:
    template = good()
    variant = variant_of(template)
    del variant["InstanceType"]
    variant.update(
        {"InstancePools": POOLS, "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}, **changes}
    )
    return template


@pytest.mark.parametrize(
    ("changes", "rule", "certain"),
    [
        ({"InstanceType": "ml.p4d.24xlarge"}, "variant-without-instances", True),
        ({"InstancePools": [POOLS[0], {**POOLS[1], "Priority": 1}]}, "pool-twice", True),
        ({"InstancePools": [POOLS[0], {**POOLS[0], "Priority": 2}]}, "pool-twice", True),
        ({"InstancePools": [POOLS[0], {**POOLS[1], "ModelNameOverride": "m"}]}, "pool-names-model", True),
        ({"RoutingConfig": {"RoutingStrategy": "RANDOM"}}, "routing-mismatch", False),
        (
            {
                "RoutingConfig": {
                    "RoutingStrategy": "RANDOM",
                    "PrefixAwareRoutingConfig": {"PrefixLength": 1024, "ConcurrencyThreshold": 1},
                }
            },
            "routing-mismatch",
            True,
        ),
    ],
)
def test_pools_that_do_not_fit_their_variant(changes: Template, rule: str, certain: bool) -> None:
    assert rules_found(with_pools(**changes))[rule] is certain


def test_pools_are_fine() -> None:
    assert not rules_found(with_pools())


def test_a_second_variant_without_components_is_paid_for_and_serves_nothing() -> None:
    template = good()
    properties_of(template, "Config")["ProductionVariants"].append({**variant_of(template), "VariantName": "Other"})

    assert rules_found(template) == {"variant-without-components": False}


def test_two_variants_have_different_names() -> None:
    """mlflow/mlflow, pull request 6486: SageMaker refuses a variant name that exists."""
    template = good()
    properties_of(template, "Config")["ProductionVariants"].append(dict(variant_of(template)))

    assert rules_found(template)["variant-twice"] is True


def test_a_second_variant_with_a_model_is_fine() -> None:
    template = good()
    other = {**variant_of(template), "VariantName": "Other", "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]}}
    properties_of(template, "Config")["ProductionVariants"].append(other)

    assert "variant-without-components" not in rules_found(template)


@pytest.mark.parametrize(("managed", "rules"), [(True, {"instances-scaled-twice"}), (False, set())])
def test_two_scalers_of_the_same_instances(managed: bool, rules: set[str]) -> None:
    template = good()
    properties_of(template, "Endpoint")["EndpointName"] = "chat"
    if managed:
        variant_of(template)["ManagedInstanceScaling"] = {
            "Status": "ENABLED",
            "MinInstanceCount": 1,
            "MaxInstanceCount": 1,
        }
    template["Resources"]["Instances"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "DependsOn": "Endpoint",
        "Properties": {
            "ServiceNamespace": "sagemaker",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "ResourceId": "endpoint/chat/variant/AllTraffic",
            "MinCapacity": 1,
            "MaxCapacity": 4,
        },
    }

    assert rules_found(template).keys() == rules


def test_memory_that_a_copy_may_use_below_the_memory_that_it_reserves() -> None:
    template = good()
    claims_of(template)["MaxMemoryRequiredInMb"] = 4096

    assert rules_found(template) == {"memory-range": False}


def test_copies_that_fit_no_mix_of_the_pools_are_a_problem() -> None:
    template = with_pools()
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = 200

    assert rules_found(template)["over-committed"] is True


def test_copies_that_fit_one_type_of_the_pools_are_a_warning() -> None:
    pools = [{"InstanceType": "ml.g5.12xlarge", "Priority": 1}, {"InstanceType": "ml.p4d.24xlarge", "Priority": 2}]
    template = with_pools(InstancePools=pools)
    claims_of(template).update(NumberOfCpuCoresRequired=1, MinMemoryRequiredInMb=1024)

    assert rules_found(template) == {"pool-too-small": False}
