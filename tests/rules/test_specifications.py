"""What a component or a model gives SageMaker to run: exactly one form of it, with an image and an instance type."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.rules import check
from tests.rules.base import TGI, Template, good, only_problem, properties_of, rules, variant_of

P4D, P4DE, G5 = "ml.p4d.24xlarge", "ml.p4de.24xlarge", "ml.g5.48xlarge"


def with_specifications(*types: str | None, of: tuple[str, ...] = ()) -> Template:
    """`good()` with a specification for each type, on instance pools of the types `of`."""
    template = good()
    properties = properties_of(template, "Llama")
    only = properties.pop("Specification")
    properties["RuntimeConfig"] = {"CopyCount": 1}
    properties["Specifications"] = [{**only, **({"InstanceType": name} if name else {})} for name in types]
    if of:
        variant = variant_of(template)
        del variant["InstanceType"]
        variant["InstancePools"] = [{"InstanceType": name, "Priority": place} for place, name in enumerate(of, 1)]
    return template


def of_types(template: Template) -> list[tuple[str, bool]]:
    """Sentences of `specification-types`, and whether each is certain."""
    report = check(template)
    found = [*report.problems, *report.warnings]
    return [(message.what, message.certain) for message in found if message.rule == "specification-types"]


def test_a_specification_for_each_pool_is_fine() -> None:
    assert check(with_specifications(P4D, P4DE, of=(P4D, P4DE))).problems == ()


def test_two_specifications_for_one_type_are_a_problem() -> None:
    ((what, certain),) = of_types(with_specifications(P4D, P4D, of=(P4D, P4DE)))
    assert (what, certain) == (f"several of its Specifications have InstanceType={P4D}", True)


def test_several_specifications_need_their_types() -> None:
    assert ("one of its Specifications has no InstanceType", True) in of_types(with_specifications(P4D, None))


def test_a_specification_for_a_type_that_the_variant_has_not_is_useless() -> None:
    ((what, certain),) = of_types(with_specifications(P4D, G5))
    assert (what, certain) == (f"it has a specification for {G5}, but its variant has only {P4D}", False)


def test_specifications_for_other_types_alone_leave_every_copy_without_a_place() -> None:
    assert [certain for _, certain in of_types(with_specifications(G5, P4DE))] == [True, True]


def test_types_are_not_judged_while_the_pools_are_not_known() -> None:
    template = with_specifications(P4D, G5, of=(P4D,))
    variant_of(template)["InstancePools"] = {"Ref": "Pools"}
    template["Parameters"] = {"Pools": {"Type": "String"}}
    assert of_types(template) == []


def test_a_component_has_one_specification_or_a_list() -> None:
    template = good()
    specification = properties_of(template, "Llama")["Specification"]
    properties_of(template, "Llama")["Specifications"] = [
        {**specification, "InstanceType": P4D},
        {**specification, "InstanceType": P4DE},
    ]
    assert rules(check(template)) == ["specification-forms"]


@pytest.mark.parametrize("container", [None, {"ArtifactUrl": "s3://bucket/weights.tar.gz"}])
def test_a_component_without_a_model_needs_an_image(container: Template | None) -> None:
    template = good()
    specification = properties_of(template, "Llama")["Specification"]
    del specification["ModelName"]
    specification.update({"Container": container} if container else {})
    assert rules(check(template)) == ["container-missing"]
    specification["Container"] = {"Image": TGI, **(container or {})}
    assert "container-missing" not in rules(check(template))


def test_a_model_outside_of_the_template_is_believed_to_have_an_image() -> None:
    template = good()
    properties_of(template, "Llama")["Specification"]["ModelName"] = "made-elsewhere"
    assert "container-missing" not in rules(check(template))


def with_model(**forms: Any) -> Template:
    """`good()` with another model that nothing runs."""
    template = good()
    template["Resources"]["Other"] = {
        "Type": "AWS::SageMaker::Model",
        "Properties": {"ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, **forms},
    }
    return template


def test_a_model_has_one_container_or_a_list() -> None:
    problem = only_problem(with_model(PrimaryContainer={"Image": TGI}, Containers=[{"Image": TGI}]))
    assert (problem.rule, problem.logical_id) == ("model-containers", "Other")


def test_a_model_without_a_container_is_a_problem_of_the_component_that_runs_it() -> None:
    template = with_model()
    assert rules(check(template)) == []
    properties_of(template, "Llama")["Specification"]["ModelName"] = {"Fn::GetAtt": ["Other", "ModelName"]}
    (problem,) = [found for found in check(template).problems if found.rule == "container-missing"]
    assert (problem.logical_id, problem.what) == ("Llama", "its model has neither PrimaryContainer nor Containers")


def test_a_container_that_a_condition_may_leave_out_is_not_counted() -> None:
    template = good()
    template["Parameters"] = {"Pipeline": {"Type": "String"}}
    template["Conditions"] = {"IsPipeline": {"Fn::Equals": [{"Ref": "Pipeline"}, "yes"]}}
    container, none = {"Image": TGI}, {"Ref": "AWS::NoValue"}
    template["Resources"]["Other"] = {
        "Type": "AWS::SageMaker::Model",
        "Properties": {
            "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
            "PrimaryContainer": {"Fn::If": ["IsPipeline", none, container]},
            "Containers": {"Fn::If": ["IsPipeline", [container], none]},
        },
    }
    assert "model-containers" not in rules(check(template))


def test_an_adapter_says_where_its_files_are() -> None:
    template = good()
    properties_of(template, "Llama")["InferenceComponentName"] = "llama"
    template["Resources"]["Adapter"] = {
        "Type": "AWS::SageMaker::InferenceComponent",
        "DependsOn": "Llama",
        "Properties": {
            "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
            "Specification": {"BaseInferenceComponentName": "llama"},
        },
    }
    assert "adapter-artifact" in rules(check(template))


def test_a_configuration_for_components_that_are_made_elsewhere_needs_a_role() -> None:
    template = good()
    del template["Resources"]["Llama"], template["Resources"]["Endpoint"]
    assert rules(check(template)) == []
    del properties_of(template, "Config")["ExecutionRoleArn"]
    assert rules(check(template)) == ["role-missing"]
