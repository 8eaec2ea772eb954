"""Adapters that are added to a component after its plan: rights, flags of the engine and proof, or a refusal."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from replicas import Adapter, Component, Deployment, plan
from replicas.rules import check
from replicas_cdk import InferenceComponent, InferenceComponentAdapter, MultiReplicaEndpoint, S3Location
from tests.constructs.conftest import Refuses
from tests.synthesis import Template, template_of

PATH = "Test/stack/Endpoint/Component-chat"
PLANNED = [
    Adapter(name="sql", weights="s3://models/sql/", rank=16),
    Adapter(name="law", weights="s3://models/law/", rank=8),
]


def component(stack: cdk.Stack, planned: list[Adapter] = PLANNED, role: iam.IRole | None = None) -> InferenceComponent:
    chat = Component(name="chat", model="Qwen/Qwen3-8B", copies=2, tensor_parallel=1, adapters=planned)
    deployment = Deployment(name="e", instance_type="ml.g6e.12xlarge", components=[chat])
    return MultiReplicaEndpoint(stack, "Endpoint", plan=plan(deployment), role=role).components["chat"]


def adapters(template: Template) -> list[Template]:
    """Specifications of the adapters of a template."""
    return [
        body["Properties"]["Specification"]
        for body in template["Resources"].values()
        if body["Type"] == "AWS::SageMaker::InferenceComponent" and "RuntimeConfig" not in body["Properties"]
    ]


def urls(template: Template) -> list[Any]:
    return [specification["Container"]["ArtifactUrl"] for specification in adapters(template)]


def warnings(stack: cdk.Stack) -> list[str]:
    found = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
    return [str(message.entry.data) for message in found]


def test_an_adapter_runs_on_the_copies_of_its_base(stack: cdk.Stack) -> None:
    base = component(stack, PLANNED[:1])

    adapter = base.adapters["sql"]

    template = template_of(stack)
    (key,) = [key for key, body in template["Resources"].items() if "RuntimeConfig" in body.get("Properties", {})]
    name = {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": [key, "InferenceComponentArn"]}]}]}
    assert adapters(template) == [
        {"BaseInferenceComponentName": name, "Container": {"ArtifactUrl": "s3://models/sql/"}}
    ]
    assert adapter.invocation_arns == [adapter.inference_component_arn, base.invocation_arns[1]]


def test_an_adapter_stands_anywhere_in_the_stack_of_its_base(stack: cdk.Stack) -> None:
    base = component(stack, PLANNED[:1])

    adapter = InferenceComponentAdapter(stack, "Law", base=base, artifact_url="s3://models/law/")

    (of_plan, law) = adapters(template_of(stack))
    assert law["BaseInferenceComponentName"] == of_plan["BaseInferenceComponentName"]
    assert adapter.invocation_arns[1] == base.invocation_arns[1]


def test_one_that_the_engine_was_prepared_for_is_added_with_its_proof(stack: cdk.Stack) -> None:
    """16 is the largest rank of the plan: the engine was given 16, and two slots."""
    bucket = s3.Bucket(stack, "Weights")
    base = component(stack, PLANNED)

    base.add_adapter("fin", artifact_url=bucket.s3_url_for_object("fin/"), rank=16)

    template = template_of(stack)
    (model,) = [body for body in template["Resources"].values() if body["Type"] == "AWS::SageMaker::Model"]
    environment = model["Properties"]["PrimaryContainer"]["Environment"]
    assert environment["SM_VLLM_ENABLE_LORA"] == "true"
    assert (environment["SM_VLLM_MAX_LORA_RANK"], environment["SM_VLLM_MAX_LORAS"]) == ("16", "2")
    assert len(adapters(template)) == 3
    assert check(template).problems == ()
    (warning,) = warnings(stack)
    assert warning.startswith("chat has 3 adapters but slots for only 2: requests for an adapter without a slot ")
    assert warning.endswith(" [ack: replicas:adapterSlots]")


@pytest.mark.parametrize(
    ("planned", "name", "rank", "fault"),
    [
        (
            [],
            "fin",
            16,
            "the plan has no adapters, so vllm-0.30.0 refuses every adapter: add Adapter(name='fin', rank=16, ...) to "
            "adapters= of Component(name='chat') in the Deployment",
        ),
        (
            PLANNED,
            "fin",
            None,
            "rank= is missing, and vllm-0.30.0 accepts adapters up to rank 16: set rank=<r of its adapter_config.json>",
        ),
        (
            PLANNED,
            "fin",
            17,
            "rank=17: vllm-0.30.0 accepts adapters up to rank 16: add "
            "Adapter(name='fin', rank=17, ...) to adapters= of "
            "Component(name='chat') in the Deployment",
        ),
        (
            PLANNED,
            "fin",
            0,
            "rank=0: vllm-0.30.0 accepts adapters up to rank 16: add Adapter(name='fin', rank=0, ...) to adapters= of "
            "Component(name='chat') in the Deployment",
        ),
        (PLANNED, "sql", 16, "an adapter 'sql' exists already: choose another name"),
    ],
    ids=["no adapters", "no rank", "a larger rank", "no rank at all", "a name that is taken"],
)
def test_one_that_the_engine_was_not_prepared_for_is_refused(
    stack: cdk.Stack, planned: list[Adapter], name: str, rank: int | None, fault: str, refuses: Refuses
) -> None:
    with refuses() as refused:
        component(stack, planned).add_adapter(name, artifact_url="s3://models/fin/", rank=rank)

    assert str(refused.value) == f"{PATH}: {fault}"


def test_the_engine_may_be_given_more_than_the_plan_asked_for(stack: cdk.Stack) -> None:
    """vLLM 0.30.0 takes ranks of 1, 8, 16, 32 and so on (`--max-lora-rank`): for 9 it is given 16."""
    base = component(stack, [Adapter(name="sql", weights="s3://models/sql/", rank=9)])

    base.add_adapter("fin", artifact_url="s3://models/fin/", rank=16)

    assert list(base.adapters) == ["sql", "fin"]


@pytest.mark.parametrize("url", ["models/fin/", "s3://models/fin", "s3://models/fin.zip"])
def test_a_url_that_names_no_files_is_refused(stack: cdk.Stack, url: str, refuses: Refuses) -> None:
    with refuses(rf"^{PATH}/Adapter-fin: artifact_url='{url}': pass s3://bucket/prefix/, "):
        component(stack).add_adapter("fin", artifact_url=url, rank=8)


def test_a_prefix_of_a_bucket_of_the_app_needs_its_slash(stack: cdk.Stack, refuses: Refuses) -> None:
    bucket = s3.Bucket(stack, "Weights")

    with refuses(rf"^{PATH}/Adapter-fin: artifact_url="):
        component(stack).add_adapter("fin", artifact_url=bucket.s3_url_for_object("fin"), rank=8)


@pytest.mark.parametrize("url", ["s3://models/fin.tar.gz", "s3://models/fin/"])
def test_an_archive_or_a_prefix_is_taken(stack: cdk.Stack, url: str) -> None:
    component(stack, PLANNED[:1]).add_adapter("fin", artifact_url=url, rank=8)

    assert url in urls(template_of(stack))


def test_a_url_that_is_a_parameter_is_taken(stack: cdk.Stack) -> None:
    url = cdk.CfnParameter(stack, "Url").value_as_string

    component(stack, PLANNED[:1]).add_adapter("fin", artifact_url=url, rank=8)

    assert urls(template_of(stack)) == ["s3://models/sql/", {"Ref": "Url"}]
    (unread,) = [text for text in warnings(stack) if "replicas:adapterUnread" in text]
    assert unread.startswith(f"{PATH}/Adapter-fin: no right to read the adapter was granted, because its URL is a CDK ")


def test_a_role_of_the_app_may_read_what_is_added(stack: cdk.Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))

    component(stack, PLANNED[:1], role).add_adapter(
        "fin", artifact_url="s3://models/fin/", artifact_account="210987654321", rank=8
    )

    (policy,) = [b for b in template_of(stack)["Resources"].values() if b["Type"] == "AWS::IAM::Policy"]
    statements: list[dict[str, Any]] = policy["Properties"]["PolicyDocument"]["Statement"]
    owner = {"aws:ResourceAccount": "210987654321"}
    assert statements == [
        {
            "Action": "s3:GetObject",
            "Condition": {"StringEquals": owner},
            "Effect": "Allow",
            "Resource": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::models/fin/*"]]},
        },
        {
            "Action": "s3:ListBucket",
            "Condition": {"StringEquals": owner, "StringLike": {"s3:prefix": ["fin/*"]}},
            "Effect": "Allow",
            "Resource": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::models"]]},
        },
    ]


def bucket_with_key(stack: cdk.Stack) -> tuple[s3.Bucket, Any]:
    key = kms.Key(stack, "Key")
    return s3.Bucket(stack, "Weights", encryption_key=key), stack.resolve(key.key_arn)


def actions_on(statements: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
    return [(statement["Action"], statement["Resource"]) for statement in statements]


def test_the_role_reads_and_decrypts_what_is_in_a_bucket_of_the_app(stack: cdk.Stack) -> None:
    bucket, key = bucket_with_key(stack)

    component(stack, PLANNED[:1]).add_adapter("fin", location=S3Location(bucket, "fin/"), rank=8)

    template = template_of(stack)
    (role,) = [b["Properties"] for b in template["Resources"].values() if b["Type"] == "AWS::IAM::Role"]
    (policy,) = role["Policies"]
    name = stack.resolve(bucket.bucket_name)
    (decrypt,) = [s for s in policy["PolicyDocument"]["Statement"] if s["Action"] == "kms:Decrypt"]
    assert decrypt["Resource"] == key
    assert list(decrypt["Condition"]["StringEquals"]) == ["kms:ViaService"]
    granted = actions_on(policy["PolicyDocument"]["Statement"])
    (read,) = [resources for action, resources in granted if action == "s3:GetObject"]
    assert {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", name, "/fin/*"]]} in read
    assert urls(template)[1] == {"Fn::Join": ["", ["s3://", name, "/fin/"]]}


def test_a_role_of_the_app_decrypts_with_the_key_of_the_bucket(stack: cdk.Stack) -> None:
    bucket, key = bucket_with_key(stack)
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))

    component(stack, PLANNED[:1], role).add_adapter("fin", location=S3Location(bucket, "fin.tar.gz"), rank=8)

    (policy,) = [b for b in template_of(stack)["Resources"].values() if b["Type"] == "AWS::IAM::Policy"]
    granted = actions_on(policy["Properties"]["PolicyDocument"]["Statement"])
    assert [action for action, _ in granted] == ["s3:GetObject", "s3:ListBucket", "kms:Decrypt"]
    assert granted[2] == ("kms:Decrypt", key)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"name": ""}, "name='': pass a literal string that is not empty"),
        ({"name": "${Token[TOKEN.1]}"}, "name='${Token[TOKEN.1]}': a CDK token cannot be an id: pass a literal string"),
        ({"rank": "8"}, "rank='8': pass a whole number, at least 1"),
        ({"rank": 8.5}, "rank=8.5: pass a whole number, at least 1"),
        ({"artifact_account": "12"}, "artifact_account='12': use an account of twelve digits"),
    ],
)
def test_an_adapter_of_values_of_another_kind_is_refused(
    stack: cdk.Stack, arguments: dict[str, Any], fault: str, refuses: Refuses
) -> None:
    given = {"name": "fin", "artifact_url": "s3://models/fin/", "rank": 8, **arguments}

    with refuses() as refused:
        component(stack, PLANNED[:1]).add_adapter(given.pop("name"), **given)

    assert str(refused.value).startswith(f"{PATH}: {fault}")


@pytest.mark.parametrize(
    ("location", "fault"),
    [
        (lambda bucket: {}, "pass one of artifact_url= and location=: neither was given"),
        (
            lambda bucket: {"artifact_url": "s3://models/fin/", "location": S3Location(bucket, "fin/")},
            "pass one of artifact_url= and location=: both were given",
        ),
        (
            lambda bucket: {"location": S3Location(bucket, "fin")},
            "location: prefix='fin' of the bucket Test/stack/Weights: end the prefix with a slash, 'model/', or "
            "name a .tar.gz archive",
        ),
    ],
    ids=["neither", "both", "no slash"],
)
def test_a_location_that_names_no_files_is_refused(
    stack: cdk.Stack, location: Any, fault: str, refuses: Refuses
) -> None:
    bucket = s3.Bucket(stack, "Weights")

    with refuses() as refused:
        component(stack).add_adapter("fin", rank=8, **location(bucket))

    assert str(refused.value) == f"{PATH}: {fault}"
