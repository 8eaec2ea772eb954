"""The proof at synth: what an escape hatch or an L1 breaks fails like everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sagemaker as sagemaker

from replicas import Component, Deployment, plan
from replicas.installation import __version__
from replicas.rules import RULES
from replicas_cdk import MultiReplicaEndpoint, TemplateProof

Violation = dict[str, Any]


@pytest.fixture
def app(context: dict[str, Any], tmp_path: Path) -> cdk.App:
    app = cdk.App(context=context, outdir=str(tmp_path))
    cdk.Validations.of(app).add_plugins(TemplateProof())
    return app


def endpoint(app: cdk.App, **component: Any) -> MultiReplicaEndpoint:
    """Llama 2 13B, eight copies on a p4d, as `plan` lets it pass."""
    wish = {"model": "llama-2-13b", "engine": "tgi-1.1.0", "copies": 8, **component}
    deployment = Deployment(
        name="test", instance_type="ml.p4d.24xlarge", components=[Component(**{"tensor_parallel": 1, **wish})]
    )
    return MultiReplicaEndpoint(cdk.Stack(app, "stack"), "Endpoint", plan=plan(deployment))


def violations(app: cdk.App, folder: Path) -> list[Violation]:
    """What the plugin reports of a synth that fails."""
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    return reported(folder)


def reported(folder: Path) -> list[Violation]:
    """What the plugin reports in the folder of an app."""
    report = json.loads((folder / "validation-report.json").read_text())
    (ours,) = [entry for entry in report["pluginReports"] if entry["pluginName"] == "replicas-proof"]
    found: list[Violation] = ours["violations"]
    return found


def l1(endpoint: MultiReplicaEndpoint, kind: type) -> Any:
    """The one L1 of a class below an endpoint."""
    (found,) = [child for child in endpoint.node.find_all() if isinstance(child, kind)]
    return found


def test_a_sound_app_passes(app: cdk.App) -> None:
    endpoint(app)

    app.synth()


def test_the_report_names_the_version_of_the_rules(app: cdk.App, tmp_path: Path) -> None:
    l1(endpoint(app), sagemaker.CfnInferenceComponent).add_property_override("RuntimeConfig.CopyCount", 9)

    violations(app, tmp_path)

    report = json.loads((tmp_path / "validation-report.json").read_text())
    assert [entry["pluginVersion"] for entry in report["pluginReports"]] == [__version__]


def test_an_escape_hatch_that_over_commits_fails_with_the_fix(app: cdk.App, tmp_path: Path) -> None:
    component = l1(endpoint(app), sagemaker.CfnInferenceComponent)
    component.add_property_override("RuntimeConfig.CopyCount", 9)

    (violation,) = violations(app, tmp_path)

    assert violation["ruleName"] == "over-committed"
    assert "9 accelerators" in violation["description"]
    assert "CopyCount=8" in violation["suggestedFix"]


def test_an_escape_hatch_that_unties_the_degree_fails(app: cdk.App, tmp_path: Path) -> None:
    model = l1(endpoint(app, engine="vllm", copies=4, tensor_parallel=2), sagemaker.CfnModel)
    model.add_property_override("PrimaryContainer.Environment.SM_VLLM_TENSOR_PARALLEL_SIZE", "1")

    (violation,) = violations(app, tmp_path)

    assert violation["ruleName"] == "tensor-parallel-mismatch"


def test_a_dropped_driver_fails(app: cdk.App, tmp_path: Path) -> None:
    configuration = l1(endpoint(app, engine="vllm"), sagemaker.CfnEndpointConfig)
    configuration.add_property_deletion_override("ProductionVariants.0.InferenceAmiVersion")

    (violation,) = violations(app, tmp_path)

    assert violation["ruleName"] == "ami-too-old"


def test_l1s_are_judged_too(app: cdk.App, tmp_path: Path) -> None:
    stack = cdk.Stack(app, "stack")
    variant = {"variantName": "AllTraffic", "instanceType": "ml.g5.xlarge", "initialInstanceCount": 1}
    configuration = sagemaker.CfnEndpointConfig(stack, "Config", production_variants=[variant])
    served = sagemaker.CfnEndpoint(stack, "Endpoint", endpoint_config_name=configuration.attr_endpoint_config_name)
    sagemaker.CfnInferenceComponent(
        stack,
        "Component",
        endpoint_name=served.attr_endpoint_name,
        variant_name="AllTraffic",
        runtime_config={"copyCount": 2},
        specification={
            "modelName": "somewhere-else",
            "computeResourceRequirements": {"numberOfAcceleratorDevicesRequired": 1, "minMemoryRequiredInMb": 512},
        },
    )

    found = {violation["ruleName"] for violation in violations(app, tmp_path)}

    assert found == {"over-committed", "role-missing", "not-judged"}, "the container has no model: no memory"


def report_of(folder: Path) -> list[Violation]:
    """What the plugin reports of a synth that succeeds."""
    report = json.loads((folder / "validation-report.json").read_text())
    (ours,) = [entry for entry in report["pluginReports"] if entry["pluginName"] == "replicas-proof"]
    found: list[Violation] = ours["violations"]
    return found


def test_what_is_not_judged_is_a_warning_and_the_synth_succeeds(app: cdk.App, tmp_path: Path) -> None:
    component = l1(endpoint(app), sagemaker.CfnInferenceComponent)
    copies = cdk.CfnParameter(cdk.Stack.of(component), "Copies", type="Number")
    component.add_property_override("RuntimeConfig.CopyCount", {"Ref": copies.logical_id})

    app.synth()

    (violation,) = [entry for entry in report_of(tmp_path) if entry["ruleName"] == "not-judged"]
    assert violation["severity"] == "warning"
    assert "CopyCount is not known: parameter Copies has no default" in violation["description"]
    assert "--parameter Copies=VALUE" in violation["suggestedFix"]


def test_what_no_option_of_check_makes_known_is_to_be_known_at_synth(app: cdk.App, tmp_path: Path) -> None:
    component = l1(endpoint(app), sagemaker.CfnInferenceComponent)
    component.add_property_override("RuntimeConfig.CopyCount", cdk.Fn.import_value("Copies"))

    app.synth()

    (violation,) = [entry for entry in report_of(tmp_path) if entry["ruleName"] == "not-judged"]
    assert "CopyCount" in violation["description"]
    assert violation["suggestedFix"] == "use a value that is known at synth, or check by hand"


def test_every_rule_that_a_report_may_name_is_announced() -> None:
    assert TemplateProof().rule_ids == [*RULES, "not-judged"]


def test_the_region_of_a_stack_is_judged_also_below_a_stage(app: cdk.App, tmp_path: Path) -> None:
    """`eu-west-3` has no resource type AWS::SageMaker::InferenceComponent in the schemas of the CDK either."""
    stage = cdk.Stage(app, "Stage", env=cdk.Environment(account="123456789012", region="eu-west-3"))
    specification = {"modelName": "somewhere-else", "computeResourceRequirements": {"minMemoryRequiredInMb": 512}}
    sagemaker.CfnInferenceComponent(
        cdk.Stack(stage, "stack"), "Component", endpoint_name="mine", specification=specification
    )

    assert "region-without-components" in {violation["ruleName"] for violation in violations(app, tmp_path)}


def test_a_stack_that_can_never_be_deployed_is_a_warning_and_stops_no_other(app: cdk.App, tmp_path: Path) -> None:
    refused = cdk.Stack(app, "refused")
    cdk.CfnWaitConditionHandle(refused, "Handle")
    never = cdk.CfnRuleAssertion(assert_=cdk.Fn.condition_equals("a", "b"), assert_description="never")
    cdk.CfnRule(refused, "Never", assertions=[never])

    app.synth()

    assert {(found["ruleName"], found["severity"]) for found in reported(tmp_path)} == {("template-refused", "warning")}
