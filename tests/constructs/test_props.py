"""What the props of an endpoint put into its template: references to other constructs, and the rights on them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match
from cdk_nag import AwsSolutionsChecks

from replicas import FROM_PROPS, Adapter, Alarms, Component, Deployment, EndpointPlan, Monitoring, Security, plan
from replicas.rules import check
from replicas_cdk import (
    ComponentOptions,
    ContainerImage,
    ExecutionRole,
    MultiReplicaEndpoint,
    S3Location,
    ServingContainer,
)
from replicas_cdk.network import NetworkProps
from replicas_cdk.references import EndpointProps
from replicas_cdk.role_rights import grant_references
from replicas_cdk.serving_container import RegistryAccounts
from tests.constructs.conftest import Refuses
from tests.synthesis import stage, template_of

Resources = dict[str, Any]
DIGEST = f"sha256:{'0' * 64}"
ENVIRONMENT = cdk.Environment(account="111111111111", region="us-east-1")


def planned(
    *, instance_type: str = "ml.g6e.12xlarge", more: Mapping[str, Any] | None = None, **changes: Any
) -> EndpointPlan:
    component = Component(**{"name": "a", "model": "Qwen/Qwen3-8B", "copies": 1, "tensor_parallel": 1, **changes})
    return plan(Deployment(name="chat", instance_type=instance_type, components=[component], **(more or {})))


def of_type(stack: cdk.Stack, kind: str) -> list[Resources]:
    return [body for body in template_of(stack)["Resources"].values() if body["Type"] == f"AWS::{kind}"]


def properties(stack: cdk.Stack, kind: str) -> Resources:
    (body,) = of_type(stack, kind)
    found: Resources = body["Properties"]
    return found


def container(stack: cdk.Stack) -> Resources:
    found: Resources = properties(stack, "SageMaker::Model")["PrimaryContainer"]
    return found


def role_statements(stack: cdk.Stack, action: str) -> list[Resources]:
    """The statements of the role that is made here which allow an action."""
    (role,) = [
        body["Properties"]
        for name, body in template_of(stack)["Resources"].items()
        if body["Type"] == "AWS::IAM::Role" and name.startswith("Endpoint")
    ]
    assert "ManagedPolicyArns" not in role
    (policy,) = role["Policies"]
    found = policy["PolicyDocument"]["Statement"]
    return [
        one for one in found if action in [one["Action"], *(one["Action"] if isinstance(one["Action"], list) else [])]
    ]


def logical_id(stack: cdk.Stack, construct: cdk.IResource) -> str:
    child = construct.node.default_child
    assert isinstance(child, cdk.CfnElement)
    found: str = stack.resolve(child.logical_id)
    return found


# --- the network -------------------------------------------------------------------------------------------------


def test_containers_join_the_private_subnets_with_a_group_that_is_made_here(stack: cdk.Stack) -> None:
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2)

    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), vpc=vpc)

    configuration = properties(stack, "SageMaker::EndpointConfig")["VpcConfig"]
    assert configuration == properties(stack, "SageMaker::Model")["VpcConfig"]
    assert configuration["Subnets"] == [{"Ref": logical_id(stack, subnet)} for subnet in vpc.private_subnets]
    group = properties(stack, "EC2::SecurityGroup")
    assert [rule["CidrIp"] for rule in group["SecurityGroupEgress"]] == ["0.0.0.0/0"]
    assert group["VpcId"] == {"Ref": logical_id(stack, vpc)}
    assert group["GroupDescription"] == "Containers of an endpoint of inference components"
    assert role_statements(stack, "ec2:CreateNetworkInterface")


def test_subnets_and_groups_can_be_chosen(stack: cdk.Stack) -> None:
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
    groups = [ec2.SecurityGroup(stack, name, vpc=vpc) for name in ("One", "Two")]
    subnets = ec2.SubnetSelection(subnets=[vpc.private_subnets[1]])

    endpoint = MultiReplicaEndpoint(
        stack, "Endpoint", plan=planned(), vpc=vpc, vpc_subnets=subnets, security_groups=groups
    )

    found = properties(stack, "SageMaker::EndpointConfig")["VpcConfig"]
    assert found["Subnets"] == [{"Ref": logical_id(stack, vpc.private_subnets[1])}]
    assert found["SecurityGroupIds"] == [{"Fn::GetAtt": [logical_id(stack, group), "GroupId"]} for group in groups]
    assert len(of_type(stack, "EC2::SecurityGroup")) == 2
    assert len(endpoint.connections.security_groups) == 2


def test_connections_add_rules_to_the_group(stack: cdk.Stack) -> None:
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    endpoint = MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), vpc=vpc, allow_all_outbound=False)

    endpoint.connections.allow_to(ec2.Peer.ipv4("10.0.0.0/8"), ec2.Port.tcp(443), "registry")

    (rule,) = properties(stack, "EC2::SecurityGroup")["SecurityGroupEgress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"]) == ("10.0.0.0/8", 443, 443)


def test_another_construct_can_allow_the_endpoint(stack: cdk.Stack) -> None:
    """`IConnectable`: an interface endpoint of the VPC lets the containers in."""
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    endpoint = MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), vpc=vpc)
    other = ec2.SecurityGroup(stack, "Other", vpc=vpc)

    other.connections.allow_from(endpoint, ec2.Port.tcp(443))

    (rule,) = of_type(stack, "EC2::SecurityGroupIngress")
    assert rule["Properties"]["FromPort"] == 443


@pytest.mark.parametrize("kind", [ec2.SubnetType.PRIVATE_ISOLATED, ec2.SubnetType.PUBLIC])
def test_weights_of_the_hub_in_subnets_without_a_way_to_it_are_warned_of(
    stack: cdk.Stack, kind: ec2.SubnetType
) -> None:
    vpc = ec2.Vpc(
        stack, "Vpc", max_azs=1, subnet_configuration=[ec2.SubnetConfiguration(name="some", subnet_type=kind)]
    )

    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), vpc=vpc)

    says = (
        "a loads weights from the Hub, and no selected subnet has a NAT gateway: select subnets with egress, or store "
        "the weights in S3"
    )
    Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp(says))


def test_subnets_with_a_nat_gateway_are_not_warned_of(stack: cdk.Stack) -> None:
    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), vpc=ec2.Vpc(stack, "Vpc", max_azs=1))

    Annotations.from_stack(stack).has_no_warning("*", Match.string_like_regexp("NAT gateway"))


# --- buckets, keys and secrets -----------------------------------------------------------------------------------


def test_weights_in_a_bucket_of_the_app_are_mounted_and_readable_alone(stack: cdk.Stack) -> None:
    bucket = s3.Bucket(stack, "Weights")
    options = ComponentOptions(weights=S3Location(bucket, "qwen/"))

    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(weights=FROM_PROPS), components={"a": options})

    reference = {"Ref": logical_id(stack, bucket)}
    assert container(stack)["ModelDataSource"]["S3DataSource"] == {
        "CompressionType": "None",
        "S3DataType": "S3Prefix",
        "S3Uri": {"Fn::Join": ["", ["s3://", reference, "/qwen/"]]},
    }
    (read,) = role_statements(stack, "s3:GetObject")
    (listed,) = role_statements(stack, "s3:ListBucket")
    assert read["Resource"]["Fn::Join"][1][-2:] == [reference, "/qwen/*"]
    assert listed["Resource"]["Fn::Join"][1][-1] == reference
    assert listed["Condition"]["StringLike"] == {"s3:prefix": ["qwen/*"]}
    assert read["Condition"] == {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}}
    assert not role_statements(stack, "kms:Decrypt")


def test_adapters_in_a_bucket_of_the_app_are_readable(stack: cdk.Stack) -> None:
    bucket = s3.Bucket(stack, "Weights")
    adapters = {"sql": S3Location(bucket, "sql/"), "law": S3Location(bucket, "law.tar.gz")}
    of_plan = [Adapter(name=name, weights=FROM_PROPS, rank=8) for name in adapters]

    MultiReplicaEndpoint(
        stack, "Endpoint", plan=planned(adapters=of_plan), components={"a": ComponentOptions(adapters=adapters)}
    )

    urls = [
        body["Properties"]["Specification"]["Container"]["ArtifactUrl"]["Fn::Join"][1][-1]
        for body in of_type(stack, "SageMaker::InferenceComponent")
        if "Container" in body["Properties"]["Specification"]
    ]
    assert urls == ["/sql/", "/law.tar.gz"]
    (read,) = role_statements(stack, "s3:GetObject")
    assert [resource["Fn::Join"][1][-1] for resource in read["Resource"]] == ["/law.tar.gz*", "/sql/*"]


def test_the_keys_of_the_bucket_and_of_the_weights_decrypt_through_s3_alone(stack: cdk.Stack) -> None:
    keys = [kms.Key(stack, name) for name in ("OfBucket", "OfWeights")]
    bucket = s3.Bucket(stack, "Weights", encryption=s3.BucketEncryption.KMS, encryption_key=keys[0])
    options = ComponentOptions(weights=S3Location(bucket, "qwen/"))

    MultiReplicaEndpoint(
        stack, "Endpoint", plan=planned(weights=FROM_PROPS), components={"a": options}, weights_key=keys[1]
    )

    (decrypt,) = role_statements(stack, "kms:Decrypt")
    assert decrypt["Resource"] == [{"Fn::GetAtt": [logical_id(stack, key), "Arn"]} for key in keys]
    through = {"Fn::Join": ["", ["s3.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]]}
    assert decrypt["Condition"] == {"StringEquals": {"kms:ViaService": through}}


def test_a_key_of_the_volumes_is_used_by_grants_of_aws_alone(stack: cdk.Stack) -> None:
    """SageMaker developer guide, execution roles: kms:CreateGrant for a volume key."""
    key = kms.Key(stack, "Volumes")
    role = ExecutionRole(stack, "EndpointRole", containers=[ServingContainer(stack, planned().components[0])])

    role.allow_encrypting_volumes(key.key_arn)

    (grant,) = role_statements(stack, "kms:CreateGrant")
    assert grant["Resource"] == {"Fn::GetAtt": [logical_id(stack, key), "Arn"]}
    assert grant["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_a_key_of_volumes_that_hardware_encrypts_is_refused(stack: cdk.Stack, refuses: Refuses) -> None:
    """EndpointConfig's KmsKeyId does not encrypt local NVMe storage (SageMaker API, CreateEndpointConfig)."""
    with refuses(r"stack/Endpoint: encryption_key=: ml\.g6e\.12xlarge has local NVMe storage"):
        MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), encryption_key=kms.Key(stack, "Volumes"))


