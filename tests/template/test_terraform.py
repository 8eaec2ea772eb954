"""Terraform plans: `terraform show -json`, read into the same endpoint model as a template.

`tests/data/terraform/aws.json` is the output of Terraform 1.11.4 with the provider `aws` 5.100, shortened. Plans of the
provider `awscc` are written here by its schema: CloudFormation's properties in snake case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from replicas.errors import ProofError
from replicas.rules import Report, check
from replicas.rules.files import check_files
from replicas.template.load import parse
from tests.conftest import ROOT
from tests.rules.base import Template, container_of, properties_of, variant_of
from tests.rules.base import good as good_template

AWS = ROOT / "tests" / "data" / "terraform" / "aws.json"
REGION = "us-east-1"
TYPES = {
    "AWS::IAM::Role": ("aws_iam_role", {"Arn": "arn"}),
    "AWS::SageMaker::Model": ("awscc_sagemaker_model", {"ModelName": "model_name"}),
    "AWS::SageMaker::EndpointConfig": (
        "awscc_sagemaker_endpoint_config",
        {"EndpointConfigName": "endpoint_config_name"},
    ),
    "AWS::SageMaker::Endpoint": ("awscc_sagemaker_endpoint", {"EndpointName": "endpoint_name"}),
    "AWS::SageMaker::InferenceComponent": ("awscc_sagemaker_inference_component", {}),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("awscc_applicationautoscaling_scalable_target", {}),
}


def good() -> Template:
    """The template without a fault, in an account that it names: a plan has no pseudo parameters."""
    text = json.dumps(good_template()).replace('{"Ref": "AWS::AccountId"}', '"123456789012"')
    template: Template = json.loads(text)
    return template


def plan_of(template: Template) -> dict[str, Any]:
    """The plan of a first apply that makes what a template makes, with the provider `awscc`."""
    changes, declared = [], []
    for logical_id, body in template["Resources"].items():
        kind = TYPES[body["Type"]][0]
        given = body.get("Properties", {})
        if kind == "aws_iam_role":
            given = {
                "AssumeRolePolicy": json.dumps(given["AssumeRolePolicyDocument"]),
                "InlinePolicy": [
                    {"Name": each["PolicyName"], "Policy": json.dumps(each["PolicyDocument"])}
                    for each in given["Policies"]
                ],
            }
        after, unknown, nested = _planned(given, template)
        # Of a nested attribute, Terraform lists all references together; of the blocks of `aws`, each by itself.
        expressions = {
            key: expression if kind == "aws_iam_role" else _listed(expression) for key, expression in nested.items()
        }
        address = f"{kind}.{logical_id.lower()}"
        changes.append(
            {
                "address": address,
                "mode": "managed",
                "type": kind,
                "name": logical_id.lower(),
                "change": {"actions": ["create"], "after": after, "after_unknown": {"id": True, **unknown}},
            }
        )
        needs = [body["DependsOn"]] if isinstance(body.get("DependsOn"), str) else body.get("DependsOn", [])
        depends = [_address(name, template) for name in needs]
        declared.append({"address": address, "expressions": expressions, "depends_on": depends})
    return {
        "format_version": "1.2",
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": declared}},
    }


def _address(logical_id: str, template: Template) -> str:
    return f"{TYPES[template['Resources'][logical_id]['Type']][0]}.{logical_id.lower()}"


def _planned(value: Any, template: Template) -> tuple[Any, Any, Any]:
    """Value after the apply, where it is unknown, and the expression that gives it."""
    if isinstance(value, dict) and "Fn::GetAtt" in value:
        logical_id, attribute = value["Fn::GetAtt"]
        address = _address(logical_id, template)
        name = TYPES[template["Resources"][logical_id]["Type"]][1][attribute]
        return None, True, {"references": [f"{address}.{name}", address]}
    if isinstance(value, dict):
        parts = {snake(key): _planned(item, template) for key, item in value.items()}
        return (
            {key: after for key, (after, unknown, _) in parts.items() if unknown is not True},
            {key: unknown for key, (_, unknown, _) in parts.items() if unknown},
            {key: expression for key, (_, _, expression) in parts.items()},
        )
    if isinstance(value, list):
        items = [_planned(item, template) for item in value]
        return tuple([item[place] for item in items] for place in range(3))  # type: ignore[return-value]
    return value, False, {"constant_value": value}


def _listed(expression: Any) -> Any:
    if not isinstance(expression, dict | list) or (isinstance(expression, dict) and "constant_value" in expression):
        return expression
    found = list(_references(expression))
    return {"references": found} if found else {}


def _references(expression: Any) -> Iterator[str]:
    if isinstance(expression, dict):
        yield from expression.get("references", ())
        for value in expression.values():
            yield from _references(value)
    elif isinstance(expression, list):
        for item in expression:
            yield from _references(item)


def snake(name: str) -> str:
    """Names of variables of a container stay as they are."""
    return name if name.isupper() or "_" in name else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def rules_of(report: Report) -> tuple[set[str], set[str], set[str]]:
    return (
        {each.rule for each in report.problems},
        {each.rule for each in report.warnings},
        {each.question for each in report.unjudged},
    )


def judged(template: Template) -> Report:
    return check(parse(json.dumps(plan_of(template))), region=REGION)


def nine_copies(template: Template) -> None:
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = 9


def a_model_that_does_not_fit(template: Template) -> None:
    container_of(template)["Environment"]["HF_MODEL_ID"] = "NousResearch/Llama-2-70b-chat-hf"


def no_role_of_the_configuration(template: Template) -> None:
    del template["Resources"]["Config"]["Properties"]["ExecutionRoleArn"]


def a_variant_that_does_not_exist(template: Template) -> None:
    properties_of(template, "Llama")["VariantName"] = "Other"


def too_much_memory(template: Template) -> None:
    properties_of(template, "Llama")["Specification"]["ComputeResourceRequirements"]["MinMemoryRequiredInMb"] = 999_999


def a_volume_on_nvme(template: Template) -> None:
    variant_of(template)["VolumeSizeInGB"] = 500


def a_target_above_the_instances(template: Template) -> None:
    properties_of(template, "Llama")["InferenceComponentName"] = "llama"
    template["Resources"]["Target"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "MinCapacity": 1,
            "MaxCapacity": 20,
            "ResourceId": "inference-component/llama",
            "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
            "ServiceNamespace": "sagemaker",
        },
        "DependsOn": "Llama",
    }


def a_target_that_waits_for_nothing(template: Template) -> None:
    a_target_above_the_instances(template)
    del template["Resources"]["Target"]["DependsOn"]


CHANGES: list[Callable[[Template], None]] = [
    *(nine_copies, a_model_that_does_not_fit, no_role_of_the_configuration, a_variant_that_does_not_exist),
    *(too_much_memory, a_volume_on_nvme, a_target_above_the_instances, a_target_that_waits_for_nothing),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_plan_has_the_findings_of_the_template_that_makes_the_same(change: Callable[[Template], None]) -> None:
    template = good()
    change(template)
    expected = rules_of(check(template, region=REGION))
    assert expected[0]
    assert rules_of(judged(template)) == expected


def test_a_plan_without_a_fault_has_no_finding_and_its_copies_are_placed() -> None:
    report = judged(good())
    assert rules_of(report) == (set(), set(), set())
    (endpoint,) = report.endpoints
    assert endpoint.logical_id == "awscc_sagemaker_endpoint.endpoint"
    assert endpoint.placement == ({"awscc_sagemaker_inference_component.llama": 8},)


def test_findings_name_the_addresses_of_terraform() -> None:
    (file,) = check_files([AWS])
    assert file.region == REGION  # of the provider's configuration
    problems = {each.rule: each for each in file.report.problems}
    assert problems["copy-without-memory"].logical_id == 'aws_sagemaker_model.llm["a"]'
    assert "NousResearch/Llama-2-70b-chat-hf needs 131.0 GiB" in problems["copy-without-memory"].what
    (wide,) = [each for each in file.report.warnings if each.rule == "role-too-wide"]
    assert 'aws_sagemaker_model.llm["a"]' in wide.what
    (endpoint,) = file.report.endpoints
    assert endpoint.logical_id == "module.ep.aws_sagemaker_endpoint.this"
    assert (endpoint.instance_type, endpoint.instances) == ("ml.g5.xlarge", 2)


def test_a_sensitive_value_is_not_printed_and_counts_as_given() -> None:
    content = json.loads(AWS.read_text())
    (model,) = [each for each in content["resource_changes"] if each["type"] == "aws_sagemaker_model"]
    container = model["change"]["after"]["primary_container"][0]
    container["environment"]["HF_MODEL_ID"] = "meta-llama/Llama-2-7b-chat-hf"  # gated
    report = check(parse(json.dumps(content)), region=REGION)
    assert not [each for each in report.warnings if each.rule == "gated-without-token"]
    assert container["environment"]["HUGGING_FACE_HUB_TOKEN"] not in json.dumps(report.to_document())
    del container["environment"]["HUGGING_FACE_HUB_TOKEN"]
    report = check(parse(json.dumps(content)), region=REGION)
    assert [each.rule for each in report.warnings if each.rule == "gated-without-token"]


def test_what_is_known_after_the_apply_is_not_judged() -> None:
    plan = plan_of(good())
    (component,) = [each for each in plan["resource_changes"] if "component" in each["type"]]
    del component["change"]["after"]["runtime_config"]
    component["change"]["after_unknown"]["runtime_config"] = True
    report = check(parse(json.dumps(plan)), region=REGION)
    assert not report.problems
    assert "CopyCount is not known: it is known after the apply" in {each.why for each in report.unjudged}


def test_an_attribute_that_is_not_read_is_said_not_to_be_judged() -> None:
    plan = plan_of(good())
    (component,) = [each for each in plan["resource_changes"] if "component" in each["type"]]
    component["change"]["after"]["quantum_config"] = {"on": True}
    (question,) = check(parse(json.dumps(plan)), region=REGION).unjudged
    assert question.logical_id == "awscc_sagemaker_inference_component.llama"
    assert question.question == "what quantum_config does"


def test_a_role_without_rights_is_a_problem_and_one_whose_policy_is_not_known_yet_is_not_judged() -> None:
    plan = plan_of(good())
    (role,) = [each for each in plan["resource_changes"] if each["type"] == "aws_iam_role"]
    (declared,) = [each for each in plan["configuration"]["root_module"]["resources"] if "role" in each["address"]]
    role["change"]["after"]["inline_policy"] = []
    role["change"]["after_unknown"] |= {"inline_policy": True, "managed_policy_arns": True}
    del declared["expressions"]["inline_policy"]
    assert "role-cannot-pull" in rules_of(check(parse(json.dumps(plan)), region=REGION))[0]
    declared["expressions"]["inline_policy"] = [{"policy": {"references": ["aws_s3_bucket.b.arn", "aws_s3_bucket.b"]}}]
    report = check(parse(json.dumps(plan)), region=REGION)
    assert not report.problems
    assert [each for each in report.unjudged if each.logical_id == "aws_iam_role.role"]


def test_what_waits_through_another_resource_or_a_local_value_is_no_problem() -> None:
    template = good()
    a_target_that_waits_for_nothing(template)
    properties_of(template, "Target")["MaxCapacity"] = 8
    plan = plan_of(template)
    (target,) = [each for each in plan["configuration"]["root_module"]["resources"] if "target" in each["address"]]
    assert "wait-missing" in rules_of(check(parse(json.dumps(plan)), region=REGION))[0]
    target["depends_on"] = ["time_sleep.pause"]
    pause = {"address": "time_sleep.pause", "mode": "managed", "type": "time_sleep", "name": "pause"}
    plan["resource_changes"].append({**pause, "change": {"actions": ["create"], "after": {"create_duration": "30s"}}})
    waits = {"address": "time_sleep.pause", "depends_on": ["awscc_sagemaker_inference_component.llama"]}
    plan["configuration"]["root_module"]["resources"].append(waits)
    assert rules_of(check(parse(json.dumps(plan)), region=REGION)) == (set(), set(), set())
    target["depends_on"], target["expressions"]["resource_id"] = [], {"references": ["local.name"]}
    report = check(parse(json.dumps(plan)), region=REGION)
    assert not report.problems
    (question,) = report.unjudged
    assert question.question == "whether it depends on awscc_sagemaker_inference_component.llama"


def test_resources_of_several_regions_are_refused_and_an_unused_provider_tells_nothing() -> None:
    plan = plan_of(good())
    resources = plan["configuration"]["root_module"]["resources"]
    plan["configuration"]["provider_config"] = {
        "awscc": {"expressions": {}},
        "awscc.far": {"expressions": {"region": {"constant_value": "eu-west-1"}}},
    }
    for entry in resources:
        entry["provider_config_key"] = "awscc"
    assert parse(json.dumps(plan)).region is None  # type: ignore[attr-defined]
    plan["configuration"]["provider_config"]["awscc"]["expressions"] = {"region": {"constant_value": REGION}}
    assert parse(json.dumps(plan)).region == REGION  # type: ignore[attr-defined]
    resources[0]["provider_config_key"] = "awscc.far"
    with pytest.raises(ProofError, match="in several regions, eu-west-1, us-east-1"):
        parse(json.dumps(plan))


def test_the_state_before_a_refresh_only_plan_is_read() -> None:
    before = [{**each, "values": each["change"]["after"]} for each in plan_of(good())["resource_changes"]]
    plan = {"format_version": "1.2", "prior_state": {"values": {"root_module": {"resources": before}}}}
    assert "role-missing" in rules_of(check(parse(json.dumps(plan)), region=REGION))[0]  # its ARN is left out above


def cloud_control(desired_state: str | None) -> dict[str, Any]:
    """The plan of `good()` whose component is made by the Cloud Control API."""
    plan = plan_of(good())
    address = "aws_cloudcontrolapi_resource.llama"
    for entry in (*plan["resource_changes"], *plan["configuration"]["root_module"]["resources"]):
        if "component" in entry["address"]:
            entry["address"] = address
            entry["depends_on"] = ["awscc_sagemaker_endpoint.endpoint", "awscc_sagemaker_model.model"]
            if "change" in entry:
                after = {"type_name": "AWS::SageMaker::InferenceComponent", "desired_state": desired_state}
                entry["change"] = {"actions": ["create"], "after": after, "after_unknown": {"id": True}}
                entry["type"] = "aws_cloudcontrolapi_resource"
    for entry in plan["resource_changes"]:
        if entry["type"] == "awscc_sagemaker_endpoint":
            entry["change"]["after"]["endpoint_name"] = "llm"
    return plan


def test_a_component_of_the_cloud_control_api_is_judged() -> None:
    properties = properties_of(good(), "Llama")
    properties |= {"EndpointName": "llm", "RuntimeConfig": {"CopyCount": 9}}
    properties["Specification"]["ModelName"] = "unknown-here"
    report = check(parse(json.dumps(cloud_control(json.dumps(properties)))), region=REGION)
    (problem,) = [each for each in report.problems if each.rule == "over-committed"]
    assert "9 copies" in problem.what


def test_a_sensitive_component_of_the_cloud_control_api_is_not_judged() -> None:
    plan = cloud_control(json.dumps({**properties_of(good(), "Llama"), "VariantName": "secret-variant"}))
    (entry,) = [each for each in plan["resource_changes"] if "cloudcontrol" in each["type"]]
    entry["change"]["after_sensitive"] = {"desired_state": True}
    report = check(parse(json.dumps(plan)), region=REGION)
    assert "secret-variant" not in json.dumps(report.to_document())
    assert [each for each in report.unjudged if each.why == "its desired_state is marked as sensitive"]


def test_a_component_of_the_cloud_control_api_that_is_not_known_is_not_judged() -> None:
    report = check(parse(json.dumps(cloud_control(None))), region=REGION)
    (question,) = [each for each in report.unjudged if each.logical_id == "aws_cloudcontrolapi_resource.llama"]
    assert question.why == "its desired_state is known after the apply"


def test_a_stack_that_the_plan_deploys_is_not_judged() -> None:
    plan = plan_of(good())
    plan["resource_changes"].append(
        {
            "address": "aws_cloudformation_stack.llm",
            "mode": "managed",
            "type": "aws_cloudformation_stack",
            "name": "llm",
            "change": {"actions": ["create"], "after": {"template_body": "{}"}, "after_unknown": {}},
        }
    )
    (question,) = check(parse(json.dumps(plan)), region=REGION).unjudged
    assert question.logical_id == "aws_cloudformation_stack.llm"


def test_a_model_is_named_by_its_address() -> None:
    template = good()
    container_of(template)["Image"] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"
    template["Resources"]["Role"]["Properties"]["Policies"] = []
    plan = parse(json.dumps(plan_of(template)))
    assert [each for each in check(plan, region=REGION).unjudged if "memory" in each.question]
    with pytest.raises(ProofError, match=r"use one of awscc_sagemaker_model\.model, awscc_"):
        check(plan, region=REGION, models={"awscc_sagemaker_model.other": "gpt2"})


def test_a_state_is_read_with_all_its_values_known() -> None:
    template = good()
    nine_copies(template)
    for logical_id, name in (("Model", "ModelName"), ("Config", "EndpointConfigName"), ("Endpoint", "EndpointName")):
        properties_of(template, logical_id)[name] = logical_id.lower()
    properties_of(template, "Endpoint")["EndpointConfigName"] = "config"
    properties_of(template, "Llama")["EndpointName"] = "endpoint"
    properties_of(template, "Llama")["Specification"]["ModelName"] = "model"
    waits = {"Endpoint": ["Config"], "Llama": ["Endpoint", "Model"]}
    resources = [
        {**change, "values": change["change"]["after"], "depends_on": [_address(name, template) for name in waits[own]]}
        if (own := change["name"].title()) in waits
        else {**change, "values": change["change"]["after"]}
        for change in plan_of(template)["resource_changes"]
    ]
    state = {"format_version": "1.0", "values": {"root_module": {"resources": resources}}}
    report = check(parse(json.dumps(state)), region=REGION)
    over = good()
    nine_copies(over)
    assert {each.rule for each in report.problems} - {"role-missing"} == {
        each.rule for each in check(over, region=REGION).problems
    }


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"format_version":"2.0"}', "Terraform's JSON format '2.0' is not supported, only 0 and 1"),
        ('{"format_version":"1.2","errored":true,"resource_changes":[]}', "the Terraform plan ended with an error"),
        ('{"format_version":"1.2",', "not readable as JSON"),
    ],
)
def test_what_is_no_plan_of_use_is_refused_in_a_sentence(content: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(ProofError, match=re.escape(sentence)):
        check_files([tmp_path / "plan.json"])


def test_a_binary_plan_names_the_command_that_makes_it_readable(tmp_path: Path) -> None:
    (tmp_path / "p.tfplan").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(ProofError, match=r"terraform show -json \S+p\.tfplan > plan\.json"):
        check_files([tmp_path / "p.tfplan"])
