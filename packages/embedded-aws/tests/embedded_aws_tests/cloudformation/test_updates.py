"""Updates: replaced things are made before they are deleted, and what fails leaves everything as it was."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded_aws.clock import Clock
from embedded_aws.cloudformation import CloudFormation
from embedded_aws.faults import Faults
from embedded_aws_tests.cloudformation.conftest import REGION, Account, InProcess
from embedded_aws_tests.cloudformation.sagemaker_double import SageMakerDouble

ROLE = "arn:aws:iam::123456789012:role/serving"


def model(image: str = "one", **more: Any) -> dict[str, Any]:
    properties = {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": image}}
    return {"Type": "AWS::SageMaker::Model", "Properties": properties, **more}


def component(name: str, copies: int = 1) -> dict[str, Any]:
    """A component on somebody else's endpoint that serves a model of the template."""
    specification = {
        "ModelName": {"Fn::GetAtt": [name, "ModelName"]},
        "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024},
    }
    return {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": {
            "EndpointName": "theirs",
            "VariantName": "AllTraffic",
            "RuntimeConfig": {"CopyCount": copies},
            "Specification": specification,
        },
    }


def test_a_replacement_is_made_then_used_and_the_old_one_deleted_last(account: Account) -> None:
    account.create({"Llama": model("one"), "Component": component("Llama")})
    old, kept = account.physical_id("Llama"), account.physical_id("Component")
    before = len(account.events())

    assert account.update({"Llama": model("two"), "Component": component("Llama")})["StackStatus"] == "UPDATE_COMPLETE"

    assert account.events()[before:] == [
        ("app", "UPDATE_IN_PROGRESS"),
        ("Llama", "UPDATE_IN_PROGRESS"),
        ("Llama", "UPDATE_IN_PROGRESS"),
        ("Llama", "UPDATE_COMPLETE"),
        ("Component", "UPDATE_IN_PROGRESS"),
        ("Component", "UPDATE_COMPLETE"),
        ("app", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Llama", "DELETE_IN_PROGRESS"),
        ("Llama", "DELETE_COMPLETE"),
        ("app", "UPDATE_COMPLETE"),
    ]
    requested = [one for one in account.all_events() if "hence creating one" in one.get("ResourceStatusReason", "")]
    assert [one["PhysicalResourceId"] for one in requested] == [old]
    deleted = [one for one in account.all_events() if one["ResourceStatus"] == "DELETE_COMPLETE"]
    assert [one["PhysicalResourceId"] for one in deleted] == [old]
    assert account.physical_id("Component") == kept
    assert account.physical_id("Llama") != old
    (live,) = account.sagemaker.named("InferenceComponent").values()
    assert live["Specification"]["ModelName"] in account.sagemaker.named("Model")


def _state(sagemaker: SageMakerDouble) -> dict[str, Any]:
    """What exists; the service goes on telling why an update failed that it took back itself."""
    return {
        key: {name: value for name, value in copy.deepcopy(one).items() if name != "FailureReason"}
        for key, one in sagemaker.live.items()
    }


def test_events_are_newest_first_with_growing_times(account: Account) -> None:
    account.create({"Llama": model()})

    times = [one["Timestamp"] for one in account.all_events()]

    assert times == sorted(times, reverse=True)
    assert len(set(times)) == len(times)
    assert len({one["EventId"] for one in account.all_events()}) == len(times)


def test_a_failed_update_goes_back_to_the_old_model(account: Account) -> None:
    account.create({"Llama": model("one"), "Component": component("Llama", 2)})
    before, ids = (
        _state(account.sagemaker),
        [account.physical_id("Llama"), account.physical_id("Component")],
    )
    account.sagemaker.failing["UpdateInferenceComponent"] = "The copies did not pass their health check"

    stack = account.update({"Llama": model("two"), "Component": component("Llama", 2)})

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "did not pass their health check" in account.reason("Component", "UPDATE_FAILED")
    assert _state(account.sagemaker) == before
    assert [account.physical_id("Llama"), account.physical_id("Component")] == ids
    statuses = [status for name, status in account.events() if name == "app"]
    assert statuses[-4:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]


def test_what_the_service_took_back_itself_is_not_updated_again(account: Account) -> None:
    """On a full instance a second update would fail as the first did."""
    account.create({"Llama": model("one"), "Component": component("Llama", 8)})
    account.sagemaker.failing["UpdateInferenceComponent"] = "There is not enough hardware"

    account.update({"Llama": model("two"), "Component": component("Llama", 8)})

    assert account.sagemaker.calls.count("UpdateInferenceComponent") == 1


def test_an_endpoint_whose_update_fails_keeps_its_configuration(account: Account) -> None:
    def resources(instances: int) -> dict[str, Any]:
        variant = {"VariantName": "A", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": instances}
        configuration = {"ExecutionRoleArn": ROLE, "ProductionVariants": [variant]}
        name = {"Fn::GetAtt": ["Configuration", "EndpointConfigName"]}
        return {
            "Configuration": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": configuration},
            "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointConfigName": name}},
        }

    account.create(resources(1))
    before = _state(account.sagemaker)
    account.sagemaker.failing["UpdateEndpoint"] = "no capacity"

    assert account.update(resources(2))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"

    assert "no capacity" in account.reason("Endpoint", "UPDATE_FAILED")
    assert _state(account.sagemaker) == before
    assert account.sagemaker.calls.count("UpdateEndpoint") == 1