def test_a_secret_of_the_endpoint_is_a_reference_in_components_that_load_from_the_hub(stack: cdk.Stack) -> None:
    secret, other = secretsmanager.Secret(stack, "Secret"), secretsmanager.Secret(stack, "Other")
    names = {"hub": None, "own": None, "s3": "s3://models/qwen/"}
    components = [
        Component(name=name, model="Qwen/Qwen3-8B", copies=1, tensor_parallel=1, weights=at)
        for name, at in names.items()
    ]
    deployment = Deployment(name="chat", instance_type="ml.g6e.12xlarge", components=components)

    MultiReplicaEndpoint(
        stack,
        "Endpoint",
        plan=plan(deployment),
        token_secret=secret,
        components={"own": ComponentOptions(token_secret=other)},
    )

    tokens = [
        body["Properties"]["PrimaryContainer"]["Environment"].get("HF_TOKEN")
        for body in of_type(stack, "SageMaker::Model")
    ]
    references = [
        {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": logical_id(stack, one)}, ":SecretString:::}}"]]}
        for one in (secret, other)
    ]
    assert tokens == [*references, None]
    assert not role_statements(stack, "secretsmanager:GetSecretValue")  # CloudFormation resolves the reference


# --- images ------------------------------------------------------------------------------------------------------

