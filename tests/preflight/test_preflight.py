"""`replicas preflight`: what would go wrong in a deploy is said before it, with its fix; so is what is not known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import boto3
import pytest

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.server import EmbeddedAws
from replicas.preflight.needs import declared_in, needs_of
from tests.commands import TGI, VLLM, Outcome, Run
from tests.embedded import Deploy, create_stack, settled

Outputs = dict[str, dict[str, str]]
Template = dict[str, Any]


def of_type(template: Template, kind: str) -> Template:
    (found,) = [part for part in template["Resources"].values() if part["Type"] == f"AWS::SageMaker::{kind}"]
    properties: Template = found["Properties"]
    return properties


def checks(outcome: Outcome) -> dict[str, dict[str, str]]:
    return {entry["what"]: entry for entry in outcome.json["checks"]}


class Preflight:
    """Runs the command on a template that a test has changed."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run, self._file = run, folder / "changed.template.json"

    def __call__(self, name: str, template: Template, *more: str) -> Outcome:
        self._file.write_text(json.dumps(template))
        return self._run("preflight", name, "--template", str(self._file), *more)


@pytest.fixture
def preflight(run: Run, tmp_path: Path) -> Preflight:
    return Preflight(run, tmp_path)


@pytest.fixture
def template(assembly: Path) -> Any:
    def read(name: str) -> Template:
        content: Template = json.loads((assembly / f"{name}.template.json").read_text())
        return content

    return read


# ---- what is deployed


def test_the_template_that_is_deployed_is_ready(endpoints: Outputs, preflight: Preflight, template: Any) -> None:
    outcome = preflight(TGI, template(TGI), "--json")
    assert outcome.code == 0, outcome.said
    found = checks(outcome)
    assert {entry["state"] for entry in found.values()} == {"ok"}
    component = endpoints[TGI]["InferenceComponentName"]
    assert found[f"copies of {component}"]["said"] == "8 live, the template requests 8"
    assert found["quota ml.p4d.24xlarge"]["said"] == f"2 for endpoints, {TGI} needs at most 1"
    assert [what for what in found if what.startswith("image 763104351884.dkr.ecr.us-west-2.amazonaws.com/")]
    assert preflight(TGI, template(TGI)).out.rstrip().endswith(f"{TGI} in us-west-2: ready to deploy")


def test_a_new_deployment_has_nothing_to_cut(embedded: EmbeddedAws, preflight: Preflight, template: Any) -> None:
    outcome = preflight("mistral-7b", template("mistral-7b"), "--json")
    assert outcome.code == 0, outcome.said
    assert checks(outcome)["stack mistral-7b"]["said"] == "the stack is new: no copies are removed or replaced"


def test_a_roll_on_full_instances_has_no_room(endpoints: Outputs, preflight: Preflight, template: Any) -> None:
    changed = template(TGI)
    of_type(changed, "Model")["PrimaryContainer"]["Environment"]["MAX_TOTAL_TOKENS"] = "3072"
    outcome = preflight(TGI, changed)
    assert outcome.code == 1
    assert "needs 1 free accelerator in addition to the live copies; 8 of 8 are in use" in outcome.said
    assert "fix: set instances=2, or reduce the copies first" in outcome.said
    of_type(changed, "EndpointConfig")["ProductionVariants"][0]["InitialInstanceCount"] = 2
    assert preflight(TGI, changed).code == 0


def test_a_change_that_comes_to_the_same_touches_nothing(
    endpoints: Outputs, preflight: Preflight, template: Any
) -> None:
    changed = template(TGI)
    changed["Mappings"]["Another"] = {"us-west-2": {"account": "1"}}
    environment = of_type(changed, "Model")["PrimaryContainer"]["Environment"]
    environment["HF_MODEL_ID"] = {"Fn::Join": ["/", environment["HF_MODEL_ID"].split("/")]}
    outcome = preflight(TGI, changed)
    assert outcome.code == 0, outcome.said
    assert "no component is replaced or gets a rolling update" in outcome.said


def test_a_roll_in_batches_needs_room_for_a_batch(endpoints: Outputs, preflight: Preflight, template: Any) -> None:
    changed = template(TGI)
    of_type(changed, "Model")["PrimaryContainer"]["Environment"]["MAX_TOTAL_TOKENS"] = "2048"
    variant = of_type(changed, "EndpointConfig")["ProductionVariants"][0]
    variant["ManagedInstanceScaling"] = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
    size = {"Type": "CAPACITY_PERCENT", "Value": 30}
    of_type(changed, "InferenceComponent")["DeploymentConfig"] = {"RollingUpdatePolicy": {"MaximumBatchSize": size}}
    outcome = preflight(TGI, changed)
    assert "a rolling update of 3 of" in outcome.said
    assert "needs 3 free accelerators in addition to the live copies; 8 of 16 are in use" in outcome.said