def test_a_failed_creation_deletes_what_was_made_in_reverse_order(account: Account) -> None:
    account.sagemaker.failing["CreateInferenceComponent"] = "no room"

    stack = account.create({"Llama": model(), "Component": component("Llama")})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = account.reason("app", "ROLLBACK_IN_PROGRESS")
    assert reason == "The following resource(s) failed to create: [Component]. Rollback requested by user."
    assert account.sagemaker.calls[-2:] == ["DeleteInferenceComponent", "DeleteModel"]
    assert account.sagemaker.live == {}
    assert account.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_on_failure_delete_leaves_no_stack(account: Account) -> None:
    account.sagemaker.refusing["CreateModel"] = "no"

    assert account.create({"Llama": model()}, OnFailure="DELETE")["StackStatus"] == "DELETE_COMPLETE"


def test_without_rollback_what_was_made_stays_and_a_rollback_can_follow(account: Account) -> None:
    account.create({"Llama": model("one")})
    before = _state(account.sagemaker)
    account.sagemaker.failing["CreateInferenceComponent"] = "no room"
    wanted = {"Llama": model("one"), "Other": model("three"), "Component": component("Other")}

    failed = account.update(wanted, DisableRollback=True)

    assert failed["StackStatus"] == "UPDATE_FAILED"
    assert len(account.sagemaker.named("Model")) == 2
    assert account.update(wanted, DisableRollback=True)["StackStatus"] == "UPDATE_COMPLETE"

    account.sagemaker.refusing["CreateModel"] = "no"
    assert account.update({**wanted, "More": model()}, DisableRollback=True)["StackStatus"] == "UPDATE_FAILED"
    account("RollbackStack", StackName="app")
    assert account.settle("app")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert set(before) <= set(account.sagemaker.live)
    assert len(account.sagemaker.live) == 3


def test_a_stack_that_never_stood_is_emptied_by_a_rollback(account: Account) -> None:
    account.sagemaker.failing["CreateInferenceComponent"] = "no room"
    wanted = {"Llama": model(), "Component": component("Llama")}

    assert account.create(wanted, DisableRollback=True)["StackStatus"] == "CREATE_FAILED"
    account("RollbackStack", StackName="app")

    assert account.settle("app")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert account.sagemaker.live == {}


def test_a_rollback_that_fails_can_go_on_without_the_culprit(account: Account) -> None:
    account.create({"Llama": model("one"), "Component": component("Llama", 1)})
    account.sagemaker.refusing["UpdateInferenceComponent"] = "no update today"

    stack = account.update({"Llama": model("two"), "Component": component("Llama", 1)})
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    account("ContinueUpdateRollback", StackName="app", ResourcesToSkip=["Component"])

    assert account.settle("app")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert account.reason("Component", "UPDATE_COMPLETE") == "Resource skipped during UpdateRollback"
    assert len(account.sagemaker.named("Model")) == 1


def test_a_deletion_that_fails_keeps_what_the_culprit_needs(account: Account) -> None:
    account.create({"Llama": model(), "Component": component("Llama"), "Other": model("other")})
    account.sagemaker.refusing["DeleteInferenceComponent"] = "it is busy"

    stack = account.delete()

    assert stack["StackStatus"] == "DELETE_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to delete: [Component]. "
    assert "it is busy" in account.reason("Component", "DELETE_FAILED")
    assert len(account.sagemaker.named("Model")) == 1
    account.sagemaker.refusing.clear()
    assert account.delete()["StackStatus"] == "DELETE_COMPLETE"
    assert account.sagemaker.live == {}


def test_retained_resources_survive_deletion_and_replacement(account: Account) -> None:
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    account.create({"Llama": model("one", **kept)})
    account.update({"Llama": model("two", **kept)})
    assert len(account.sagemaker.named("Model")) == 2

    stack = account.delete()

    assert stack["StackStatus"] == "DELETE_COMPLETE"
    assert len(account.sagemaker.named("Model")) == 2
    assert ("Llama", "DELETE_SKIPPED") in account.events(stack["StackId"])


