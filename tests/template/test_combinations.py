"""What no source says of inference components beside other features of SageMaker is listed, never passed over."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.rules import check
from tests.cases.mutations.operators import first
from tests.cases.mutations.templates import hand_written

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
