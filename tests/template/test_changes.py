"""What the comparison of two templates finds, above all what requests would feel."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.template.changes import Fate, Stack, Status, compare, quote, serving_changes


def endpoint(name: str | None = "chat", **attributes: Any) -> dict[str, Any]:
    properties = {"EndpointConfigName": {"Ref": "Config"}} | ({"EndpointName": name} if name else {})
    return {"Type": "AWS::SageMaker::Endpoint", "Properties": properties, **attributes}


def component(model: str = "llama", copies: int = 1, **properties: Any) -> dict[str, Any]:
    given = {"ModelName": model, "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}, "VariantName": "all"}
    return {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": given | {"RuntimeConfig": {"CopyCount": copies}} | properties,
    }


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": resources}


def statuses(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Status]:
    sides = ({name: Stack(body) for name, body in side.items()} for side in (old, new))
    return {change.name: change.status for change in compare(*sides)}


def test_equal_templates_are_no_change() -> None:
    assert statuses({"a": template(E=endpoint())}, {"a": template(E=endpoint())}) == {}


def test_the_order_of_keys_is_no_change() -> None:
    assert statuses({"a": {"Outputs": {}, "Resources": {}}}, {"a": {"Resources": {}, "Outputs": {}}}) == {}


def test_stacks_are_changed_new_or_removed() -> None:
    old = {"kept": template(), "changed": template(), "gone": template()}
    new = {"kept": template(), "changed": template(E=endpoint()), "added": template()}
    assert statuses(old, new) == {"changed": Status.CHANGED, "added": Status.NEW, "gone": Status.REMOVED}


def test_true_is_not_one() -> None:
    assert statuses({"a": {"Metadata": {"x": 1}}}, {"a": {"Metadata": {"x": True}}}) == {"a": Status.CHANGED}


def test_another_region_is_a_change_of_an_equal_template() -> None:
    old, new = Stack(template(E=endpoint()), "aws://1/eu-west-1"), Stack(template(E=endpoint()), "aws://1/us-east-1")
    (change,) = compare({"a": old}, {"a": new})
    assert change.note.startswith("deployed to `aws://1/us-east-1` instead of `aws://1/eu-west-1`")


def test_a_removed_stack_goes_on_costing() -> None:
    (change,) = compare({"a": Stack(template(E=endpoint()))}, {})
    assert change.note.startswith("removed stack: its endpoint keeps running until `cdk destroy`")


def fates(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Fate]:
    return {change.logical_id: change.fate for change in serving_changes(old, new)}


def test_another_endpoint_name_replaces_the_endpoint() -> None:
    (change,) = serving_changes(template(Endpoint=endpoint("old")), template(Endpoint=endpoint("new")))
    assert change.fate is Fate.REPLACED
    assert "EndpointName is create-only (`old` -> `new`)" in change.meaning
    assert "callers must move" in change.meaning


def test_a_name_given_up_replaces_the_endpoint() -> None:
    (change,) = serving_changes(template(Endpoint=endpoint("old")), template(Endpoint=endpoint(None)))
    assert "(`old` -> a generated name)" in change.meaning


def test_another_configuration_updates_the_endpoint_in_place() -> None:
    changed = endpoint() | {"Properties": {"EndpointName": "chat", "EndpointConfigName": {"Ref": "Another"}}}
    assert fates(template(Endpoint=endpoint()), template(Endpoint=changed)) == {}


def test_a_replaced_endpoint_that_is_retained_is_said_to_cost() -> None:
    new = template(Endpoint=endpoint("new", UpdateReplacePolicy="Retain"))
    (change,) = serving_changes(template(Endpoint=endpoint("old")), new)
    assert "is billed until someone deletes it" in change.meaning


def test_more_copies_update_a_component_in_place() -> None:
    assert fates(template(A=component(copies=1)), template(A=component(copies=2))) == {}


def test_a_component_under_another_logical_id_is_moved() -> None:
    (change,) = serving_changes(template(A=component()), template(B=component()))
    assert (change.logical_id, change.fate) == ("A", Fate.MOVED)
    assert "`B` is created before `A` is deleted, which needs free accelerators" in change.meaning


def test_a_component_that_moves_to_a_new_endpoint_needs_no_room_on_the_old_one() -> None:
    old, new = template(Endpoint=endpoint("old"), A=component()), template(Endpoint=endpoint("new"), B=component())
    _, moved = serving_changes(old, new)
    assert moved.fate is Fate.MOVED
    assert "`B` is created on the new endpoint, which needs additional instances" in moved.meaning


def test_a_moved_component_with_a_fixed_name_collides() -> None:
    named = component(InferenceComponentName="llama")
    (change,) = serving_changes(template(A=named), template(B=named))
    assert "Both are named `llama`: the creation fails" in change.meaning


def test_moved_components_are_paired_with_what_is_most_like_them() -> None:
    old = template(A=component("llama"), B=component("mistral"))
    new = template(C=component("mistral"), D=component("llama"))
    moved = {change.logical_id: change.meaning.split("`")[1] for change in serving_changes(old, new)}
    assert moved == {"A": "D", "B": "C"}


def test_a_removed_component_has_no_successor() -> None:
    old, new = template(A=component("llama"), B=component("mistral")), template(B=component("mistral"))
    assert fates(old, new) == {"A": Fate.REMOVED}


def test_a_retained_endpoint_is_not_said_to_fail() -> None:
    (change,) = serving_changes(template(Endpoint=endpoint(DeletionPolicy="Retain")), template())
    assert "it keeps serving, and is billed, outside of the stack" in change.meaning


def test_a_component_of_another_type_is_removed() -> None:
    assert fates(template(A=component()), template(A={"Type": "AWS::S3::Bucket"})) == {"A": Fate.REMOVED}


@pytest.mark.parametrize("name", ["InferenceComponentName", "EndpointName", "VariantName"])
def test_a_component_cannot_be_renamed_or_moved_in_place(name: str) -> None:
    other = component()
    other["Properties"][name] = "other"
    (change,) = serving_changes(template(A=component()), template(A=other))
    assert change.fate is Fate.STUCK
    assert f"another {name}." in change.meaning


def test_a_component_cannot_follow_its_replaced_endpoint() -> None:
    old, new = (template(Endpoint=endpoint(name), A=component()) for name in ("old", "new"))
    assert fates(old, new) == {"Endpoint": Fate.REPLACED, "A": Fate.STUCK}


def test_what_does_not_serve_is_left_to_the_diff() -> None:
    bucket = {"Type": "AWS::S3::Bucket"}
    loop = {"Fn::ForEach::Buckets": ["Name", ["a"], {}]}
    assert fates({"Resources": {"B": bucket} | loop}, template()) == {}


def test_a_quoted_value_stays_a_code_span() -> None:
    assert quote("a`b\n\nc") == "`a b c`"
    assert quote("") == "` `"
    assert quote({"Ref": "A"}) == '`{"Ref": "A"}`'


REFUSED = {
    "Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
    "Rules": {"Never": {"Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}, "AssertDescription": "too large"}]}},
}
SERVES = {"Resources": {"Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointConfigName": "c"}}}}


def test_a_stack_whose_template_can_never_be_deployed_is_refused_and_loses_nothing() -> None:
    (change,) = compare({"a": Stack(SERVES)}, {"a": Stack(REFUSED)})
    assert (change.status, change.serving) == (Status.REFUSED, ())
    assert (
        change.note
        == "refused: the new template cannot be deployed, and the deployed stack does not change (`too large`)"
    )


def test_a_stack_that_was_refused_before_has_no_judged_effect() -> None:
    (change,) = compare({"a": Stack(REFUSED)}, {"a": Stack(SERVES)})
    assert (change.status, change.serving) == (Status.CHANGED, ())
    assert "the deployed template is not known" in change.note


def test_no_stack_is_removed_while_an_entry_without_a_known_name_is_refused() -> None:
    changes = compare({"a": Stack(SERVES), "b": Stack(SERVES)}, {"b": Stack(SERVES), "refused-entry": Stack(REFUSED)})
    assert {change.name: change.status for change in changes} == {"refused-entry": Status.REFUSED, "a": Status.REFUSED}
    assert [change.is_present for change in changes] == [True, False]