def test_a_fixed_name_cannot_be_replaced(account: Account) -> None:
    account.create({"Llama": _named(model("one"), "llama")})

    stack = account.update({"Llama": _named(model("two"), "llama")})

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert f"llama already exists in stack {stack['StackId']}" in account.reason("Llama", "UPDATE_FAILED")
    assert list(account.sagemaker.named("Model")) == ["llama"]


def _named(definition: dict[str, Any], name: str) -> dict[str, Any]:
    return {**definition, "Properties": {**definition["Properties"], "ModelName": name}}


def test_a_cancelled_update_goes_back(account: Account) -> None:
    wanted = {f"Model{number}": model() for number in range(20)}
    account.create({"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}})
    account.sagemaker.throttled = 5  # the first call takes long enough to cancel

    account("UpdateStack", StackName="app", TemplateBody=json.dumps({"Resources": wanted}))
    account("CancelUpdateStack", StackName="app")

    assert account.settle("app")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert account.reason("app", "UPDATE_ROLLBACK_IN_PROGRESS") == "User Initiated"
    assert account.sagemaker.live == {}


def test_a_stack_that_is_being_created_is_deleted_at_once(account: Account) -> None:
    """DeleteStack is taken while a stack is being created: quoted in cloudtools/stacker, issue 422."""
    wanted = {f"Model{number}": model() for number in range(20)}
    account.sagemaker.throttled = 5  # the first call takes long enough to ask for the deletion
    account("CreateStack", StackName="app", TemplateBody=json.dumps({"Resources": wanted}))
    account("DeleteStack", StackName="app")
    (described,) = account("DescribeStacks", StackName="app")["Stacks"]
    assert described["StackStatus"] == "DELETE_IN_PROGRESS"
    account("DeleteStack", StackName="app")  # once more is no fault

    while any(stack["StackStatus"] != "DELETE_COMPLETE" for stack in account("ListStacks")["StackSummaries"]):
        time.sleep(0.02)
    assert account.sagemaker.live == {}
    assert account.sagemaker.calls.count("CreateModel") < len(wanted)


NAMES = ("Alpha", "Beta", "Gamma")
IMAGES = st.sampled_from(["one", "two", "three"])
TEMPLATES = st.dictionaries(st.sampled_from(NAMES), st.tuples(IMAGES, st.integers(0, 3)), min_size=1)
"""Models by name: the image, and the copies of a component that serves it (none for 0)."""
FAULTS = st.sampled_from([None, None, "CreateModel", "CreateInferenceComponent", "UpdateInferenceComponent"])


def _resources(wanted: dict[str, tuple[str, int]]) -> dict[str, Any]:
    models = {name: model(image) for name, (image, _) in wanted.items()}
    return models | {f"{name}C": component(name, copies) for name, (_, copies) in wanted.items() if copies}


def _live(account: Account) -> dict[str, tuple[str, int]]:
    """What is live, in the words of the template."""
    models = account.sagemaker.named("Model")
    copies = {
        one["Specification"]["ModelName"]: one["RuntimeConfig"]["CopyCount"]
        for one in account.sagemaker.named("InferenceComponent").values()
    }
    return {name.split("-")[0]: (one["PrimaryContainer"]["Image"], copies.get(name, 0)) for name, one in models.items()}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=TEMPLATES, updates=st.lists(st.tuples(TEMPLATES, FAULTS), max_size=4))
def test_what_is_live_is_the_template_or_what_was_before(
    first: dict[str, tuple[str, int]], updates: list[tuple[dict[str, tuple[str, int]], str | None]]
) -> None:
    sagemaker = SageMakerDouble()
    service = CloudFormation(InProcess(REGION, "http://127.0.0.1:5000", Clock(6000), Faults(), sagemaker=sagemaker))
    account = Account(service, sagemaker)
    try:
        assert account.create(_resources(first))["StackStatus"] == "CREATE_COMPLETE"
        now = first
        for wanted, fault in updates:
            before = _state(sagemaker)
            if wanted == now:
                continue
            if fault == "CreateModel":
                sagemaker.refusing[fault] = "refused"
            elif fault:
                sagemaker.failing[fault] = "failed"

            status = account.update(_resources(wanted))["StackStatus"]

            sagemaker.refusing.clear()
            sagemaker.failing.clear()
            if status == "UPDATE_COMPLETE":
                now = wanted
            else:
                assert status == "UPDATE_ROLLBACK_COMPLETE"
                assert fault
                assert _state(sagemaker) == before
            assert _live(account) == now
            listed = account("DescribeStackResources", StackName="app")["StackResources"]
            assert {one["LogicalResourceId"] for one in listed} == set(_resources(now))
        assert account.delete()["StackStatus"] == "DELETE_COMPLETE"
        assert sagemaker.live == {}
    finally:
        service.shutdown()
