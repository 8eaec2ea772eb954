"""What AWS is known to say, word for word, as people have quoted it. The source is beside each."""

from __future__ import annotations

import pytest

from embedded_aws.service import ServiceError
from embedded_aws_tests.sagemaker.conftest import ROLE, Account, specification

ARN = "arn:aws:sagemaker:us-west-2:123456789012"


def test_zero_copies_at_creation(account: Account) -> None:
    """stdapi-ai/stdapi.ai, issue 43."""
    account.endpoint()
    said = account.refusal(
        "CreateInferenceComponent",
        InferenceComponentName="component",
        EndpointName="endpoint",
        VariantName="AllTraffic",
        Specification=specification(),
        RuntimeConfig={"CopyCount": 0},
    )
    assert said == "Inference components copy count an integer larger than 0"


def test_a_component_that_claims_too_much(account: Account) -> None:
    """huggingface/skills, which met it on an empty instance too."""
    account.endpoint()
    account.create(accelerators=8)
    account.create("second", accelerators=1)
    account.wait(5_000)
    assert account.component("second")["FailureReason"] == (
        "There is not enough hardware resources on the instances for this endpoint to create a copy of the inference "
        "component."
    )


def test_an_endpoint_with_components_stays(account: Account) -> None:
    """gruntwork-io/cloud-nuke, pull request 1142."""
    account.endpoint()
    account.create()
    assert account.refusal("DeleteEndpoint", EndpointName="endpoint") == (
        "Cannot delete endpoint with inference component associated. Please delete inference component and try it "
        "again."
    )


def test_a_component_in_change_stays(account: Account) -> None:
    """huggingface/skills: CREATE_IN_PROGRESS, UPDATE_RC_IN_PROGRESS."""
    account.endpoint()
    account.create()
    said = account.refusal("DeleteInferenceComponent", InferenceComponentName="component")
    assert said.startswith("Cannot delete inference component ")
    assert said.endswith(" while it is in state CREATE_IN_PROGRESS.")


def test_names_that_are_taken(account: Account) -> None:
    """hashicorp/terraform-provider-aws and others quote it for each of these kinds."""
    account.endpoint()
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.p4d.24xlarge", "InitialInstanceCount": 1}
    for operation, kind, arn, params in (
        ("CreateEndpoint", "endpoint", "endpoint/endpoint", {"EndpointConfigName": "endpoint-config"}),
        (
            "CreateEndpointConfig",
            "endpoint configuration",
            "endpoint-config/endpoint-config",
            {"ExecutionRoleArn": ROLE, "ProductionVariants": [variant]},
        ),
    ):
        name = arn.rpartition("/")[2]
        said = account.refusal(operation, **{f"{operation.removeprefix('Create')}Name": name}, **params)
        assert said == f'Cannot create already existing {kind} "{ARN}:{arn}".'


def test_a_configuration_that_was_deleted_behind_its_endpoint(account: Account) -> None:
    """hashicorp/terraform-provider-aws, issue 40048: the old one is missed, though another is asked for."""
    account.endpoint()
    account.config("next")
    account("DeleteEndpointConfig", EndpointConfigName="endpoint-config")
    said = account.refusal("UpdateEndpoint", EndpointName="endpoint", EndpointConfigName="next")
    assert said == f'Could not find endpoint configuration "{ARN}:endpoint-config/endpoint-config".'


def test_an_endpoint_that_is_not_there(account: Account) -> None:
    """aws/amazon-sagemaker-examples, issue 2402."""
    said = account.refusal("DeleteEndpoint", EndpointName="other")
    assert said == f'Could not find endpoint "{ARN}:endpoint/other".'


def test_requests_without_a_component_and_without_copies(account: Account) -> None:
    """AWS's own notebooks on scaling to zero; aws-samples/amazon-kendra-langchain-extensions, issue 64."""
    account.endpoint()
    account.create()

    def refused(component: str | None) -> str:
        with pytest.raises(ServiceError) as raised:
            account.service.route("endpoint", component)
        assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
        return raised.value.message

    assert refused("component") == (
        "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
        "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
    )
    assert refused(None) == (
        "Inference Component Name header is required for endpoints to which you plan to deploy inference components. "
        "Please include Inference Component Name header or consider using SageMaker models."
    )