PULL = "ecr:BatchGetImage"
URI = "222222222222.dkr.ecr.us-east-1.amazonaws.com/platform/engine:1"


def test_an_image_of_a_repository_of_the_app_is_pulled(stack: cdk.Stack) -> None:
    repository = ecr.Repository(stack, "Repository")
    options = ComponentOptions(image=ContainerImage.from_ecr_repository(repository, "0.30.0-r3"))

    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), components={"a": options})

    assert container(stack)["Image"]["Fn::Join"][1][-1] == ":0.30.0-r3"
    (pull,) = role_statements(stack, PULL)
    assert pull["Resource"] == {"Fn::GetAtt": [logical_id(stack, repository), "Arn"]}
    assert "Mappings" not in template_of(stack)


@pytest.mark.parametrize(("version", "ending"), [(None, ":{tag}"), ("own", ":own"), (DIGEST, f"@{DIGEST}")])
def test_a_mirror_has_the_tags_of_the_publisher_unless_one_is_named(
    stack: cdk.Stack, version: str | None, ending: str
) -> None:
    one = planned()
    mirror = ecr.Repository.from_repository_name(stack, "Mirror", "mirror/engine")
    options = ComponentOptions(image=ContainerImage.from_ecr_repository(mirror, version))

    MultiReplicaEndpoint(stack, "Endpoint", plan=one, components={"a": options})

    image = one.components[0].engine.image
    assert image
    assert container(stack)["Image"]["Fn::Join"][1][-1] == f"/mirror/engine{ending.format(tag=image.tag)}"


