"""What no source says of inference components beside other features of SageMaker is listed, never passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

from replicas.rules import check
from tests.cases.mutations.operators import first
from tests.cases.mutations.templates import hand_written
from tests.rules.base import good, single_model, variant_of

CREATE_MODEL = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateModel").input_shape
ASYNC = {"OutputConfig": {"S3OutputPath": "s3://answers/chat"}}
SHAPLEY = {"ClarifyExplainerConfig": {"ShapConfig": {"ShapBaselineConfig": {}}}}


def _questions(template: dict[str, Any]) -> dict[str, str]:
    return {unjudged.logical_id: unjudged.question for unjudged in check(template, region="us-west-2").unjudged}


def _configuration(template: dict[str, Any]) -> dict[str, Any]:
    found = first(template, "EndpointConfig")
    assert found
    return found[1]


def _model(template: dict[str, Any]) -> dict[str, Any]:
    found = first(template, "::Model")
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        ("AsyncInferenceConfig", ASYNC),
        ("ExplainerConfig", SHAPLEY),
        ("ShadowProductionVariants", [{"VariantName": "Shadow", "InstanceType": "ml.g5.2xlarge"}]),
    ],
)
def test_a_feature_of_a_configuration_with_components_is_not_judged(feature: str, value: Any) -> None:
    template = hand_written()
    _configuration(template)[feature] = value
    assert _questions(template)["Config"] == f"whether SageMaker supports {feature} together with inference components"


def test_a_multi_model_container_under_a_component_is_not_judged() -> None:
    template = hand_written()
    _model(template)["PrimaryContainer"]["Mode"] = "MultiModel"
    assert _questions(template)["Model"] == (
        "whether SageMaker supports a container with Mode=MultiModel together with inference components"
    )


def test_an_inference_pipeline_under_a_component_is_not_judged() -> None:
    template = hand_written()
    model = _model(template)
    model["Containers"] = [model.pop("PrimaryContainer")] * 2
    assert _questions(template)["Model"] == (
        "whether SageMaker supports an inference pipeline of 2 containers together with inference components"
    )


def test_without_components_the_same_features_are_no_question() -> None:
    template = hand_written()
    _configuration(template)["AsyncInferenceConfig"] = ASYNC
    for logical_id in ("Component", "Target", "Track", "Wake", "Alarm"):
        template["Resources"].pop(logical_id, None)
    assert "Config" not in _questions(template)


def test_a_plain_template_has_no_such_question() -> None:
    assert not {"Config", "Model"} & set(_questions(hand_written()))


def test_an_update_policy_of_an_endpoint_with_components_is_not_judged() -> None:
    template = hand_written()
    endpoint = first(template, "::Endpoint")
    assert endpoint
    endpoint[1]["DeploymentConfig"] = {"AutoRollbackConfiguration": {"Alarms": []}}
    question = "whether SageMaker supports DeploymentConfig together with inference components"
    assert question in _questions(template).values()


@pytest.mark.parametrize("base", [good, single_model])
def test_a_model_without_a_role_is_not_judged(base: Callable[[], dict[str, Any]]) -> None:
    """botocore, CreateModel: only ModelName is required; ExecutionRoleArn is the role 'that SageMaker can assume'."""
    template = base()
    assert "Model" not in _questions(template)
    del template["Resources"]["Model"]["Properties"]["ExecutionRoleArn"]
    assert _questions(template)["Model"] == "whether SageMaker takes a model without an ExecutionRoleArn"
    assert CREATE_MODEL.required_members == ["ModelName"]


def test_instances_in_an_unnamed_reservation_are_not_judged() -> None:
    """botocore, ProductionVariantCapacityReservationConfig: neither member is required."""
    template = good()
    preference = {"CapacityReservationPreference": "capacity-reservations-only"}
    variant_of(template)["CapacityReservationConfig"] = preference
    assert _questions(template)["Config"] == "in which capacity reservation the instances start"
    arn = "arn:aws:sagemaker:us-west-2:123456789012:training-plan/plan"
    variant_of(template)["CapacityReservationConfig"] = {**preference, "MlReservationArn": arn}
    assert "Config" not in _questions(template)


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [("ModelDataUrl", "ModelDataSource", {"S3DataSource": {}}), ("Image", "ModelPackageName", "arn:aws:sagemaker:p")],
)
def test_two_places_of_one_model_are_not_judged(one: str, other: str, value: Any) -> None:
    template = hand_written()
    container = _model(template)["PrimaryContainer"]
    container.setdefault(one, "s3://weights/model.tar.gz")
    container[other] = value

    assert _questions(template)["Model"] == f"whether SageMaker takes {one} together with {other}"


def test_a_model_and_a_container_of_one_component_are_not_judged() -> None:
    template = hand_written()
    found = first(template, "InferenceComponent")
    assert found
    specification = found[1]["Specification"]
    specification["Container"] = {"Image": "123456789012.dkr.ecr.us-west-2.amazonaws.com/mine:1"}

    assert "whether SageMaker takes ModelName together with Container" in [
        question.question for question in check(template, region="us-west-2").unjudged
    ]


def test_an_image_without_a_registry_is_not_judged() -> None:
    template = hand_written()
    _model(template)["PrimaryContainer"]["Image"] = "vllm:0.30.0"

    assert "whether SageMaker takes the image vllm:0.30.0 without a registry" in _all_questions(template)


def test_a_registry_of_a_vpc_without_the_vpc_is_not_judged() -> None:
    template = hand_written()
    _model(template)["PrimaryContainer"]["ImageConfig"] = {"RepositoryAccessMode": "Vpc"}
    question = "whether SageMaker reaches a registry in a VPC if the model has no VpcConfig"
    assert question in _all_questions(template)

    _model(template)["VpcConfig"] = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert question not in _all_questions(template)


@pytest.mark.parametrize(
    ("keys", "wrong"), [(["team", "team"], "team"), (["aws:team", "owner"], "aws:team"), (["Team", "team"], None)]
)
def test_tag_keys_that_are_reserved_or_given_twice_are_not_judged(keys: list[str], wrong: str | None) -> None:
    template = hand_written()
    _configuration(template)["Tags"] = [{"Key": key, "Value": "x"} for key in keys]

    questions = [question for question in _all_questions(template) if "tag keys" in question]

    assert questions == ([f"whether CloudFormation takes the tag keys {wrong}"] if wrong else [])


def _all_questions(template: dict[str, Any]) -> list[str]:
    return [unjudged.question for unjudged in check(template, region="us-west-2").unjudged]
