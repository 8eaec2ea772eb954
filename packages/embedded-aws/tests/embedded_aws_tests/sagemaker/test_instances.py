"""Instances: pools by priority, from zero and back, consolidation; and what a configuration may not say."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.service import ServiceError
from embedded_aws_tests.sagemaker.conftest import P4D, Account, specification

G6E, G5 = "ml.g6e.12xlarge", "ml.g5.12xlarge"
POOLS: dict[str, Any] = {
    "InstanceType": None,
    "InstancePools": [{"InstanceType": G5, "Priority": 2}, {"InstanceType": G6E, "Priority": 1}],
    "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2},
}


def pools(account: Account, **more: Any) -> None:
    variant = {"VariantName": "AllTraffic", "InitialInstanceCount": 1, **POOLS, **more}
    variant = {name: value for name, value in variant.items() if value is not None}
    account(
        "CreateEndpointConfig",
        EndpointConfigName="config",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/replicas",
        ProductionVariants=[variant],
    )
    account("CreateEndpoint", EndpointName="endpoint", EndpointConfigName="config")


def variant(account: Account) -> dict[str, Any]:
    (told,) = account("DescribeEndpoint", EndpointName="endpoint")["ProductionVariants"]
    return dict(told)


def create_for_pools(account: Account, copies: int = 2) -> None:
    account(
        "CreateInferenceComponent",
        InferenceComponentName="component",
        EndpointName="endpoint",
        VariantName="AllTraffic",
        Specifications=[
            {"InstanceType": G6E, **specification(image="large:1")},
            {"InstanceType": G5, **specification(image="small:1", accelerators=2)},
        ],
        RuntimeConfig={"CopyCount": copies},
    )


def scale(account: Account, copies: int) -> None:
    account(
        "UpdateInferenceComponentRuntimeConfig",
        InferenceComponentName="component",
        DesiredRuntimeConfig={"CopyCount": copies},
    )


@pytest.mark.parametrize(
    ("lacking", "instance_type", "image"), [([], G6E, "large:1"), ([G6E], G5, "small:1"), (["endpoint"], G5, "small:1")]
)
def test_the_first_pool_that_aws_has_instances_of(
    account: Account, lacking: list[str], instance_type: str, image: str
) -> None:
    for name in lacking:
        account.faults.add(Fault(FaultKind.INSUFFICIENT_CAPACITY, on=name, times=1))
    pools(account)
    account.wait(700)
    counts = {G6E: 0, G5: 0, instance_type: 1}
    listed = [{"InstanceType": name, "CurrentInstanceCount": counts[name]} for name in (G6E, G5)]
    assert variant(account)["InstancePools"] == listed

    create_for_pools(account)
    account.wait(700)
    told = account.component()
    assert [one["Container"]["DeployedImage"]["SpecifiedImage"] for one in told["Specifications"]] == [
        "large:1",
        "small:1",
    ]
    placed = {one["InstanceType"]: one["CurrentCopyCount"] for one in told["RuntimeConfig"]["PlacementStatus"]}
    assert placed == {G6E: 0, G5: 0, instance_type: 2}
    assert {copy.image for copy in account.service.route("endpoint", "component").copies} == {image}


def test_a_type_that_runs_out_later_is_followed_by_the_next(account: Account) -> None:
    pools(account)
    account.wait(300)
    create_for_pools(account, copies=4)
    account.wait(1_000)
    account.faults.add(Fault(FaultKind.INSUFFICIENT_CAPACITY, on=G6E))
    scale(account, 6)
    account.wait(1_500)
    assert account.counts() == ("InService", 6, 6)
    assert {copy.image for copy in account.service.route("endpoint", "component").copies} == {"large:1", "small:1"}


def test_without_any_pool_the_endpoint_fails(account: Account) -> None:
    account.faults.add(Fault(FaultKind.INSUFFICIENT_CAPACITY, on="endpoint"))
    pools(account)
    account.wait(1_000)
    told = account("DescribeEndpoint", EndpointName="endpoint")
    assert told["EndpointStatus"] == "Failed"
    assert "InsufficientInstanceCapacity" in told["FailureReason"]


def test_to_zero_instances_and_back(account: Account) -> None:
    account.endpoint(ManagedInstanceScaling={"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 1})
    account.create(copies=1)
    account.wait(300)
    scale(account, 0)
    account.wait(1_000)
    assert (account.counts(), variant(account)["CurrentInstanceCount"]) == (("InService", 0, 0), 0)
    metric = "NoCapacityInvocationFailures"
    with pytest.raises(ServiceError, match="has no capacity"):
        account.service.route("endpoint", "component")
    (known,) = [one for one in account.service.surroundings.monitoring.metrics.known() if one.name == metric]
    assert known.dimensions == (("InferenceComponentName", "component"),)

    scale(account, 1)
    account.wait(200)
    assert account.counts() == ("Updating", 1, 0)
    account.wait(400)
    assert (account.counts(), variant(account)["CurrentInstanceCount"]) == (("InService", 1, 1), 1)


def test_consolidation_moves_copies_together_without_a_gap(account: Account) -> None:
    account.endpoint(
        instances=3,
        ManagedInstanceScaling={
            "Status": "ENABLED",
            "MinInstanceCount": 1,
            "MaxInstanceCount": 3,
            "ScaleInPolicy": {"Strategy": "CONSOLIDATION", "CooldownInMinutes": 10, "MaximumStepSize": 1},
        },
    )
    account.create(copies=6)
    account.wait(1_000)
    assert variant(account)["CurrentInstanceCount"] == 3, "spread"

    seen = []
    for _ in range(400):
        account.wait(10)
        seen.append((variant(account)["CurrentInstanceCount"], account.counts()[2]))
    assert min(running for _, running in seen) == 6
    assert list(dict.fromkeys(count for count, _ in seen)) == [3, 2, 1]
    assert account.counts() == ("InService", 6, 6)


def test_an_update_ends_what_consolidation_has_begun(account: Account) -> None:
    test_policy = {"Strategy": "CONSOLIDATION", "CooldownInMinutes": 5}
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2, "ScaleInPolicy": test_policy}
    account.endpoint(instances=2, ManagedInstanceScaling=scaling)
    account.create(copies=2)
    account.wait(400)
    account.wait(300)
    account("UpdateInferenceComponent", InferenceComponentName="component", Specification=specification(image="new:2"))
    account.wait(3_000)
    assert account.counts() == ("InService", 2, 2)
    assert {copy.image for copy in account.service.route("endpoint", "component").copies} == {"new:2"}
    assert variant(account)["CurrentInstanceCount"] == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"InstanceType": P4D}, "has both InstanceType and InstancePools"),
        ({"InstancePools": [{"InstanceType": G5, "Priority": 1}] * 2}, "InstancePools of variant AllTraffic have"),
        (
            {"InstancePools": [{"InstanceType": G5, "Priority": 1, "ModelNameOverride": "m"}]},
            "has a ModelNameOverride",
        ),
        ({"VolumeSizeInGB": 100}, "VolumeSize parameter is not allowed"),
    ],
)
def test_refusals_of_pools(account: Account, more: dict[str, Any], words: str) -> None:
    with pytest.raises(ServiceError, match=words):
        pools(account, **more)


def test_refusals_of_specifications(account: Account) -> None:
    pools(account)
    account.wait(300)
    named = {"InferenceComponentName": "component", "EndpointName": "endpoint", "RuntimeConfig": {"CopyCount": 1}}
    twice = [{"InstanceType": G5, **specification()}] * 2
    assert "several of its Specifications have InstanceType=" in account.refusal(
        "CreateInferenceComponent", **named, Specifications=twice
    )
    strange = [{"InstanceType": G5, **specification()}, {"InstanceType": P4D, **specification()}]
    account("CreateInferenceComponent", **named, Specifications=strange)  # a copy fits one of the types
    strange = [{"InstanceType": P4D, **specification()}]
    named = {**named, "InferenceComponentName": "elsewhere"}
    assert f"a specification for {P4D}" in account.refusal("CreateInferenceComponent", **named, Specifications=strange)
    both = {"Specification": specification(), "Specifications": strange}
    assert "both Specification and Specifications" in account.refusal("CreateInferenceComponent", **named, **both)


def test_networks_keys_and_reservations(account: Account) -> None:
    def config(**more: Any) -> dict[str, Any]:
        variant = {"VariantName": "AllTraffic", "InstanceType": P4D, "InitialInstanceCount": 1}
        return {
            "EndpointConfigName": "config",
            "ExecutionRoleArn": "arn:aws:iam::123456789012:role/replicas",
            "ProductionVariants": [{**variant, **more.pop("variant", {})}],
            **more,
        }

    wrong = {"Subnets": ["network-1"], "SecurityGroupIds": ["sg-0a1b2c3d"]}
    assert "VpcConfig.Subnets: network-1" in account.refusal("CreateEndpointConfig", **config(VpcConfig=wrong))
    # The API reference: such a key does not encrypt local storage. It says of no refusal.
    account("CreateEndpointConfig", **{**config(KmsKeyId="alias/key"), "EndpointConfigName": "encrypted"})
    reservation = {
        "CapacityReservationPreference": "capacity-reservations-only",
        "MlReservationArn": "arn:aws:sagemaker:us-west-2:123456789012:training-plan/plan",
    }
    right = {"Subnets": ["subnet-0a1b2c3d4e5f60718"], "SecurityGroupIds": ["sg-0a1b2c3d"]}
    account("CreateEndpointConfig", **config(VpcConfig=right, variant={"CapacityReservationConfig": reservation}))
    account("CreateEndpoint", EndpointName="endpoint", EndpointConfigName="config")
    account.wait(300)
    assert variant(account)["CapacityReservationConfig"] == reservation


@pytest.mark.parametrize(
    ("artifact", "words"),
    [
        ("s3://bucket/adapter", "without a slash at the end"),
        ("s3://bucket/adapter.zip", "without a slash at the end"),
        (None, "has no Container with an ArtifactUrl"),
    ],
)
def test_an_adapter_is_a_prefix_or_an_archive(account: Account, artifact: str | None, words: str) -> None:
    account.endpoint()
    account.create()
    adapter = {
        "InferenceComponentName": "adapter",
        "EndpointName": "endpoint",
        "Specification": {
            "BaseInferenceComponentName": "component",
            "Container": {"ArtifactUrl": artifact} if artifact else {},
        },
    }
    assert "is not in service" in account.refusal("CreateInferenceComponent", **adapter)
    account.wait(300)
    assert words in account.refusal("CreateInferenceComponent", **adapter)