def test_the_image_of_the_publisher_can_be_pinned_by_its_digest(stack: cdk.Stack) -> None:
    one = planned()
    options = ComponentOptions(image=ContainerImage.from_catalogue(digest=DIGEST))

    MultiReplicaEndpoint(stack, "Endpoint", plan=one, components={"a": options})

    image = one.components[0].engine.image
    assert image
    assert container(stack)["Image"]["Fn::Join"][1][-1] == f"/{image.repository}@{DIGEST}"


def test_an_image_by_its_uri_is_pulled_from_its_account(context: dict[str, Any]) -> None:
    stack = cdk.Stack(stage(context), "stack", env=ENVIRONMENT)
    options = ComponentOptions(image=ContainerImage.from_uri(URI))

    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), components={"a": options})

    assert container(stack)["Image"] == URI
    (pull,) = role_statements(stack, PULL)
    assert pull["Resource"]["Fn::Join"][1][-1] == ":ecr:us-east-1:222222222222:repository/platform/engine"


def test_an_image_of_ones_own_needs_no_registry_of_the_publisher_in_the_region(
    context: dict[str, Any], refuses: Refuses
) -> None:
    """The plan's image has no registry account in eu-isoe-west-1 (images.json)."""
    stack = cdk.Stack(stage(context), "stack", env=cdk.Environment(account="111111111111", region="eu-isoe-west-1"))
    one, mirror = planned(), ecr.Repository.from_repository_name(stack, "Mirror", "mirror/engine")
    options = ComponentOptions(image=ContainerImage.from_ecr_repository(mirror))

    with refuses("no registry account is known for the image") as published:
        MultiReplicaEndpoint(stack, "Published", plan=one)
    with refuses("eu-isoe-west-1") as mirrored:
        MultiReplicaEndpoint(stack, "Mirrored", plan=one, components={"a": options})

    assert "no registry account" not in str(mirrored.value)
    assert len(str(mirrored.value).splitlines()) == len(str(published.value).splitlines()) - 1


