"""The example with every option: judged from outside, and wired as it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk.assertions import Match
from aws_cdk.assertions import Template as Assertions

from replicas import plan
from replicas.deployment.file import load_catalogue
from replicas.planning.costs import additions
from replicas.rules import check
from tests.conftest import ROOT
from tests.stacks.conftest import Template, resources
from tests.stacks.linting import findings_of_cfn_lint

EXAMPLE = ROOT / "docs" / "examples" / "production.py"
COMPONENT = "AWS::SageMaker::InferenceComponent"


@pytest.fixture(scope="module")
def template(production_assembly: Path) -> Template:
    found: Template = json.loads((production_assembly / "production.template.json").read_text())
    return found


def test_cfn_lint_and_the_proof_find_nothing(template: Template) -> None:
    assert findings_of_cfn_lint(template) == []
    assert check(template).problems == ()


def test_the_memory_of_weights_in_s3_is_judged(template: Template) -> None:
    questions = [question for question in check(template).unjudged if question.question == "memory"]
    assert questions == []


def test_alarms_of_a_roll_know_the_component_before_it_is_there(template: Template) -> None:
    """No circle: the alarms watch a literal name, and the component refers to the alarms."""
    (chat,) = [component for component in resources(template, COMPONENT).values() if component.get("DeploymentConfig")]
    names = [alarm["AlarmName"]["Ref"] for alarm in chat["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]]
    alarms = resources(template, "AWS::CloudWatch::Alarm")

    assert len(names) == 4
    for name in names:
        assert alarms[name]["Dimensions"] == [
            {"Name": "InferenceComponentName", "Value": chat["InferenceComponentName"]}
        ]
        assert alarms[name]["AlarmActions"] == ["arn:aws:sns:us-west-2:123456789012:on-call"]


def test_log_groups_are_there_before_their_components_and_expire(template: Template) -> None:
    groups = {group["LogGroupName"]: key for key, group in resources(template, "AWS::Logs::LogGroup").items()}
    bases = {
        key: component for key, component in resources(template, COMPONENT).items() if "RuntimeConfig" in component
    }

    assert len(bases) == len(groups) == 2
    for key, component in bases.items():
        group = groups[f"/aws/sagemaker/InferenceComponents/{component['InferenceComponentName']}"]
        assert template["Resources"][key]["DependsOn"] == [group]
    assert {group["RetentionInDays"] for group in resources(template, "AWS::Logs::LogGroup").values()} == {30}


def test_one_request_wakes_what_went_to_zero(template: Template) -> None:
    found = Assertions.from_json(template)
    found.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "MetricName": "NoCapacityInvocationFailures",
            "Threshold": 1,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "AlarmActions": [{"Ref": Match.string_like_regexp("Wake")}],
        },
    )
    found.has_resource_properties("AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": 0, "MaxCapacity": 2})
    found.has_resource_properties(
        "AWS::SageMaker::EndpointConfig",
        {
            "ProductionVariants": [
                Match.object_like(
                    {"ManagedInstanceScaling": Match.object_like({"MinInstanceCount": 0, "MaxInstanceCount": 2})}
                )
            ]
        },
    )


def test_the_floor_of_the_scaling_is_the_copies_that_a_deployment_sets(template: Template) -> None:
    """CloudFormation may push its CopyCount at any update: it must never cut below the floor."""
    components = resources(template, COMPONENT)
    for target in resources(template, "AWS::ApplicationAutoScaling::ScalableTarget").values():
        named = json.dumps(target["ResourceId"])
        (component,) = [found for key, found in components.items() if f'"{key}"' in named]
        assert component["RuntimeConfig"]["CopyCount"] == max(1, target["MinCapacity"])


def test_pools_have_a_specification_and_a_model_for_each_type(template: Template) -> None:
    (config,) = resources(template, "AWS::SageMaker::EndpointConfig").values()
    (variant,) = config["ProductionVariants"]
    types = [pool["InstanceType"] for pool in sorted(variant["InstancePools"], key=lambda pool: pool["Priority"])]

    assert types == ["ml.g6e.12xlarge", "ml.g6e.24xlarge"]
    assert "InstanceType" not in variant
    for component in resources(template, COMPONENT).values():
        if "RuntimeConfig" in component:
            assert [found["InstanceType"] for found in component["Specifications"]] == types
            models = {json.dumps(found["ModelName"]) for found in component["Specifications"]}
            assert len(models) == len(types)


def test_tags_are_on_everything_that_takes_them(template: Template) -> None:
    for key, resource in template["Resources"].items():
        if resource["Type"] in ("AWS::ApplicationAutoScaling::ScalingPolicy", "AWS::CloudWatch::Dashboard"):
            continue
        tags = resource["Properties"].get("Tags", [])
        pairs = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
        assert pairs == {"team": "assistants", "stage": "production"}, key


def test_the_dashboard_names_every_component_and_shows_latency_in_milliseconds(template: Template) -> None:
    (dashboard,) = resources(template, "AWS::CloudWatch::Dashboard").values()
    text = json.dumps(dashboard["DashboardBody"])

    assert "m0/1000" in text
    for key in resources(template, COMPONENT):
        if "Adapter" not in key:
            assert f'"{key}"' in text


def test_the_example_needs_nothing_that_a_folder_of_its_own_does_not_have(tmp_path: Path) -> None:
    copied = tmp_path / "deployments.py"
    copied.write_text(EXAMPLE.read_text())

    assert [deployment.name for deployment in load_catalogue(copied)] == ["production"]


def test_the_plan_counts_what_the_template_bills_by_the_month(template: Template) -> None:
    """The constructs make as many alarms and dashboards as the plan prices; SageMaker's own are not in the template."""
    (deployment,) = load_catalogue(EXAMPLE)
    priced = {each.what: each.usd_per_month for each in additions(plan(deployment)) if each.option != "scaling"}
    alarms = sum(usd or 0 for what, usd in priced.items() if "alarm" in what)

    assert alarms == pytest.approx(0.10 * len(resources(template, "AWS::CloudWatch::Alarm")))
    assert priced["1 dashboard"] == pytest.approx(3.00 * len(resources(template, "AWS::CloudWatch::Dashboard")))
