"""Role, container and endpoint: what a plan's settings become, and what a change of them replaces."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from replicas import Component, Deployment, Monitoring, PrefixAwareRouting, Security, plan
from replicas_cdk import MultiReplicaEndpoint, ServingContainer
from tests.constructs.conftest import Refuses, Synthesise
from tests.synthesis import template_of

WEIGHTS = "s3://models/llama-2-13b/"


def ids(template: dict[str, Any], kind: str) -> set[str]:
    return {key for key, resource in template["Resources"].items() if resource["Type"] == f"AWS::SageMaker::{kind}"}


# What a user can change, and what must not become another resource by it.
CHANGES = {
    "copies": {"component": {"copies": 4}},
    "accelerators": {"component": {"tensor_parallel": 2}},
    "claims": {"component": {"cpus": 2, "memory_mib": 1024}},
    "token limits": {"component": {"max_total_tokens": 2048}},
    "image": {"component": {"engine": "tgi-1.4.0"}},
    "model": {"component": {"model": "llama-2-7b"}},
    "weights": {"component": {"weights": WEIGHTS}},
    "environment": {"component": {"environment": {"LOG_LEVEL": "debug"}}},
    "start-up timeout": {"component": {"startup_timeout_seconds": 600}},
    "instance type": {"instance_type": "ml.p4de.24xlarge"},
    "instances": {"instances": 2},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_change_of_a_deployed_endpoint_keeps_every_logical_id(synthesise: Synthesise, change: dict[str, Any]) -> None:
    before, after = synthesise(), synthesise(**change)

    assert after != before
    assert list(after["Resources"]) == list(before["Resources"])


def test_another_endpoint_name_is_another_component_too(synthesise: Synthesise) -> None:
    before, after = synthesise(endpoint_name="blue"), synthesise(endpoint_name="green")

    assert ids(before, "Endpoint") == ids(after, "Endpoint")
    assert ids(before, "InferenceComponent").isdisjoint(ids(after, "InferenceComponent"))


def test_the_same_stack_in_a_stage_has_the_same_logical_ids(context: dict[str, Any]) -> None:
    def template(stage: bool) -> dict[str, Any]:
        app = cdk.App(context=context)
        stack = cdk.Stack(cdk.Stage(app, "Prod") if stage else app, "stack", stack_name="stack")
        endpoint_of(stack)
        assembly = app.synth().get_nested_assembly("assembly-Prod") if stage else app.synth()
        found: dict[str, Any] = json.loads(json.dumps(assembly.get_stack_by_name("stack").template))
        return found

    assert list(template(stage=True)["Resources"]) == list(template(stage=False)["Resources"])


@pytest.mark.parametrize("names", [("Endpoint", "Configuration"), ("ExecutionRole", "a"), ("a", "a-model")])
def test_a_component_may_have_any_name(stack: cdk.Stack, names: tuple[str, str]) -> None:
    components = [Component(name=name, model="llama-2-7b", copies=1, tensor_parallel=1) for name in names]
    deployment = Deployment(name="test", instance_type="ml.p4d.24xlarge", components=components)

    MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment))

    assert len(ids(template_of(stack), "InferenceComponent")) == 2


def test_weights_in_s3_are_mounted_uncompressed_and_readable(synthesise: Synthesise) -> None:
    template = Template.from_json(synthesise(component={"weights": WEIGHTS}, network_isolation=True))

    template.has_resource_properties(
        "AWS::SageMaker::Model",
        {
            "EnableNetworkIsolation": True,
            "PrimaryContainer": {
                "Environment": Match.object_like({"HF_MODEL_ID": "/opt/ml/model"}),
                "ModelDataSource": {
                    "S3DataSource": {"S3Uri": WEIGHTS, "S3DataType": "S3Prefix", "CompressionType": "None"}
                },
            },
        },
    )
    template.has_resource_properties("AWS::SageMaker::EndpointConfig", {"EnableNetworkIsolation": True})
    text = json.dumps(template.to_json())
    assert ":s3:::models/llama-2-13b/*" in text
    assert '"s3:prefix": ["llama-2-13b/*"]' in text


def test_a_key_of_the_weights_may_decrypt_through_s3_alone(synthesise: Synthesise) -> None:
    key = "arn:aws:kms:us-west-2:123456789012:key/0123"
    (role,) = [
        resource["Properties"]
        for resource in synthesise(component={"weights": WEIGHTS}, security=Security(weights_kms_key=key))[
            "Resources"
        ].values()
        if resource["Type"] == "AWS::IAM::Role"
    ]
    (statement,) = [
        statement
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]
        if statement["Action"] == "kms:Decrypt"
    ]

    assert statement["Resource"] == key
    assert "kms:ViaService" in statement["Condition"]["StringEquals"]


def test_weights_in_s3_have_a_download_timeout(synthesise: Synthesise) -> None:
    component = {"weights": WEIGHTS, "startup_timeout_seconds": 900}

    Template.from_json(synthesise(component=component)).has_resource_properties(
        "AWS::SageMaker::InferenceComponent",
        {
            "Specification": Match.object_like(
                {
                    "StartupParameters": {
                        "ContainerStartupHealthCheckTimeoutInSeconds": 900,
                        "ModelDataDownloadTimeoutInSeconds": 900,
                    }
                }
            )
        },
    )


def test_a_token_enters_the_template_as_a_reference_only(synthesise: Synthesise) -> None:
    component = {"model": "meta-llama/Llama-2-13b-chat-hf", "token_secret": "hf-token"}

    (model,) = [
        r for r in synthesise(component=component)["Resources"].values() if r["Type"] == "AWS::SageMaker::Model"
    ]

    environment = model["Properties"]["PrimaryContainer"]["Environment"]
    reference = "{{resolve:secretsmanager:hf-token:SecretString:::}}"
    assert environment["HF_TOKEN"] == environment["HUGGING_FACE_HUB_TOKEN"] == reference


def test_a_pinned_revision_reaches_the_container(synthesise: Synthesise) -> None:
    text = json.dumps(synthesise(component={"revision": "a-tag-of-the-repository"}))

    assert '"HF_MODEL_REVISION": "a-tag-of-the-repository"' in text


def test_a_concrete_region_needs_no_mapping(synthesise: Synthesise) -> None:
    template = synthesise(region="us-east-1")

    assert "Mappings" not in template
    assert "763104351884.dkr.ecr." in json.dumps(template)


def test_a_newer_image_names_the_driver_it_needs(synthesise: Synthesise) -> None:
    template = Template.from_json(synthesise(component={"engine": "vllm"}))

    variant = Match.object_like({"InferenceAmiVersion": "al2023-ami-sagemaker-inference-gpu-4-1"})
    template.has_resource_properties("AWS::SageMaker::EndpointConfig", {"ProductionVariants": [variant]})


def endpoint_of(stack: cdk.Stack, **options: Any) -> MultiReplicaEndpoint:
    components = [Component(name=name, model="llama-2-7b", copies=1, tensor_parallel=1) for name in ("one", "two")]
    deployment = Deployment(name="test", instance_type="ml.p4d.24xlarge", components=components)
    return MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment), **options)


@pytest.mark.parametrize(
    ("grant", "actions"),
    [
        ("grant_invoke", {"sagemaker:InvokeEndpoint"}),
        ("grant_invoke_with_response_stream", {"sagemaker:InvokeEndpointWithResponseStream"}),
        (
            "grant_chat",
            {
                "sagemaker:InvokeEndpoint",
                "sagemaker:InvokeEndpointWithResponseStream",
                "sagemaker:CallWithBearerToken",
            },
        ),
    ],
)
def test_grants_cover_the_endpoint_and_each_component(stack: cdk.Stack, grant: str, actions: set[str]) -> None:
    endpoint = endpoint_of(stack)

    getattr(endpoint, grant)(iam.User(stack, "Caller"))

    (policy,) = [r for r in template_of(stack)["Resources"].values() if r["Type"] == "AWS::IAM::Policy"]
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    granted = [s["Action"] if isinstance(s["Action"], list) else [s["Action"]] for s in statements]
    assert {action for action_list in granted for action in action_list} == actions
    assert len(statements[-1]["Resource"]) == 3


def test_a_role_of_ones_own_is_used_as_it_is(stack: cdk.Stack) -> None:
    arn = "arn:aws:iam::123456789012:role/serving"

    endpoint_of(stack, role=iam.Role.from_role_arn(stack, "Role", arn))

    template = Template.from_stack(stack)
    template.resource_count_is("AWS::IAM::Role", 0)
    template.has_resource_properties("AWS::SageMaker::EndpointConfig", {"ExecutionRoleArn": arn})


def test_a_role_that_exists_is_named_and_no_role_is_made(synthesise: Synthesise) -> None:
    role = "arn:aws:iam::123456789012:role/service/serving"

    resources = synthesise(security=Security(execution_role=role))["Resources"].values()

    assert not [resource for resource in resources if resource["Type"].startswith("AWS::IAM::")]
    roles = [
        resource["Properties"]["ExecutionRoleArn"]
        for resource in resources
        if resource["Type"] in ("AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig")
    ]
    assert roles == [role, role]


def test_a_variant_of_another_name_is_that_of_configuration_component_and_dashboard(synthesise: Synthesise) -> None:
    template = synthesise(variant_name="main", monitoring=Monitoring(dashboard=True))

    (configuration,) = (template["Resources"][key] for key in ids(template, "EndpointConfig"))
    (component,) = (template["Resources"][key] for key in ids(template, "InferenceComponent"))
    assert configuration["Properties"]["ProductionVariants"][0]["VariantName"] == "main"
    assert component["Properties"]["VariantName"] == "main"
    assert "AllTraffic" not in json.dumps(template)


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        ("random", {"RoutingStrategy": "RANDOM"}),
        ("least-outstanding-requests", {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}),
        (
            PrefixAwareRouting(prefix_length=2048, concurrency_threshold=8),
            {
                "RoutingStrategy": "PREFIX_AWARE",
                "PrefixAwareRoutingConfig": {"PrefixLength": 2048, "ConcurrencyThreshold": 8},
            },
        ),
    ],
    ids=["random", "least", "prefix-aware"],
)
def test_routing_is_that_of_the_variant(synthesise: Synthesise, routing: Any, expected: dict[str, Any]) -> None:
    resources = synthesise(routing=routing)["Resources"].values()

    (config,) = [found for found in resources if found["Type"] == "AWS::SageMaker::EndpointConfig"]
    (variant,) = config["Properties"]["ProductionVariants"]
    assert variant["RoutingConfig"] == expected


def test_a_plan_that_was_only_sized_has_no_container(stack: cdk.Stack, refuses: Refuses) -> None:
    sized = plan(
        Deployment(
            name="test",
            instance_type="ml.p4de.24xlarge",
            components=[Component(model="llama-2-7b", engine="vllm-0.6.3")],
        ),
        to_deploy=False,
    )

    with refuses(r"vllm-0\.6\.3 has no container image"):
        ServingContainer(stack, sized.components[0])