@pytest.mark.parametrize(
    ("image", "from_"),
    [
        (ContainerImage.from_catalogue(digest=DIGEST), ""),
        (
            ContainerImage.from_uri("222222222222.dkr.ecr.us-east-1.amazonaws.com/platform/engine:1"),
            "platform/engine:1",
        ),
    ],
)
def test_it_is_said_that_no_plan_knows_another_image(stack: cdk.Stack, image: ContainerImage, from_: str) -> None:
    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), components={"a": ComponentOptions(image=image)})

    says = f"It is not judged whether the image of a, from .*{from_}, contains the same engine"
    Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp(says))


def test_the_image_of_the_plan_is_not_warned_of(stack: cdk.Stack) -> None:
    options = ComponentOptions(image=ContainerImage.from_catalogue())

    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), components={"a": options})

    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


# --- variables, alarms, removal, tags ----------------------------------------------------------------------------


def test_variables_of_a_component_may_be_tokens(stack: cdk.Stack) -> None:
    topic, one = sns.Topic(stack, "Topic"), planned(environment={"LOG_LEVEL": "debug"})
    options = ComponentOptions(environment={"TOPIC": topic.topic_arn})

    MultiReplicaEndpoint(stack, "Endpoint", plan=one, components={"a": options})

    assert container(stack)["Environment"] == {
        **one.components[0].environment,
        "TOPIC": {"Ref": logical_id(stack, topic)},
    }


def test_variables_reach_the_models_of_every_instance_type(stack: cdk.Stack) -> None:
    one = planned(more={"fallback_instance_types": ["ml.g5.12xlarge"]})
    options = ComponentOptions(environment={"TABLE": "users"})

    MultiReplicaEndpoint(stack, "Endpoint", plan=one, components={"a": options})

    models = of_type(stack, "SageMaker::Model")
    assert [body["Properties"]["PrimaryContainer"]["Environment"]["TABLE"] for body in models] == ["users", "users"]


def test_alarms_take_several_actions_beside_the_topic_of_the_plan(context: dict[str, Any]) -> None:
    flag = "@aws-cdk/aws-cloudwatch-actions:changeLambdaPermissionLogicalIdForLambdaAction"
    stack = cdk.Stack(stage({**context, flag: True}), "stack")
    arn = "arn:aws:sns:us-west-2:123456789012:people"
    topic = sns.Topic(stack, "Topic")
    code = lambda_.Code.from_inline("def h(event, context): pass")
    function = lambda_.Function(stack, "F", runtime=lambda_.Runtime.PYTHON_3_13, handler="i.h", code=code)
    one = planned(more={"monitoring": Monitoring(alarms=Alarms(), topic=arn)})

    MultiReplicaEndpoint(
        stack, "Endpoint", plan=one, alarm_actions=[actions.SnsAction(topic), actions.LambdaAction(function)]
    )

    expected = [arn, {"Ref": logical_id(stack, topic)}, {"Fn::GetAtt": [logical_id(stack, function), "Arn"]}]
    alarms = of_type(stack, "CloudWatch::Alarm")
    assert len(alarms) == 3
    assert all(body["Properties"]["AlarmActions"] == expected for body in alarms)
    assert all(body["Properties"]["OKActions"] == expected for body in alarms)
    permitted = [body["Properties"]["SourceArn"]["Fn::GetAtt"][0] for body in of_type(stack, "Lambda::Permission")]
    assert len(set(permitted)) == 3


