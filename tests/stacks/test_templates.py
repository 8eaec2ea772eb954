"""What holds for every deployment's template."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from replicas import Component, Deployment, plan
from replicas.engines import find_image
from tests.conftest import ROOT
from tests.stacks.conftest import DEPLOYMENTS, Template, only, resources
from tests.synthesis import template_of_plan

ALL = pytest.mark.parametrize("stack", DEPLOYMENTS)


@ALL
def test_variant_names_no_model_and_the_configuration_carries_the_role(
    templates: dict[str, Template], stack: str
) -> None:
    configuration = only(templates[stack], "AWS::SageMaker::EndpointConfig")
    (role,) = resources(templates[stack], "AWS::IAM::Role")

    assert configuration["ExecutionRoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
    assert all("ModelName" not in variant for variant in configuration["ProductionVariants"])


@ALL
def test_nothing_has_a_fixed_name(templates: dict[str, Template], stack: str) -> None:
    named = re.compile(r'"(ModelName|EndpointConfigName|EndpointName|InferenceComponentName|RoleName)": "')

    assert not named.search(json.dumps(templates[stack]["Resources"]))


@ALL
def test_the_role_reaches_its_image_its_logs_and_nothing_else(templates: dict[str, Template], stack: str) -> None:
    role = only(templates[stack], "AWS::IAM::Role")
    (policy,) = role["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    unbounded = [statement for statement in statements if statement["Resource"] == "*"]

    assert "ManagedPolicyArns" not in role
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert [statement["Action"] for statement in unbounded] == ["ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"]
    assert all(":*" not in action for statement in statements for action in statement["Action"])


@ALL
def test_no_token_and_no_literal_secret(templates: dict[str, Template], stack: str) -> None:
    text = json.dumps(templates[stack])

    assert not re.search(r"hf_[A-Za-z0-9]{8,}|HF_TOKEN|AKIA", text)


@ALL
def test_outputs_lead_to_endpoint_components_and_a_first_request(templates: dict[str, Template], stack: str) -> None:
    template = templates[stack]
    outputs = template["Outputs"]
    (endpoint,) = resources(template, "AWS::SageMaker::Endpoint")
    components = resources(template, "AWS::SageMaker::InferenceComponent")
    named = {key: value["Value"] for key, value in outputs.items() if key.startswith("InferenceComponentName")}
    commands = [key for key in outputs if key.startswith(("ChatCommand", "InvokeCommand"))]

    assert outputs["EndpointName"]["Value"] == {"Fn::GetAtt": [endpoint, "EndpointName"]}
    assert outputs["Region"]["Value"] == {"Ref": "AWS::Region"}
    assert list(named.values()) == [
        {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": [component, "InferenceComponentArn"]}]}]}
        for component in components
    ]
    assert len(commands) == len(components)


@ALL
def test_openai_url_is_given_exactly_where_the_engine_accepts_chat(templates: dict[str, Template], stack: str) -> None:
    urls = [key for key in templates[stack]["Outputs"] if key.startswith("OpenAiUrl")]

    chats = not str(DEPLOYMENTS[stack].components[0].engine).startswith("tgi") and stack != "search"
    assert len(urls) == chats * len(DEPLOYMENTS[stack].components)


@ALL
def test_the_chat_command_is_one_that_the_command_line_takes(templates: dict[str, Template], stack: str) -> None:
    for key, output in templates[stack]["Outputs"].items():
        if key.startswith("ChatCommand"):
            parts = output["Value"]["Fn::Join"][1]
            words = shlex.split("".join(part if isinstance(part, str) else "us-west-2" for part in parts))
            assert words[:3] == ["replicas", "chat", stack]
            component = words[words.index("--component") + 1] if "--component" in words else stack
            assert component in {part.name or stack for part in DEPLOYMENTS[stack].components}


def test_an_image_is_found_in_every_region_known(templates: dict[str, Template]) -> None:
    (mapping,) = templates["llama-2-13b"]["Mappings"].values()
    image = find_image("tgi", "1.1.0")

    assert image
    assert {region: entry["account"] for region, entry in mapping.items()} == dict(image.accounts)
    assert len(mapping) == 45


@pytest.mark.slow  # the whole app in a process
def test_the_same_commit_gives_the_same_bytes(assembly: Path, context: dict[str, Any], tmp_path: Path) -> None:
    another_process = {
        **os.environ,
        "PYTHONHASHSEED": "1",
        "CDK_OUTDIR": str(tmp_path),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "AWS_REGION": "eu-central-1",
    }

    subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=another_process, check=True, timeout=120)

    for stack in DEPLOYMENTS:
        template = f"{stack}.template.json"
        assert (tmp_path / template).read_bytes() == (assembly / template).read_bytes()


def _template(context: dict[str, Any], *components: Component) -> Template:
    deployment = Deployment(name="chat", instance_type="ml.p4d.24xlarge", components=components)
    return template_of_plan(plan(deployment), context)


def test_sizes_that_are_declared_by_hand_are_an_output(context: dict[str, Any]) -> None:
    template = partial(_template, context)
    assert "DeclaredSizes" not in template(Component(model="llama-2-13b", copies=4))["Outputs"]
    declared = Component(model="some/new-model", weights_gib=20.5, kv_bytes_per_token=80_000, copies=2)
    assert template(declared)["Outputs"]["DeclaredSizes"]["Value"] == "weights_gib=20.5 and kv_bytes_per_token=80000"


def test_a_component_that_is_joined_by_others_keeps_its_outputs_and_its_resources(context: dict[str, Any]) -> None:
    template = partial(_template, context)
    alone = template(Component(model="llama-2-13b", copies=4))
    joined = template(
        Component(name="chat", model="llama-2-13b", copies=4), Component(name="code", model="starcoder2-7b", copies=4)
    )

    assert alone["Outputs"].items() <= joined["Outputs"].items()
    assert set(alone["Resources"]) <= set(joined["Resources"])