def test_a_component_of_another_id_needs_room_beside_the_one_it_replaces(
    endpoints: Outputs, preflight: Preflight, template: Any
) -> None:
    changed = template(TGI)
    (old,) = [key for key, part in changed["Resources"].items() if part["Type"].endswith("::InferenceComponent")]
    changed = json.loads(json.dumps(changed).replace(old, "Renamed"))
    outcome = preflight(TGI, changed)
    assert outcome.code == 1
    assert (
        "the start of 8 copies of the new component Renamed needs 8 free accelerators in addition to the live copies; "
        "8 of 8" in outcome.said
    )
    assert f"{endpoints[TGI]['InferenceComponentName']} is deleted only after its replacement runs" in outcome.said


def test_fewer_instances_than_the_live_copies_need(
    preflight: Preflight, template: Any, deploy: Deploy, assembly: Path, tmp_path: Path
) -> None:
    name = "starcoder2-15b"
    larger = template(name)
    of_type(larger, "EndpointConfig")["ProductionVariants"][0]["InitialInstanceCount"] = 2
    of_type(larger, "InferenceComponent")["RuntimeConfig"]["CopyCount"] = 4
    with deployed(larger, name, tmp_path):
        outcome = preflight(name, template(name))
    assert outcome.code == 1
    assert "4 live, the deployment sets 2: 2 would be removed" in outcome.said
    assert "2 instances run and the template allows 1, but 4 live copies need more" in outcome.said


class deployed:  # noqa: N801 (read as a word)
    """A stack of a changed template, gone afterwards."""

    def __init__(self, template: Template, name: str, folder: Path) -> None:
        self.name, self._folder = name, folder
        (folder / f"{name}.template.json").write_text(json.dumps(template))

    def __enter__(self) -> dict[str, str]:
        return create_stack(self._folder, self.name)

    def __exit__(self, *_: object) -> None:
        boto3.client("cloudformation").delete_stack(StackName=self.name)
        settled(self.name)


def test_copies_that_scaling_added_are_not_cut_unnoticed(
    embedded: EmbeddedAws, preflight: Preflight, template: Any, tmp_path: Path
) -> None:
    name = "starcoder2-15b"
    smaller = template(name)
    of_type(smaller, "InferenceComponent")["RuntimeConfig"]["CopyCount"] = 1
    with deployed(smaller, name, tmp_path) as outputs:
        component = outputs["InferenceComponentName"]
        boto3.client("sagemaker").update_inference_component_runtime_config(
            InferenceComponentName=component, DesiredRuntimeConfig={"CopyCount": 2}
        )
        same = preflight(name, smaller, "--json")
        assert same.code == 0, same.said
        assert checks(same)[f"copies of {component}"]["said"] == (
            "2 live, the template requests 1, but the deployment does not change the component"
        )
        changed = deepcopy(smaller)
        of_type(changed, "InferenceComponent")["Specification"]["StartupParameters"] = {
            "ContainerStartupHealthCheckTimeoutInSeconds": 999
        }
        outcome = preflight(name, changed, "--json")
        assert outcome.code == 1
        found = checks(outcome)[f"copies of {component}"]
        assert found["said"] == "2 live, the deployment sets 1: 1 would be removed"
        assert found["fix"].startswith("set copies=2 on the component")


def test_another_instance_type_is_not_judged_but_said(endpoints: Outputs, preflight: Preflight, template: Any) -> None:
    changed = template(VLLM)
    of_type(changed, "EndpointConfig")["ProductionVariants"][0]["InstanceType"] = "ml.g6e.2xlarge"
    outcome = preflight(VLLM, changed)
    assert outcome.code == 0
    assert "the instance type changes, and how SageMaker then moves components is not known" in outcome.said
    assert "1 could not be checked" in outcome.said


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        ("UPDATE_IN_PROGRESS", "replicas status"),
        ("ROLLBACK_COMPLETE", "npx cdk destroy"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("DELETE_FAILED", "replicas teardown"),
    ],
)
def test_a_stack_that_cannot_be_updated(status: str, fix: str) -> None:
    from replicas.preflight.live import _stack

    found = _stack("x", status)
    assert (found.state, fix in found.fix) == ("fault", True)


# ---- what the template alone tells