def test_a_removal_policy_reaches_every_resource_and_nothing_beside_the_endpoint(stack: cdk.Stack) -> None:
    beside = sns.Topic(stack, "Topic")
    adapters = [Adapter(name="sql", weights="s3://models/sql/", rank=8)]

    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(adapters=adapters), removal_policy=cdk.RemovalPolicy.RETAIN)

    policies = {name: body.get("DeletionPolicy") for name, body in template_of(stack)["Resources"].items()}
    assert policies.pop(logical_id(stack, beside)) is None
    assert len(policies) == 6
    assert set(policies.values()) == {"Retain"}


def test_tags_join_those_of_the_plan(stack: cdk.Stack) -> None:
    one = planned(more={"security": Security(tags={"team": "x"})})

    MultiReplicaEndpoint(stack, "Endpoint", plan=one, tags={"stack": cdk.Aws.STACK_ID})

    tags = properties(stack, "SageMaker::Model")["Tags"]
    assert tags == [{"Key": "stack", "Value": {"Ref": "AWS::StackId"}}, {"Key": "team", "Value": "x"}]


# --- roles -------------------------------------------------------------------------------------------------------


def test_a_permissions_boundary_of_the_app_bounds_the_role(stack: cdk.Stack) -> None:
    statement = iam.PolicyStatement(actions=["*"], resources=["*"])
    boundary = iam.ManagedPolicy(stack, "Boundary", statements=[statement])

    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(), permissions_boundary=boundary)

    assert properties(stack, "IAM::Role")["PermissionsBoundary"] == {"Ref": logical_id(stack, boundary)}


Make = Callable[[cdk.Stack], iam.IRole]
ARN = "arn:aws:iam::111111111111:role/serving"


def own(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))


def imported(stack: cdk.Stack) -> iam.IRole:
    return iam.Role.from_role_arn(stack, "Role", ARN)


