"""What an update from one template to another does to each resource."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.endpoint.values import Unknown
from replicas.template.differences import differences
from replicas.template.schemas import Recreation
from replicas.template.updates import Outcome, Pending, property_changes

ENDPOINT, MODEL = "AWS::SageMaker::Endpoint", "AWS::SageMaker::Model"


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def model(image: Any = "one", **properties: Any) -> dict[str, Any]:
    return resource(MODEL, PrimaryContainer={"Image": image}, **properties)


def component(model_name: Any) -> dict[str, Any]:
    return resource(
        "AWS::SageMaker::InferenceComponent",
        EndpointName="chat",
        VariantName="all",
        Specification={"ModelName": model_name},
    )


def outcomes(old: dict[str, Any], new: dict[str, Any], **more: Any) -> dict[str, Outcome]:
    """Outcomes that are not `UNCHANGED`, for the resources of two templates."""
    planned = differences({"Resources": old, **more}, {"Resources": new, **more})
    return {key: change.outcome for key, change in planned.items() if change.outcome is not Outcome.UNCHANGED}


def test_a_replaced_resource_changes_what_refers_to_it_even_in_a_text() -> None:
    joined = {"Fn::Join": ["-", [{"Fn::GetAtt": ["Model", "ModelName"]}, "suffix"]]}
    old, new = ({"Model": model(image), "A": component(joined)} for image in ("one", "two"))

    assert outcomes(old, new) == {"Model": Outcome.REPLACED, "A": Outcome.ROLLED}


def test_a_new_image_through_a_parameters_default_replaces_the_model() -> None:
    def template(default: str) -> dict[str, Any]:
        return {
            "Parameters": {"Image": {"Type": "String", "Default": default}},
            "Resources": {"Model": model({"Ref": "Image"})},
        }

    (change,) = differences(template("one"), template("two")).values()

    assert change.outcome is Outcome.REPLACED
    assert [(each.name, each.stated) for each in change.properties] == [("PrimaryContainer", False)]


def test_other_words_for_the_same_value_change_nothing() -> None:
    assert outcomes({"Model": model("a-b")}, {"Model": model({"Fn::Join": ["-", ["a", "b"]]})}) == {}


def test_a_change_within_a_value_that_is_not_known_is_no_silence() -> None:
    conditions = {"Open": {"Fn::Equals": [{"Ref": "Unset"}, "x"]}}
    old, new = ({"Model": model({"Fn::If": ["Open", "one", image]})} for image in ("two", "three"))
    more = {"Parameters": {"Unset": {"Type": "String"}}, "Conditions": conditions}

    assert outcomes(old, old, **more) == {}
    assert outcomes(old, new, **more) == {"Model": Outcome.REPLACED}


def test_a_changed_condition_counts_where_a_value_that_is_not_known_uses_it() -> None:
    resources = {"Model": model({"Fn::If": ["Open", "one", "two"]}), "Other": model("three")}
    old, new = (
        {
            "Parameters": {"Unset": {"Type": "String"}},
            "Conditions": {"Open": {"Fn::Equals": [{"Ref": "Unset"}, name]}},
            "Resources": resources,
        }
        for name in ("x", "y")
    )

    planned = differences(old, new)

    assert {key: change.outcome for key, change in planned.items()} == {
        "Model": Outcome.REPLACED,
        "Other": Outcome.UNCHANGED,
    }


def test_a_condition_that_turns_false_deletes_its_resource() -> None:
    def template(default: str) -> dict[str, Any]:
        return {
            "Parameters": {"Stage": {"Type": "String", "Default": default}},
            "Conditions": {"Kept": {"Fn::Equals": [{"Ref": "Stage"}, "test"]}},
            "Resources": {"Model": model() | {"Condition": "Kept"}},
        }

    (deleted,) = differences(template("test"), template("live")).values()
    (created,) = differences(template("live"), template("test")).values()

    assert (deleted.outcome, created.outcome) == (Outcome.DELETED, Outcome.CREATED)


def test_an_attribute_of_a_resource_updated_in_place_may_differ_but_surely_changes_nothing() -> None:
    def resources(description: str) -> dict[str, Any]:
        role = resource("AWS::IAM::Role", AssumeRolePolicyDocument={}, Description=description)
        return {"Role": role, "Model": model(ExecutionRoleArn={"Fn::GetAtt": ["Role", "Arn"]})}

    planned = differences({"Resources": resources("old")}, {"Resources": resources("new")})

    assert planned["Role"].outcome is Outcome.UPDATED
    assert planned["Model"].outcome is Outcome.MAY_BE_REPLACED
    assert planned["Model"].certain_outcome is Outcome.UNCHANGED


def test_an_identifier_of_a_resource_updated_in_place_stays() -> None:
    def resources(tag: str) -> dict[str, Any]:
        tagged = model(Tags=[{"Key": "stage", "Value": tag}])
        return {"Model": tagged, "A": component({"Fn::GetAtt": ["Model", "ModelName"]})}

    assert outcomes(resources("old"), resources("new")) == {"Model": Outcome.UPDATED}


def test_metadata_and_policies_change_no_resource() -> None:
    new = model() | {"DeletionPolicy": "Retain", "Metadata": {"a": 1}}
    (change,) = differences({"Resources": {"M": model()}}, {"Resources": {"M": new}}).values()

    assert (change.outcome, change.policies) == (Outcome.UNCHANGED, ("Metadata", "DeletionPolicy"))


def test_a_custom_resource_may_be_replaced() -> None:
    old, new = ({"Custom": resource("Custom::Thing", Value=value)} for value in (1, 2))

    assert outcomes(old, new) == {"Custom": Outcome.MAY_BE_REPLACED}


def test_resources_that_need_each_other_are_still_compared() -> None:
    circle = {"A": model({"Ref": "B"}), "B": model({"Ref": "A"})}

    assert outcomes(circle, circle) == {}


def test_true_is_not_one() -> None:
    old, new = ({"E": resource(ENDPOINT, RetainAllVariantProperties=value)} for value in (1, True))

    assert outcomes(old, new) == {"E": Outcome.UPDATED}


@pytest.mark.parametrize(("certain", "outcome"), [(True, True), (False, False)])
def test_a_pending_value_is_as_certain_as_its_cause(certain: bool, outcome: bool) -> None:
    pending = Pending("Role", "Arn", certain)
    (change,) = property_changes(
        MODEL, {"ExecutionRoleArn": "arn"}, {"ExecutionRoleArn": Unknown("", (), "", (pending,))}
    )

    assert (change.recreation, change.pending, change.certain) == (Recreation.ALWAYS, (pending,), outcome)
