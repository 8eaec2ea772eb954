"""Bad props of an endpoint: one sentence for each fault, at construction, with the path of the construct."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

from replicas import FROM_PROPS, Adapter, Component, Deployment, EndpointPlan, plan
from replicas_cdk import (
    ComponentOptions,
    ContainerImage,
    CopySpecification,
    InferenceComponent,
    MultiReplicaEndpoint,
    S3Location,
)
from stacks.multi_replica_stack import MultiReplicaStack
from tests.constructs.conftest import Refuses
from tests.synthesis import stage

Make = Callable[[cdk.Stack], dict[str, Any]]
Refusal = Callable[..., list[str]]
ABROAD = "eu-west-1"


@pytest.fixture
def stack(context: dict[str, Any]) -> cdk.Stack:
    """An empty stack in us-east-1."""
    environment = cdk.Environment(account="111111111111", region="us-east-1")
    return cdk.Stack(stage(context), "stack", env=environment)


def planned(**changes: Any) -> EndpointPlan:
    component = Component(**{"name": "a", "model": "Qwen/Qwen3-8B", "copies": 1, "tensor_parallel": 1, **changes})
    return plan(Deployment(name="chat", instance_type="ml.g6e.12xlarge", components=[component]))


IN_S3: Mapping[str, Any] = {
    "weights": FROM_PROPS,
    "adapters": [Adapter(name="sql", weights=FROM_PROPS, rank=8)],
}


@pytest.fixture
def refusal(stack: cdk.Stack, refuses: Refuses) -> Refusal:
    """The faults of an endpoint that cannot be made: each line of the message, without the path of the construct."""

    def of(props: dict[str, Any], **component: Any) -> list[str]:
        with refuses() as refused:
            MultiReplicaEndpoint(stack, "Endpoint", plan=planned(**component), **props)
        lines = str(refused.value).splitlines()
        assert all(line.startswith("Test/stack/Endpoint: ") for line in lines)
        return [line.removeprefix("Test/stack/Endpoint: ") for line in lines]

    return of


def vpc(stack: cdk.Stack, kind: ec2.SubnetType = ec2.SubnetType.PRIVATE_WITH_EGRESS) -> ec2.Vpc:
    public = ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC)
    some = ec2.SubnetConfiguration(name="some", subnet_type=kind)
    return ec2.Vpc(stack, "Vpc", max_azs=1, subnet_configuration=[public, some])


def groups(stack: cdk.Stack, count: int) -> dict[str, Any]:
    network = vpc(stack)
    made = [ec2.SecurityGroup(stack, f"Group{number}", vpc=network) for number in range(count)]
    return {"vpc": network, "security_groups": made}


NETWORK: Mapping[str, tuple[Make, str]] = {
    "subnets without a VPC": (
        lambda _: {"vpc_subnets": ec2.SubnetSelection(one_per_az=True)},
        "vpc_subnets= needs vpc=",
    ),
    "a group without a VPC": (
        lambda stack: {"security_groups": [ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")]},
        "security_groups= needs vpc=",
    ),
    "outbound without a VPC": (lambda _: {"allow_all_outbound": False}, "allow_all_outbound= needs vpc="),
    "subnets that the VPC has not": (
        lambda stack: {
            "vpc": vpc(stack),
            "vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        },
        "vpc_subnets=: There are no 'Isolated' subnet groups in this VPC",
    ),
    "no subnets": (
        lambda stack: {"vpc": vpc(stack), "vpc_subnets": ec2.SubnetSelection(availability_zones=["nowhere"])},
        "vpc_subnets= selects 0 subnets: select 1 to 16",
    ),
    "no groups": (lambda stack: groups(stack, 0), "security_groups= has 0 entries: pass 1 to 5"),
    "too many groups": (lambda stack: groups(stack, 6), "security_groups= has 6 entries: pass 1 to 5"),
    "outbound of a given group": (
        lambda stack: {**groups(stack, 1), "allow_all_outbound": True},
        "allow_all_outbound= applies only to a new group",
    ),
    "one group for a list": (
        lambda stack: {
            "vpc": vpc(stack),
            "security_groups": ec2.SecurityGroup.from_security_group_id(stack, "G", "sg-1"),
        },
        "security_groups= is a single construct: pass a list",
    ),
}


@pytest.mark.parametrize(("make", "sentence"), NETWORK.values(), ids=list(NETWORK))
def test_a_network_that_cannot_be(stack: cdk.Stack, make: Make, sentence: str, refusal: Refusal) -> None:
    (fault,) = refusal(make(stack))

    assert fault.startswith(sentence)


def of_component(**options: Any) -> dict[str, Any]:
    return {"components": {"a": ComponentOptions(**options)}}


def foreign_bucket(stack: cdk.Stack) -> s3.IBucket:
    return s3.Bucket.from_bucket_attributes(stack, "Foreign", bucket_name="models", region=ABROAD)


def foreign_key(stack: cdk.Stack) -> kms.IKey:
    return kms.Key.from_key_arn(stack, "Foreign", f"arn:aws:kms:{ABROAD}:111111111111:key/0123")


def foreign_secret(stack: cdk.Stack) -> secretsmanager.ISecret:
    arn = f"arn:aws:secretsmanager:{ABROAD}:111111111111:secret:token-AbCdEf"
    return secretsmanager.Secret.from_secret_complete_arn(stack, "Foreign", arn)


def foreign_repository(stack: cdk.Stack) -> ecr.IRepository:
    return ecr.Repository.from_repository_arn(stack, "Foreign", f"arn:aws:ecr:{ABROAD}:111111111111:repository/engine")


ELSEWHERE = "is in eu-west-1, but the stack is in us-east-1: "
ABROAD_PROPS: Mapping[str, tuple[Make, str]] = {
    "weights key": (lambda stack: {"weights_key": foreign_key(stack)}, f"weights_key= {ELSEWHERE}"),
    "volume key": (lambda stack: {"encryption_key": foreign_key(stack)}, f"encryption_key= {ELSEWHERE}"),
    "secret": (lambda stack: {"token_secret": foreign_secret(stack)}, f"token_secret= {ELSEWHERE}"),
    "secret of a component": (
        lambda stack: of_component(token_secret=foreign_secret(stack)),
        f"components['a'].token_secret= {ELSEWHERE}",
    ),
    "weights": (
        lambda stack: of_component(weights=S3Location(foreign_bucket(stack), "x/")),
        f"components['a'].weights= {ELSEWHERE}",
    ),
    "adapter": (
        lambda stack: of_component(adapters={"sql": S3Location(foreign_bucket(stack), "x/")}),
        f"components['a'].adapters['sql']= {ELSEWHERE}",
    ),
    "repository": (
        lambda stack: of_component(image=ContainerImage.from_ecr_repository(foreign_repository(stack))),
        f"components['a'].image: Test/stack/Foreign {ELSEWHERE}",
    ),
    "image": (
        lambda _: of_component(image=ContainerImage.from_uri(f"111111111111.dkr.ecr.{ABROAD}.amazonaws.com/engine:1")),
        f"components['a'].image: uri='111111111111.dkr.ecr.{ABROAD}.amazonaws.com/engine:1' {ELSEWHERE}",
    ),
}


@pytest.mark.parametrize(("make", "sentence"), ABROAD_PROPS.values(), ids=list(ABROAD_PROPS))
def test_what_is_in_another_region(stack: cdk.Stack, make: Make, sentence: str, refusal: Refusal) -> None:
    assert refusal(make(stack))[0].startswith(sentence)


@pytest.mark.parametrize("prefix", ["", "/", "qwen", "/qwen/", "qwen.tar.gz"])
def test_weights_without_a_prefix(stack: cdk.Stack, prefix: str, refusal: Refusal) -> None:
    location = S3Location(s3.Bucket(stack, "Weights"), prefix)

    fault, *_ = refusal(of_component(weights=location), weights=FROM_PROPS)

    says = f"components['a'].weights: prefix={prefix!r} of the bucket Test/stack/Weights: end the prefix with a"
    assert fault.startswith(says)


def test_a_prefix_by_token(stack: cdk.Stack, refusal: Refusal) -> None:
    prefix = cdk.CfnParameter(stack, "Prefix").value_as_string
    location = S3Location(s3.Bucket(stack, "Weights"), prefix)

    (fault,) = refusal(of_component(weights=location), weights=FROM_PROPS)

    assert fault.endswith("is a CDK token, but the role's policy needs its value: pass a literal string")


IMAGES: Mapping[str, tuple[Callable[[cdk.Stack], ContainerImage], str]] = {
    "a token": (
        lambda stack: ContainerImage.from_uri(cdk.CfnParameter(stack, "Image").value_as_string),
        "the URI is a CDK token, so the repository is unknown: use ContainerImage.from_ecr_repository(...)",
    ),
    "a public registry": (
        lambda _: ContainerImage.from_uri("docker.io/vllm/vllm-openai:v0.30.0"),
        "uri='docker.io/vllm/vllm-openai:v0.30.0': write ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG",
    ),
    "no tag": (
        lambda _: ContainerImage.from_uri("111111111111.dkr.ecr.us-east-1.amazonaws.com/engine"),
        "uri='111111111111.dkr.ecr.us-east-1.amazonaws.com/engine': write ACCOUNT.dkr.ecr.REGION",
    ),
    "half a digest": (
        lambda _: ContainerImage.from_catalogue(digest="sha256:abc"),
        "digest='sha256:abc': write sha256: and 64",
    ),
    "a tag with a space": (
        lambda stack: ContainerImage.from_ecr_repository(ecr.Repository(stack, "R"), "a tag"),
        "tag_or_digest='a tag': write a tag, or sha256: and 64 hexadecimal digits",
    ),
    "the name of a repository": (
        lambda _: ContainerImage.from_ecr_repository("engine"),  # type: ignore[arg-type]
        "repository='engine': pass an IRepository: ecr.Repository.from_repository_name(...)",
    ),
}


@pytest.mark.parametrize(("make", "sentence"), IMAGES.values(), ids=list(IMAGES))
def test_an_image_that_cannot_be_pulled(
    stack: cdk.Stack, make: Callable[[cdk.Stack], ContainerImage], sentence: str, refusal: Refusal
) -> None:
    (fault,) = refusal(of_component(image=make(stack)))

    assert fault.startswith(f"components['a'].image: {sentence}")


KINDS: Mapping[str, tuple[dict[str, Any], str]] = {
    "vpc": ({"vpc": "vpc-0123"}, "vpc='vpc-0123': pass an IVpc"),
    "role": ({"role": "arn:aws:iam::111111111111:role/x"}, "role='arn:aws:iam::111111111111:role/x': pass an IRole"),
    "key": ({"encryption_key": "alias/x"}, "encryption_key='alias/x': pass an IKey"),
    "weights key": ({"weights_key": "alias/x"}, "weights_key='alias/x': pass an IKey"),
    "secret": ({"token_secret": "hf"}, "token_secret='hf': pass an ISecret"),
    "boundary": ({"permissions_boundary": "arn"}, "permissions_boundary='arn': pass an IManagedPolicy"),
    "group": ({"security_groups": ["sg-1"]}, "security_groups='sg-1': pass an ISecurityGroup"),
    "action": ({"alarm_actions": "arn:aws:sns:x"}, "alarm_actions='arn:aws:sns:x': pass an IAlarmAction"),
    "components": ({"components": ["a"]}, "components=['a']: pass a dictionary from component name"),
    "component": (
        {"components": {"a": {"weights": "s3://x/"}}},
        "components['a']={'weights': 's3://x/'}: pass ComponentOpt",
    ),
    "weights": (of_component(weights="s3://models/x/"), "components['a'].weights='s3://models/x/': pass S3Location("),
    "adapter": (
        of_component(adapters={"sql": "s3://models/x/"}),
        "components['a'].adapters['sql']='s3://models/x/': pass S3Location(",
    ),
    "bucket": (of_component(weights=S3Location("models", "x/")), "components['a'].weights=S3Location("),  # type: ignore[arg-type]
    "image": (of_component(image="engine:1"), "components['a'].image='engine:1': pass a ContainerImage"),
    "subnets": ({"vpc_subnets": ["subnet-1"]}, "vpc_subnets=['subnet-1']: pass ec2.SubnetSelection("),
    "tags": ({"tags": ["team"]}, "tags=['team']: pass a dictionary of strings"),
    "tag": ({"tags": {"team": 1}}, "tags['team']=1: pass a string"),
    "variable": (of_component(environment={"A": 1}), "components['a'].environment['A']=1: pass a string"),
    "removal": ({"removal_policy": "retain"}, "removal_policy='retain': pass a member of RemovalPolicy"),
    "snapshots": (
        {"removal_policy": cdk.RemovalPolicy.SNAPSHOT},
        "removal_policy=SNAPSHOT: no resource of an endpoint",
    ),
}


@pytest.mark.parametrize(("props", "sentence"), KINDS.values(), ids=list(KINDS))
def test_a_prop_of_the_wrong_kind(props: dict[str, Any], sentence: str, refusal: Refusal) -> None:
    (fault,) = refusal(props)

    assert fault.startswith(sentence)


@pytest.mark.parametrize("given", [None, "chat", Deployment(name="chat", instance_type="ml.g6e.xlarge", components=[])])
def test_a_deployment_that_is_not_planned(stack: cdk.Stack, refuses: Refuses, given: Any) -> None:
    with refuses() as refused:
        MultiReplicaEndpoint(stack, "Endpoint", plan=given, components={"b": ComponentOptions()})

    kind = type(given).__name__
    sentence = f"plan= is of type {kind}: pass an EndpointPlan, the result of plan(Deployment(...))"
    assert str(refused.value) == f"Test/stack/Endpoint: {sentence}"
    with pytest.raises(ValueError, match=f"^MultiReplicaStack: plan= is of type {kind}: pass an EndpointPlan"):
        MultiReplicaStack(cdk.App(), given)


def test_a_component_on_a_name_instead_of_an_endpoint(stack: cdk.Stack, refuses: Refuses) -> None:
    name: Any = "chat"
    copy = CopySpecification(model_name="m", accelerators=1, cpus=1, memory_mib=128)

    with refuses(r"^Test/stack/C: endpoint='chat': pass an endpoint, such as MultiReplicaEndpoint.from_endpoint_name"):
        InferenceComponent(stack, "C", endpoint=name, variant_name="v", copies=1, specifications=[copy])


@pytest.mark.parametrize(("least", "most"), [(None, 2), (1, None)])
def test_copies_that_scale_between_nothing(stack: cdk.Stack, refuses: Refuses, least: Any, most: Any) -> None:
    component = MultiReplicaEndpoint(stack, "Endpoint", plan=planned()).components["a"]
    missing = "min_copies=None: pass a whole number, at least 0"
    if most is None:
        missing = "max_copies=None: pass a whole number, at least 1"

    with refuses() as refused:
        component.auto_scale_copies(min_copies=least, max_copies=most)

    assert str(refused.value) == f"Test/stack/Endpoint/Component-a/Scaling: {missing}"


def test_actions_without_alarms(stack: cdk.Stack, refusal: Refusal) -> None:
    topic = sns.Topic(stack, "Topic")

    (fault,) = refusal({"alarm_actions": [actions.SnsAction(topic)]})

    assert fault.startswith("alarm_actions= has no alarms: set monitoring=")


def test_connections_without_a_vpc(stack: cdk.Stack, refuses: Refuses) -> None:
    endpoint = MultiReplicaEndpoint(stack, "Endpoint", plan=planned())

    with refuses(r"^Test/stack/Endpoint: connections need a VPC: pass vpc= to MultiReplica"):
        _ = endpoint.connections


def test_every_fault_is_reported_at_once(stack: cdk.Stack, refusal: Refusal) -> None:
    options = ComponentOptions(
        weights=S3Location(foreign_bucket(stack), ""),
        image=ContainerImage.from_uri("engine"),
        environment={"HF_TOKEN": "x"},
    )
    props = {"components": {"a": options, "b": ComponentOptions()}, "allow_all_outbound": True}

    faults = refusal(props, **IN_S3)

    for sentence in (
        "allow_all_outbound= needs vpc=",
        f"components['a'].weights= {ELSEWHERE}",
        "components['a'].weights: prefix=''",
        "components['a'].image: uri='engine'",
        "components['a']: the adapter 'sql' has weights=FROM_PROPS",
        "components['a']: environment['HF_TOKEN'] would put a token into the template",
        "components['b']: the plan has no component of this name",
    ):
        assert any(fault.startswith(sentence) for fault in faults), sentence


def test_a_plan_that_counts_on_props_needs_them(stack: cdk.Stack, refusal: Refusal) -> None:
    weights, adapter = refusal({"role": iam.Role.from_role_name(stack, "Role", "serving")}, **IN_S3)

    assert weights == "components['a']: the plan has weights=FROM_PROPS, but weights= is missing"
    assert adapter.startswith("components['a']: the adapter 'sql' has weights=FROM_PROPS")