THROUGH_S3 = {"Fn::Join": ["", ["s3.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]]}


def with_references(stack: cdk.Stack, role: iam.IRole) -> None:
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket(stack, "Weights", encryption=s3.BucketEncryption.KMS, encryption_key=key)
    options = ComponentOptions(
        weights=S3Location(bucket, "qwen/"),
        image=ContainerImage.from_ecr_repository(ecr.Repository(stack, "Repository")),
    )
    MultiReplicaEndpoint(
        stack,
        "Endpoint",
        plan=planned(weights=FROM_PROPS),
        components={"a": options},
        role=role,
        vpc=ec2.Vpc(stack, "Vpc", max_azs=1),
    )


@pytest.mark.parametrize("make", [own, imported])
def test_a_given_role_is_granted_the_rights_on_the_references(context: dict[str, Any], make: Make) -> None:
    stack = cdk.Stack(stage(context), "stack", env=ENVIRONMENT)

    with_references(stack, make(stack))

    (policy,) = of_type(stack, "IAM::Policy")
    granted = policy["Properties"]["PolicyDocument"]["Statement"]
    account, network = {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}, "ec2:CreateNetworkInterface"
    conditions = {
        "s3:GetObject": {"StringEquals": account},
        "s3:ListBucket": {"StringEquals": account, "StringLike": {"s3:prefix": ["qwen/*"]}},
        "kms:Decrypt": {"StringEquals": {"kms:ViaService": THROUGH_S3}},
    }
    assert {one["Action"]: one["Condition"] for one in granted if "Condition" in one} == conditions
    others = [action for one in granted if "Condition" not in one for action in one["Action"]]
    assert {PULL, network} <= set(others)
    model = of_type(stack, "SageMaker::Model")[0]
    assert any("Policy" in name for name in model["DependsOn"])


def test_a_given_role_gets_the_statements_of_one_that_is_made_here(stack: cdk.Stack) -> None:
    """SageMaker reads the same objects with both, so neither needs more: weights, an adapter, and the keys of both."""
    keys = {name: kms.Key(stack, name) for name in ("OfBucket", "OfWeights")}
    bucket = s3.Bucket(stack, "Weights", encryption=s3.BucketEncryption.KMS, encryption_key=keys["OfBucket"])
    options = ComponentOptions(weights=S3Location(bucket, "qwen/"), adapters={"sql": S3Location(bucket, "sql/")})
    one = planned(weights=FROM_PROPS, adapters=[Adapter(name="sql", weights=FROM_PROPS, rank=8)])

    for name, role in (("Made", None), ("Given", own(stack))):
        MultiReplicaEndpoint(stack, name, plan=one, components={"a": options}, weights_key=keys["OfWeights"], role=role)

    (policy,) = of_type(stack, "IAM::Policy")
    (made,) = [body["Properties"] for body in of_type(stack, "IAM::Role") if "Policies" in body["Properties"]]
    of_references = ("s3:GetObject", "s3:ListBucket", "kms:Decrypt")
    statements = [
        [one for one in document["PolicyDocument"]["Statement"] if one["Action"] in of_references]
        for document in (policy["Properties"], made["Policies"][0])
    ]
    assert statements[0] == statements[1]
    assert len(statements[0]) == 4


def test_a_given_role_uses_the_key_of_the_volumes_by_grants_of_aws_alone(stack: cdk.Stack) -> None:
    """SageMaker developer guide, execution roles: kms:CreateGrant for a volume key."""
    key = kms.Key(stack, "Volumes")
    network = NetworkProps(vpc=None, vpc_subnets=None, security_groups=None, allow_all_outbound=None)
    nothing = dict.fromkeys(("role", "weights_key", "token_secret", "permissions_boundary", "removal_policy"))
    props = EndpointProps(
        components={},
        network=network,
        encryption_key=key,
        alarm_actions=(),
        tags={},
        **nothing,  # type: ignore[arg-type]
    )

    grant_references(own(stack), props, "111111111111")

    (statement,) = of_type(stack, "IAM::Policy")[0]["Properties"]["PolicyDocument"]["Statement"]
    assert statement == {
        "Action": "kms:CreateGrant",
        "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        "Effect": "Allow",
        "Resource": {"Fn::GetAtt": [logical_id(stack, key), "Arn"]},
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda stack: iam.Role.from_role_arn(stack, "Role", ARN, mutable=False),
        lambda stack: iam.Role.from_role_arn(stack, "Role", ARN.replace("1", "3")),
        lambda stack: own(stack).without_policy_updates(),
    ],
    ids=["not mutable", "of another account", "without updates"],
)
def test_the_rights_are_named_that_a_role_lacks_which_cannot_be_changed(context: dict[str, Any], make: Make) -> None:
    stack = cdk.Stack(stage(context), "stack", env=ENVIRONMENT)

    with_references(stack, make(stack))

    says = (
        "stack/Endpoint: the rights of the imported role .*Role.* are not judged: this app cannot change the role. It "
        "needs ecr:GetAuthorizationToken.* on .*Repository; s3:GetObject and s3:ListBucket on "
        ".*Weights/qwen/; kms:Decrypt on .*Key; ec2:CreateNetworkInterface, ec2:CreateNetworkInterfacePermission, "
        "ec2:DeleteNetworkInterface, ec2:DeleteNetworkInterfacePermission, ec2:DescribeDhcpOptions, "
        "ec2:DescribeNetworkInterfaces, ec2:DescribeSecurityGroups, ec2:DescribeSubnets, ec2:DescribeVpcs; "
        "cloudwatch:PutMetricData; logs:CreateLogGroup, logs:CreateLogStream and logs:PutLogEvents"
    )
    Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp(says))


def test_it_is_said_what_an_imported_role_must_have(context: dict[str, Any]) -> None:
    stack = cdk.Stack(stage(context), "stack", env=ENVIRONMENT)

    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(weights="s3://models/qwen/"), role=imported(stack))

    says = "the rights of the imported role .*Role are not judged.*s3:GetObject and s3:ListBucket on s3://models/qwen/"
    Annotations.from_stack(stack).has_info("*", Match.string_like_regexp(says))
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


