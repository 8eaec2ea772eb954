"""The life of inference components and endpoints: one copy after another, room for every roll, AWS's words."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.sagemaker.destinations import Destination
from embedded_aws.service import ServiceError
from embedded_aws_tests.sagemaker.conftest import P4D, ROLE, Account, specification

NO_ROOM = (
    "There is not enough hardware resources on the instances for this endpoint to create a copy of the inference "
    "component."
)


def test_copies_start_one_after_another(account: Account) -> None:
    account.endpoint()
    account.create(copies=8)

    seen = []
    while account.counts()[0] == "Creating":
        seen.append(account.counts()[2])
        account.wait(50)

    assert list(dict.fromkeys(seen)) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert account.counts() == ("InService", 8, 8)


def test_one_copy_too_many_ends_in_aws_own_words(account: Account) -> None:
    account.endpoint()
    account.create(copies=9)
    account.wait(2_000)

    assert account.counts() == ("Failed", 9, 8), "what runs goes on running, and bills"
    assert account.component()["FailureReason"] == NO_ROOM


@pytest.mark.parametrize(("cpus", "memory", "fit"), [(20.5, 1024, 3), (20, 1024, 4), (1, 400_000, 2)])
def test_cpus_and_memory_are_taken_like_accelerators(account: Account, cpus: float, memory: int, fit: int) -> None:
    account.endpoint()
    account.create(copies=8, cpus=cpus, memory=memory)
    account.wait(2_000)
    assert account.counts() == ("Failed", 8, fit)


def test_copies_come_and_go_in_place(account: Account) -> None:
    account.endpoint()
    account.create(copies=4)
    account.wait(1_000)
    first = copies_of(account)

    for copies in (6, 2, 0, 1):
        account(
            "UpdateInferenceComponentRuntimeConfig",
            InferenceComponentName="component",
            DesiredRuntimeConfig={"CopyCount": copies},
        )
        account.wait(1_000)
        assert account.counts() == ("InService", copies, copies)
        if copies == 6:
            assert first <= copies_of(account), "those that run stay"


def test_a_new_image_rolls_one_copy_at_a_time_and_never_below_what_was_asked(account: Account) -> None:
    account.endpoint()
    account.create(copies=4)
    account.wait(1_000)

    account("UpdateInferenceComponent", InferenceComponentName="component", Specification=specification(image="new:2"))
    lows = []
    while account.counts()[0] == "Updating":
        lows.append(account.counts()[2])
        account.wait(20)

    assert min(lows) >= 4
    assert images(account) == {"new:2"}
    told = account.component()["Specification"]["Container"]["DeployedImage"]
    assert told["SpecifiedImage"] == "new:2"
    assert told["ResolvedImage"].startswith("new@sha256:")


def test_a_roll_without_room_goes_back_to_what_served(account: Account) -> None:
    account.endpoint()
    account.create(copies=8)
    account.wait(2_000)

    account("UpdateInferenceComponent", InferenceComponentName="component", Specification=specification(image="new:2"))
    account.wait(2_000)

    assert account.counts() == ("InService", 8, 8)
    assert account.component()["FailureReason"] == NO_ROOM
    assert images(account) == {"123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:1"}


def test_a_roll_whose_copies_do_not_start_goes_back_too(account: Account) -> None:
    account.endpoint()
    account.create(copies=2)
    account.wait(1_000)
    account.faults.add(Fault(FaultKind.COPY_NEVER_STARTS, on="component", times=1))

    account("UpdateInferenceComponent", InferenceComponentName="component", Specification=specification(image="new:2"))
    account.wait(10_000)

    assert account.counts() == ("InService", 2, 2)
    assert "health check" in account.component()["FailureReason"]
    assert images(account) == {"123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:1"}


def test_a_larger_batch_starts_so_many_before_it_stops_as_many(account: Account) -> None:
    account.endpoint()
    account.create(copies=4)
    account.wait(1_000)
    policy = {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 2},
            "WaitIntervalInSeconds": 100,
        }
    }

    account(
        "UpdateInferenceComponent",
        InferenceComponentName="component",
        Specification=specification(image="new:2"),
        DeploymentConfig=policy,
    )
    seen = []
    while account.counts()[0] == "Updating":
        seen.append(account.counts()[2])
        account.wait(10)

    assert list(dict.fromkeys(seen)) == [4, 5, 6]
    assert seen.count(6) == 2 * 10, "a batch is watched before what it replaces stops"
    assert account.component()["LastDeploymentConfig"] == policy


def test_managed_scaling_brings_instances_and_gives_them_back(account: Account) -> None:
    account.endpoint(ManagedInstanceScaling={"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2})
    account.create(copies=8)
    account.wait(2_000)
    assert instances(account) == 1

    scale(account, 12)
    account.wait(1_500)
    assert account.counts() == ("InService", 12, 12)
    assert instances(account) == 2

    scale(account, 17)
    account.wait(2_000)
    assert account.counts() == ("InService", 12, 12), "the ceiling is two instances"
    assert account.component()["FailureReason"] == NO_ROOM

    scale(account, 0)
    account.wait(300)
    assert instances(account) == 2, "not at once"
    account.wait(1_000)
    assert instances(account) == 1


def test_no_instance_to_be_had(account: Account) -> None:
    account.config()
    account.faults.add(Fault(FaultKind.INSUFFICIENT_CAPACITY, on="endpoint", times=1))
    account("CreateEndpoint", EndpointName="endpoint", EndpointConfigName="config")
    account.wait(300)

    told = account("DescribeEndpoint", EndpointName="endpoint")
    assert told["EndpointStatus"] == "Failed"
    assert "InsufficientInstanceCapacity" in told["FailureReason"]
    account("DeleteEndpoint", EndpointName="endpoint")
    account.wait(300)
    assert account("ListEndpoints")["Endpoints"] == []


def test_refusals_of_components(account: Account) -> None:
    account.config()
    account("CreateEndpoint", EndpointName="endpoint", EndpointConfigName="config")
    new: dict[str, Any] = {
        "InferenceComponentName": "component",
        "EndpointName": "endpoint",
        "VariantName": "AllTraffic",
        "Specification": specification(),
        "RuntimeConfig": {"CopyCount": 1},
    }
    assert "is Creating, not InService" in account.refusal("CreateInferenceComponent", **new)
    account.wait(300)

    none = {**new, "RuntimeConfig": {"CopyCount": 0}}
    assert "copy count an integer larger than 0" in account.refusal("CreateInferenceComponent", **none)
    elsewhere = account.refusal("CreateInferenceComponent", **{**new, "VariantName": "Other"})
    assert elsewhere.startswith(
        "VariantName='Other', but the endpoint has 'AllTraffic': no instance belongs to that variant"
    )
    crowded = specification()
    crowded["Container"]["Environment"] = {f"V{number}": "x" for number in range(17)}
    assert "container of a component accepts at most 16" in account.refusal(
        "CreateInferenceComponent", **{**new, "Specification": crowded}
    )
    missing = {**new, "Specification": {"ModelName": "none", **no_container()}}
    assert 'Could not find model "arn:aws:sagemaker' in account.refusal("CreateInferenceComponent", **missing)

    account("CreateInferenceComponent", **new)
    assert "Cannot create already existing" in account.refusal("CreateInferenceComponent", **new)
    assert "in state CREATE_IN_PROGRESS" in account.refusal(
        "UpdateInferenceComponent", InferenceComponentName="component", Specification=specification()
    )
    account.wait(300)
    assert "Could not find" in account.refusal("DeleteInferenceComponent", InferenceComponentName="other")


def test_adapters_live_on_their_base(account: Account) -> None:
    account.endpoint()
    account.create(copies=2)
    account.wait(1_000)
    account(
        "CreateInferenceComponent",
        InferenceComponentName="adapter",
        EndpointName="endpoint",
        Specification={
            "BaseInferenceComponentName": "component",
            "Container": {"ArtifactUrl": "s3://bucket/adapter/"},
        },
    )
    account.wait(100)

    told = account.component("adapter")
    assert told["InferenceComponentStatus"] == "InService"
    assert "RuntimeConfig" not in told
    assert len(route(account, "adapter").copies) == 2
    refusal = account.refusal("DeleteInferenceComponent", InferenceComponentName="component")
    assert refusal == "Inference component component has adapters: adapter."
    assert "An adapter has no copies" in account.refusal(
        "UpdateInferenceComponentRuntimeConfig", InferenceComponentName="adapter", DesiredRuntimeConfig={"CopyCount": 2}
    )


def test_requests_find_running_copies_only(account: Account) -> None:
    account.endpoint()
    assert "not found" in no_route(account, "component")
    account.create(copies=2)
    assert "has no capacity" in no_route(account, "component")
    account.wait(160)
    assert len(route(account, "component").copies) == 1
    account.wait(500)
    assert len(route(account, "component").copies) == 2
    assert "Name header is required" in no_route(account, None)
    scale(account, 0)
    account.wait(100)
    assert "has no capacity" in no_route(account, "component")


def test_a_new_configuration_moves_all_copies_or_none(account: Account) -> None:
    account.endpoint(instances=2)
    account.create(copies=12)
    account.wait(2_500)

    account.config("small", instances=1)
    account("UpdateEndpoint", EndpointName="endpoint", EndpointConfigName="small")
    account.wait(600)
    told = account("DescribeEndpoint", EndpointName="endpoint")
    assert (told["EndpointStatus"], told["EndpointConfigName"]) == ("InService", "endpoint-config")
    assert told["FailureReason"] == NO_ROOM

    account.config("large", instances=3)
    account("UpdateEndpoint", EndpointName="endpoint", EndpointConfigName="large")
    account.wait(600)
    told = account("DescribeEndpoint", EndpointName="endpoint")
    assert (told["EndpointConfigName"], "FailureReason" in told) == ("large", False)
    assert account.counts() == ("InService", 12, 12)


def test_an_update_is_lost_without_the_configuration_that_serves(account: Account) -> None:
    account.endpoint()
    account.config("next")
    account("DeleteEndpointConfig", EndpointConfigName="endpoint-config")
    assert "Could not find endpoint configuration" in account.refusal(
        "UpdateEndpoint", EndpointName="endpoint", EndpointConfigName="next"
    )


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ({"InstanceType": "ml.c5.large"}, "only instances with accelerators"),
        ({"VolumeSizeInGB": 512}, "VolumeSize parameter is not allowed"),
        (
            {"ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 2, "MaxInstanceCount": 3}},
            "InitialInstanceCount=1 is less than MinInstanceCount=2: ",
        ),
    ],
)
def test_refusals_of_configurations(account: Account, variant: dict[str, Any], words: str) -> None:
    with pytest.raises(ServiceError, match=words):
        account.config(**variant)


def test_a_component_endpoint_needs_the_role_on_its_configuration(account: Account) -> None:
    variant = {"VariantName": "AllTraffic", "InstanceType": P4D, "InitialInstanceCount": 1}
    refusal = account.refusal("CreateEndpointConfig", EndpointConfigName="config", ProductionVariants=[variant])
    assert "ExecutionRoleArn" in refusal


@pytest.mark.parametrize("kind", ["Model", "EndpointConfig", "Endpoint", "InferenceComponent"])
def test_long_lists_come_in_pages(account: Account, kind: str) -> None:
    names = [f"thing-{number:02}" for number in range(23)]
    account.endpoint()
    for name in names:
        account.wait(10)
        if kind == "Model":
            account(
                "CreateModel",
                ModelName=name,
                ExecutionRoleArn=ROLE,
                PrimaryContainer={"Image": "123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:1"},
            )
        elif kind == "EndpointConfig":
            account.config(name)
        elif kind == "Endpoint":
            account("CreateEndpoint", EndpointName=name, EndpointConfigName="endpoint-config")
        else:
            account.create(name)

    found: list[str] = []
    token: dict[str, str] = {}
    pages = itertools.count()
    while next(pages) == 0 or token:
        told = account(f"List{kind}s", NameContains="THING", **token)
        entries = told[f"{kind}s"]
        assert len(entries) <= 10
        found += [entry[f"{kind}Name"] for entry in entries]
        token = {"NextToken": told["NextToken"]} if "NextToken" in told else {}

    assert found == names[::-1], "the newest first"
    by_name = account(f"List{kind}s", SortBy="Name", SortOrder="Ascending", MaxResults=100, NameContains="thing")
    assert [entry[f"{kind}Name"] for entry in by_name[f"{kind}s"]] == names
    assert account.refusal(f"List{kind}s", NextToken="nonsense") == "Invalid NextToken"


def test_tags_stay_with_their_resource(account: Account) -> None:
    account.endpoint()
    account.create()
    arn = account.component()["InferenceComponentArn"]
    account("AddTags", ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}, {"Key": "cost", "Value": "b"}])
    account("DeleteTags", ResourceArn=arn, TagKeys=["cost"])
    assert account("ListTags", ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    account.wait(300)
    account("DeleteInferenceComponent", InferenceComponentName="component")
    account.wait(300)
    assert "Could not find resource" in account.refusal("ListTags", ResourceArn=arn)


def no_container() -> dict[str, Any]:
    return {key: value for key, value in specification().items() if key != "Container"}


def scale(account: Account, copies: int) -> None:
    account(
        "UpdateInferenceComponentRuntimeConfig",
        InferenceComponentName="component",
        DesiredRuntimeConfig={"CopyCount": copies},
    )


def instances(account: Account) -> int:
    (variant,) = account("DescribeEndpoint", EndpointName="endpoint")["ProductionVariants"]
    return int(variant["CurrentInstanceCount"])


def route(account: Account, component: str | None) -> Destination:
    return account.service.route("endpoint", component)


def no_route(account: Account, component: str | None) -> str:
    with pytest.raises(ServiceError) as refused:
        route(account, component)
    assert (refused.value.code, refused.value.status) == ("ValidationError", 400)
    return refused.value.message


def copies_of(account: Account) -> set[str]:
    return {copy.id for copy in route(account, "component").copies}


def images(account: Account) -> set[str]:
    return {copy.image for copy in route(account, "component").copies}


def test_a_component_that_is_being_changed_is_not_deleted_and_the_refusal_says_what_changes(account: Account) -> None:
    account.endpoint(instances=2)
    account.create()
    component = {"InferenceComponentName": "component"}
    arn = account.component()["InferenceComponentArn"]

    def refused() -> str:
        said = account.refusal("DeleteInferenceComponent", **component)
        begin = f'Cannot delete inference component "{arn}" while it is in state '
        assert said.startswith(begin)
        return said.removeprefix(begin)

    assert refused() == "CREATE_IN_PROGRESS."
    account.wait(1_000)
    account("UpdateInferenceComponentRuntimeConfig", **component, DesiredRuntimeConfig={"CopyCount": 2})
    assert refused() == "UPDATE_RC_IN_PROGRESS."
    account.wait(1_000)
    account("UpdateInferenceComponent", **component, Specification=specification(memory=2048))
    assert refused() == "UPDATE_IN_PROGRESS."
    account.wait(3_000)
    account("DeleteInferenceComponent", **component)
    assert refused() == "DELETE_IN_PROGRESS."