def test_a_template_that_does_not_fit(embedded: EmbeddedAws, preflight: Preflight, template: Any) -> None:
    changed = template("mistral-7b")
    of_type(changed, "InferenceComponent")["RuntimeConfig"]["CopyCount"] = 5
    outcome = preflight("mistral-7b", changed)
    assert outcome.code == 1
    assert "[over-committed]" in outcome.said


def test_a_region_that_does_not_have_it(embedded: EmbeddedAws, preflight: Preflight, template: Any) -> None:
    outcome = preflight("mistral-7b", template("mistral-7b"), "--region", "eu-west-3")
    assert outcome.code == 1
    assert "CloudFormation does not know AWS::SageMaker::InferenceComponent in eu-west-3" in outcome.said


def test_without_a_template_it_says_what_writes_one(
    run: Run, embedded: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run("preflight", "x")
    assert outcome.code == 1
    assert "there is no template cdk.out/x.template.json: run `npx cdk synth --quiet x`" in outcome.err
    assert run("preflight", "x", "--template", "none.json").err == "there is no template none.json\n"
    (tmp_path / "none.json").write_text("[]")
    assert "not a CloudFormation template" in run("preflight", "x", "--template", "none.json").err


def test_a_template_older_than_the_deployments_is_said_to_be(
    run: Run, embedded: EmbeddedAws, assembly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdk.out").mkdir()
    copy = tmp_path / "cdk.out" / "mistral-7b.template.json"
    copy.write_text((assembly / "mistral-7b.template.json").read_text())
    assert "older than" not in run("preflight", "mistral-7b").said
    (tmp_path / "deployments.py").write_text("DEPLOYMENTS = []")
    assert "older than deployments.py" in run("preflight", "mistral-7b").said


# ---- what the account must have


TOPIC = "arn:aws:sns:us-west-2:123456789012:alarms"
NAME = "mistral-7b"


_ON_INTERFACES = ("CreateNetworkInterface", "CreateNetworkInterfacePermission", "DeleteNetworkInterface")
_OF_NETWORKS = ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
RIGHTS = [
    {
        "Effect": "Allow",
        "Action": [f"ec2:{name}" for name in (*_ON_INTERFACES, *(f"Describe{name}" for name in _OF_NETWORKS))],
        "Resource": "*",
    },
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::preflight-weights/tiny/*"},
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::preflight-weights"},
]
"""What the role of the demanding template must be allowed in addition."""


@pytest.fixture
def demanding(template: Any) -> Template:
    """A template that names one thing of every kind outside of it."""
    content: Template = template(NAME)
    config, model = of_type(content, "EndpointConfig"), of_type(content, "Model")
    config["VpcConfig"] = {"Subnets": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-0123456789abcdef0"]}
    config["KmsKeyId"] = "alias/weights-key"
    container = model["PrimaryContainer"]
    container["Environment"]["TOKEN_OF_THE_HUB"] = "{{resolve:secretsmanager:hub-token:SecretString:token::}}"  # noqa: S105
    container["Image"] = {"Fn::Sub": "763104351884.dkr.ecr.${AWS::Region}.amazonaws.com/huggingface-vllm:none"}
    source = {"S3Uri": "s3://preflight-weights/tiny/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    container["ModelDataSource"] = {"S3DataSource": source}
    alarm = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocations",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [{"Fn::Sub": "arn:aws:sns:${AWS::Region}:${AWS::AccountId}:alarms"}],
    }
    (role,) = [entry for entry in content["Resources"].values() if entry["Type"] == "AWS::IAM::Role"]
    document = {"Version": "2012-10-17", "Statement": RIGHTS}
    role["Properties"].setdefault("Policies", []).append({"PolicyName": "More", "PolicyDocument": document})
    content["Resources"]["Alarm"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}
    return content


@pytest.fixture
def provided(embedded: EmbeddedAws, demanding: Template) -> Iterator[Template]:
    """The same with everything there."""
    ec2, kms, s3 = boto3.client("ec2"), boto3.client("kms"), boto3.client("s3")
    config = of_type(demanding, "EndpointConfig")
    vpc = ec2.describe_subnets()["Subnets"][0]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["SecurityGroups"]
    config["VpcConfig"] = {"Subnets": [vpc["SubnetId"]], "SecurityGroupIds": [groups[0]["GroupId"]]}
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/weights-key", TargetKeyId=key)
    boto3.client("sns").create_topic(Name="alarms")
    boto3.client("secretsmanager").create_secret(Name="hub-token", SecretString='{"token": "the-secret-value"}')
    s3.create_bucket(Bucket="preflight-weights", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="preflight-weights", Key="tiny/config.json", Body=b"{}")
    tag = "0.29.0-transformers5.15.0-gpu-py312-cu130-ubuntu24.04-v1.0"
    of_type(demanding, "Model")["PrimaryContainer"]["Image"]["Fn::Sub"] = (
        f"763104351884.dkr.ecr.${{AWS::Region}}.amazonaws.com/huggingface-vllm:{tag}"
    )
    yield demanding
    embedded.faults.clear()
    kms.delete_alias(AliasName="alias/weights-key")
    boto3.client("sns").delete_topic(TopicArn=TOPIC)
    boto3.client("secretsmanager").delete_secret(SecretId="hub-token", ForceDeleteWithoutRecovery=True)
    for entry in s3.list_objects_v2(Bucket="preflight-weights").get("Contents", []):
        s3.delete_object(Bucket="preflight-weights", Key=entry["Key"])
    s3.delete_bucket(Bucket="preflight-weights")


KINDS = ("secret", "image", "weights", "subnet", "security group", "key", "topic")


def outside(outcome: Outcome) -> dict[str, dict[str, str]]:
    """The checks of things outside the template, by their kind."""
    return {kind: entry for kind in KINDS for what, entry in checks(outcome).items() if what.startswith(f"{kind} ")}


def test_everything_that_is_missing_is_named_at_once(
    embedded: EmbeddedAws, preflight: Preflight, demanding: Template
) -> None:
    outcome = preflight(NAME, demanding, "--json")
    assert outcome.code == 1
    found = outside(outcome)
    assert {kind: entry["state"] for kind, entry in found.items()} == dict.fromkeys(KINDS, "fault")
    assert all(entry["fix"] for entry in found.values())
    assert found["image"]["said"] == "the registry has no such image (ImageNotFound)"
    assert found["topic"]["what"] == f"topic {TOPIC}"


def test_everything_that_is_there_is_found(preflight: Preflight, provided: Template) -> None:
    outcome = preflight(NAME, provided, "--json")
    assert {kind: entry["state"] for kind, entry in outside(outcome).items()} == dict.fromkeys(KINDS, "ok"), outcome.out
    assert "the-secret-value" not in outcome.said


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("secret", "secretsmanager:GetSecretValue"),
        ("image", "ecr:*"),
        ("subnet", "ec2:DescribeSubnets"),
        ("security group", "ec2:DescribeSecurityGroups"),
        ("key", "kms:*"),
        ("topic", "sns:*"),
    ],
)
def test_what_may_not_be_asked_is_unknown_and_no_fault(
    preflight: Preflight, provided: Template, embedded: EmbeddedAws, quick_retries: None, kind: str, action: str
) -> None:
    embedded.faults.add(Fault(FaultKind.ACCESS_DENIED, action))
    outcome = preflight(NAME, provided, "--json")
    assert outcome.code == 0, outcome.said
    found = outside(outcome)
    assert found.pop(kind)["state"] == "unknown"
    assert {entry["state"] for entry in found.values()} == {"ok"}


@pytest.mark.parametrize("action", ["cloudformation:DescribeStacks", "service-quotas:*", "sagemaker:ListEndpoints"])
@pytest.mark.parametrize("kind", [FaultKind.ACCESS_DENIED, FaultKind.THROTTLING])
def test_a_service_that_refuses_hides_no_other_check(
    endpoints: Outputs, preflight: Preflight, template: Any, embedded: EmbeddedAws, quick_retries: None, action: str,
    kind: FaultKind,
) -> None:  # fmt: skip
    embedded.faults.add(Fault(kind, action))
    outcome = preflight(TGI, template(TGI), "--json")
    assert outcome.code == 0
    states = [entry["state"] for entry in checks(outcome).values()]
    # Without the stacks neither the live copies nor the owner of each endpoint is known.
    assert states.count("unknown") == (2 if action == "cloudformation:DescribeStacks" else 1)
    assert states.count("ok") >= 4


def test_expired_credentials_are_one_fault(embedded: EmbeddedAws, preflight: Preflight, template: Any) -> None:
    embedded.faults.add(Fault(FaultKind.EXPIRED_CREDENTIALS))
    outcome = preflight(TGI, template(TGI), "--json")
    assert outcome.code == 1
    assert list(checks(outcome)) == ["template", "proof", "credentials"]


def test_a_secret_without_the_key_that_is_taken(preflight: Preflight, provided: Template) -> None:
    for value in ('{"other": "the-secret-value"}', "the-secret-value"):
        boto3.client("secretsmanager").put_secret_value(SecretId="hub-token", SecretString=value)
        outcome = preflight(NAME, provided)
        assert "its string is not JSON with a key 'token'" in outcome.said
        assert "the-secret-value" not in outcome.said


def test_a_key_that_is_disabled(preflight: Preflight, provided: Template) -> None:
    boto3.client("kms").disable_key(
        KeyId=boto3.client("kms").describe_key(KeyId="alias/weights-key")["KeyMetadata"]["KeyId"]
    )
    outcome = preflight(NAME, provided)
    assert "it is Disabled" in outcome.said
    assert "aws kms enable-key --key-id" in outcome.said


def test_weights_whose_staging_was_interrupted(preflight: Preflight, provided: Template) -> None:
    from replicas.aws.session import Aws
    from replicas.staging.bucket import parse_destination
    from replicas.staging.manifest import Manifest, write_manifest

    url = "s3://preflight-weights/tiny/"
    manifest = Manifest("org/tiny", "c" * 40, url, is_complete=False, kms_key=None, files=())
    write_manifest(Aws(), parse_destination(url), manifest)
    outcome = preflight(NAME, provided)
    assert outcome.code == 1
    assert f"fix: replicas stage org/tiny {url} --revision {'c' * 40}" in outcome.said


def test_instances_of_other_endpoints_count_against_the_quota(
    endpoints: Outputs, preflight: Preflight, template: Any
) -> None:
    changed = template("llama-2-7b")  # the same instance type as what runs
    of_type(changed, "EndpointConfig")["ProductionVariants"][0]["InitialInstanceCount"] = 2
    outcome = preflight("llama-2-7b", changed, "--json")
    found = checks(outcome)["quota ml.p4d.24xlarge"]
    assert found["said"] == "2 for endpoints, llama-2-7b needs at most 2, and 1 runs on other endpoints"
    assert "--desired-value 3" in found["fix"]


# ---- what a template needs


def test_what_the_template_makes_itself_is_not_asked_for() -> None:
    template = {
        "Parameters": {"Image": {"Type": "String"}},
        "Resources": {
            "Key": {"Type": "AWS::KMS::Key", "Properties": {}},
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "Key"}}},
            "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmActions": [{"Ref": "Topic"}]}},
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {
                    "PrimaryContainer": {
                        "Image": {"Ref": "Image"},
                        "Environment": {
                            "A": "{{resolve:secretsmanager:plain}}",
                            "B": {
                                "Fn::Join": [
                                    "",
                                    [
                                        "{{resolve:secretsmanager:arn:aws:secretsmanager:",
                                        {"Ref": "AWS::Region"},
                                        ":",
                                        {"Ref": "AWS::AccountId"},
                                        ":secret:by-arn-AbCdEf:SecretString:::}}",
                                    ],
                                ]
                            },
                        },
                    }
                },
            },
        },
    }
    needs = needs_of(declared_in(template, "us-west-2"), "123456789012")
    arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:by-arn-AbCdEf"
    assert list(needs.secrets) == [("plain", None), (arn, None)]
    assert not needs.keys
    assert not needs.topics
    assert not needs.images
    assert list(needs.unknown) == ["Model: Image is known only at deployment"]


def test_a_fixed_endpoint_name_is_told_apart(endpoints: Outputs, preflight: Preflight, template: Any) -> None:
    """The endpoint that is deployed is a stranger to another stack, and its own stack's own."""
    name = endpoints[TGI]["EndpointName"]
    other = template("mistral-7b")
    of_type(other, "Endpoint")["EndpointName"] = name
    outcome = preflight("mistral-7b", other, "--json")
    assert outcome.code == 1
    assert checks(outcome)[f"endpoint {name}"]["said"] == "another resource in us-west-2 already has the name"


def test_a_stack_of_other_resources_has_the_name(endpoints: Outputs, preflight: Preflight) -> None:
    topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    outcome = preflight(TGI, topic, "--json")
    assert outcome.code == 1
    assert "the deployment would delete all these resources" in checks(outcome)[f"stack name {TGI}"]["said"]


def test_a_template_that_can_never_be_deployed(embedded: EmbeddedAws, preflight: Preflight, template: Any) -> None:
    never = [{"Assert": {"Fn::Equals": ["a", "b"]}, "AssertDescription": "9 copies need 9 accelerators"}]
    outcome = preflight(TGI, {**template(TGI), "Rules": {"Never": {"Assertions": never}}}, "--json")
    assert outcome.code == 1
    assert checks(outcome)["refused"]["said"].endswith("refuses this template: 9 copies need 9 accelerators")