def test_policies_that_other_accounts_must_have_are_named(context: dict[str, Any]) -> None:
    stack = cdk.Stack(stage(context), "stack", env=ENVIRONMENT)
    bucket = s3.Bucket.from_bucket_attributes(stack, "Weights", bucket_name="models", account="222222222222")
    options = ComponentOptions(weights=S3Location(bucket, "qwen/"))

    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(weights=FROM_PROPS), components={"a": options})

    (read,) = role_statements(stack, "s3:GetObject")
    assert read["Condition"] == {"StringEquals": {"aws:ResourceAccount": "222222222222"}}
    says = r"components\[.a.\].weights belongs to the account 222222222222: in its resource policy, allow the execution"
    Annotations.from_stack(stack).has_warning("*", Match.string_like_regexp(says))


def test_what_the_props_make_passes_the_rules(stack: cdk.Stack) -> None:
    """The rules know what SageMaker's guide lists for a role; they see the template alone."""
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket(stack, "Weights", encryption=s3.BucketEncryption.KMS, encryption_key=key)
    options = ComponentOptions(
        weights=S3Location(bucket, "qwen/"),
        adapters={"sql": S3Location(bucket, "sql/")},
        environment={"TABLE": "users"},
    )
    one = planned(weights=FROM_PROPS, adapters=[Adapter(name="sql", weights=FROM_PROPS, rank=8)])

    MultiReplicaEndpoint(stack, "Endpoint", plan=one, components={"a": options}, vpc=ec2.Vpc(stack, "Vpc", max_azs=1))

    report = check(json.loads(json.dumps(template_of(stack))), region="us-east-1")
    assert (report.problems, report.warnings, report.unjudged) == ((), (), ())


def test_the_acknowledgement_names_a_bucket_of_the_app_by_its_logical_id(stack: cdk.Stack) -> None:
    bucket = s3.Bucket(stack, "Weights")
    options = ComponentOptions(weights=S3Location(bucket, "qwen/"))
    endpoint = MultiReplicaEndpoint(stack, "Endpoint", plan=planned(weights=FROM_PROPS), components={"a": options})

    role = endpoint.node.find_child("ExecutionRole")
    acknowledged = {rule for entry in role.node.metadata for rule in entry.data}
    wildcard = f"arn:<AWS::Partition>:s3:::<{logical_id(stack, bucket)}>/qwen/*"
    assert f"AwsSolutions::AwsSolutions-IAM5[Resource::{wildcard}]" in acknowledged


@pytest.mark.slow
def test_the_rights_on_a_bucket_of_the_app_carry_their_reason_for_cdk_nag(
    context: dict[str, Any], tmp_path: Path
) -> None:
    app = cdk.App(context=context, outdir=str(tmp_path))
    stack = cdk.Stack(app, "stack")
    options = ComponentOptions(weights=S3Location(s3.Bucket(stack, "Weights"), "qwen/"))
    MultiReplicaEndpoint(stack, "Endpoint", plan=planned(weights=FROM_PROPS), components={"a": options})
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))

    with contextlib.suppress(RuntimeError):  # the bucket of this app breaks rules of its own
        app.synth()

    (report,) = [
        one
        for one in json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"]
        if one["pluginName"] == "AwsSolutions"
    ]
    assert [one["ruleName"] for one in report["violations"] if "IAM" in one["ruleName"]] == []
    assert any("/qwen/*" in one["ruleName"] for one in report["suppressedViolations"])


def test_a_registry_without_an_account_in_the_region_of_the_stack_is_refused(
    context: dict[str, Any], refuses: Refuses
) -> None:
    image = planned().components[0].engine.image
    assert image is not None
    stack = cdk.Stack(stage(context), "stack", env=cdk.Environment(region="eu-isoe-west-1"))

    with refuses("has no known registry in eu-isoe-west-1"):
        RegistryAccounts(stack).account_of(image)
