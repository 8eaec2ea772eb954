"""Each rule of practice, broken once; a template that keeps them all; and reasons that answer for a finding."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.catalogue.instances import instance_types
from replicas.rules import PRACTICE_RULES, RULES, Message, check, check_practice
from replicas.rules.practice.encryption import has_local_storage
from tests.rules.base import (
    TGI,
    Template,
    alarm,
    container_of,
    good,
    properties_of,
    target,
    variant_of,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "@sha256:" + "0" * 64
OWN = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/server"


def sound() -> Template:
    """`good()`, as an operations team would let it carry traffic."""
    template = good()
    resources = template["Resources"]
    for logical_id in ("Model", "Config", "Endpoint", "Llama"):
        resources[logical_id]["Properties"]["Tags"] = [{"Key": "team", "Value": "search"}]
    container_of(template)["Environment"] |= {"HF_MODEL_ID": "org/model", "HF_MODEL_REVISION": COMMIT}
    properties_of(template, "Config")["VpcConfig"] = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    for metric in ("Invocation5XXErrors", "InvocationModelErrors", "ModelLatency", "NoCapacityInvocationFailures"):
        resources[metric] = alarm(metric, actions=["arn:aws:sns:us-east-1:123456789012:on-call"])
    return template


def trusts(principal: Any, **more: Any) -> Template:
    """A statement of a trust policy."""
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **more}


def findings(template: Template) -> list[Message]:
    """All findings of practice."""
    report = check_practice(template)
    return [*report.problems, *report.warnings]


def test_a_sound_template_keeps_every_rule() -> None:
    report = check(sound(), practice=True)

    assert (report.problems, report.warnings, report.acknowledged) == ((), (), ())


def allow(action: str, resource: Any, **more: Any) -> Callable[[Template], None]:
    """Give the role a right."""

    def change(template: Template) -> None:
        statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
        properties_of(template, "Role")["Policies"].append({"PolicyDocument": {"Statement": [statement]}})

    return change


def trust(principal: Any, **more: Any) -> Callable[[Template], None]:
    """Change whom the role trusts."""
    return lambda template: properties_of(template, "Role").update(
        AssumeRolePolicyDocument={"Statement": [trusts(principal, **more)]}
    )


def image(name: Any, **more: Any) -> Callable[[Template], None]:
    """Change the image."""
    return lambda template: container_of(template).update(Image=name, **more)


def variable(name: str, value: Any) -> Callable[[Template], None]:
    """Set a variable."""
    return lambda template: container_of(template)["Environment"].update({name: value})


def config(**changes: Any) -> Callable[[Template], None]:
    """Change the endpoint config."""
    return lambda template: properties_of(template, "Config").update(changes)


def variant(**changes: Any) -> Callable[[Template], None]:
    """Change the variant."""
    return lambda template: variant_of(template).update(changes)


def without(logical_id: str, name: str) -> Callable[[Template], None]:
    """Take a property away."""
    return lambda template: properties_of(template, logical_id).pop(name)


def rolls(template: Template) -> None:
    """A rolling update without alarms."""
    size = {"Type": "COPY_COUNT", "Value": 1}
    properties_of(template, "Llama")["DeploymentConfig"] = {"RollingUpdatePolicy": {"MaximumBatchSize": size}}


def scaled(copies: int, *, most: int, most_instances: int = 1) -> Callable[[Template], None]:
    """Copies that scale from 2 up, on instances that follow them."""

    def change(template: Template) -> None:
        template["Resources"]["Target"] = target(2, most)
        properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = copies
        if most_instances > 1:
            bounds = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": most_instances}
            variant_of(template)["ManagedInstanceScaling"] = bounds

    return change


def copies(count: int) -> Callable[[Template], None]:
    """A number of copies on the 8 accelerators of a p4d."""

    def change(template: Template) -> None:
        properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = count

    return change


def silent(template: Template) -> None:
    properties_of(template, "ModelLatency")["AlarmActions"] = []


def composed(template: Template) -> None:
    """An alarm without actions of its own that a composite alarm watches."""
    silent(template)
    rule = {"Fn::Sub": 'ALARM("${ModelLatency}")'}
    template["Resources"]["Any"] = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": rule}}


def rolled_back(template: Template) -> None:
    """An alarm without actions that takes a rolling update back."""
    silent(template)
    rolls(template)
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = 7
    configuration = {"Alarms": [{"AlarmName": {"Ref": "ModelLatency"}}]}
    properties_of(template, "Llama")["DeploymentConfig"]["AutoRollbackConfiguration"] = configuration


def on_a_branch(template: Template) -> None:
    container_of(template)["Environment"]["HF_MODEL_REVISION"] = "main"


OF_ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
OF_TAG = {"StringEquals": {"aws:PrincipalTag/team": "search"}}
CAPTURE = {"EnableCapture": True, "DestinationS3Uri": {"Fn::Sub": "s3://${Bucket}/captured"}}
BREAKS: list[tuple[str, str, Callable[[Template], Any]]] = [
    ("capture-elsewhere", "Config", config(DataCaptureConfig={"DestinationS3Uri": "s3://theirs/x", "KmsKeyId": "k"})),
    ("capture-without-key", "Config", config(DataCaptureConfig=CAPTURE)),
    ("component-without-alarms", "Llama", lambda template: template["Resources"].pop("ModelLatency")),
    ("accelerators-idle", "Endpoint", copies(7)),
    ("alarm-without-action", "Llama", silent),
    ("copies-not-the-floor", "Llama", scaled(8, most=16, most_instances=2)),
    ("scaling-saves-nothing", "Target", scaled(2, most=8)),
    ("scaling-saves-nothing", "Target", scaled(2, most=8, most_instances=2)),
    ("hub-without-revision", "Model", lambda template: container_of(template)["Environment"].pop("HF_MODEL_REVISION")),
    ("hub-without-revision", "Model", on_a_branch),
    ("image-elsewhere", "Model", image("210987654321.dkr.ecr.us-east-1.amazonaws.com/server:1.0" + DIGEST)),
    ("image-from-public-registry", "Model", image("org/tgi-server:1.0")),
    ("image-from-public-registry", "Model", image("public.ecr.aws/x/server:1.0")),
    ("image-tag-moves", "Model", image(TGI.partition(":")[0])),
    ("image-tag-moves", "Model", image(TGI.partition(":")[0] + ":latest")),
    ("image-tag-moves", "Model", image(TGI.partition(":")[0] + ":server-sagemaker-cuda-v2")),
    ("image-without-digest", "Model", image({"Fn::Sub": OWN + ":1.0"})),
    ("key-missing", "Config", variant(InstanceType="ml.inf2.48xlarge")),
    ("key-missing", "Config", variant(InstanceType="ml.c7i.4xlarge")),
    ("key-without-effect", "Config", config(KmsKeyId="alias/key")),
    ("not-isolated", "Model", without("Config", "VpcConfig")),
    ("role-reaches-all-buckets", "Role", allow("s3:GetObject", "*")),
    ("role-reaches-all-buckets", "Role", allow("s3:GetObject", {"Fn::Sub": "arn:${AWS::Partition}:s3:::*/*"})),
    ("role-reaches-secrets", "Role", allow("iam:PassRole", "*")),
    ("role-reaches-secrets", "Role", allow("kms:Decrypt", {"Fn::Sub": "arn:aws:kms:${AWS::Region}:1:key/*"})),
    ("role-trusts-anyone", "Role", trust("*")),
    ("role-trusts-anyone", "Role", trust({"AWS": ["*"]})),
    (
        "role-trusts-others",
        "Role",
        trust({"Service": ["sagemaker.amazonaws.com", "lambda.amazonaws.com"]}, Condition=OF_ACCOUNT),
    ),
    ("role-with-wildcards", "Role", allow("logs:*", "arn:aws:logs:us-east-1:111122223333:log-group:/aws/sagemaker/*")),
    ("role-open-to-other-accounts", "Role", trust({"Service": "sagemaker.amazonaws.com"})),
    ("role-open-to-other-accounts", "Role", trust({"Service": ["sagemaker.amazonaws.com"]}, Condition=OF_TAG)),
    ("bucket-of-any-account", "Role", allow("s3:GetObject", "arn:aws:s3:::bucket/x/*")),
    ("bucket-of-any-account", "Role", allow("s3:Get*", {"Fn::Sub": "arn:${AWS::Partition}:s3:::bucket/*"})),
    ("metrics-of-any-namespace", "Role", allow("cloudwatch:PutMetricData", "*")),
    ("roll-without-rollback", "Llama", rolls),
    ("secret-in-environment", "Model", variable("DATABASE_PASSWORD", "tr0ub4dor")),
    ("secret-in-environment", "Model", variable("KEYS", "AKIA" + "ABCDEFGHIJKLMNOP")),
    ("secret-shown-by-describe", "Model", variable("HF_TOKEN", "{{resolve:secretsmanager:hf:SecretString:::}}")),
    ("secret-shown-by-describe", "Model", variable("HF_TOKEN", {"Ref": "Token"})),
    ("shell-access", "Config", variant(EnableSSMAccess=True)),
    ("untagged", "Endpoint", without("Endpoint", "Tags")),
]


@pytest.mark.parametrize(("rule", "logical_id", "change"), BREAKS)
def test_a_rule_that_is_broken(rule: str, logical_id: str, change: Callable[[Template], Any]) -> None:
    template = sound()
    template["Parameters"] = {"Token": {"Type": "String", "NoEcho": True}}
    template["Resources"]["Bucket"] = {"Type": "AWS::S3::Bucket"}
    change(template)

    (finding,) = findings(template)

    assert (finding.rule, finding.logical_id) == (rule, logical_id)
    assert finding.certain == (PRACTICE_RULES[rule].severity == "problem")
    assert finding.what
    assert finding.fix


SOUND: list[Callable[[Template], Any]] = [
    composed,
    rolled_back,
    scaled(2, most=16, most_instances=2),
    config(DataCaptureConfig={**CAPTURE, "KmsKeyId": "alias/key"}),
    image("vllm.internal/server:1.0", ImageConfig={"RepositoryAccessMode": "Vpc"}),
    image({"Fn::Sub": OWN + ":1.0" + DIGEST}),
    image({"Fn::Join": ["", [{"Fn::GetAtt": ["Repository", "RepositoryUri"]}, DIGEST]]}),
    image({"Ref": "Image"}),
    allow("s3:GetObject", {"Fn::Sub": "${Bucket.Arn}/weights/*"}),
    allow("s3:GetObject", "arn:aws:s3:::bucket/*", Condition={"StringEquals": {"s3:ResourceAccount": "210987654321"}}),
    trust({"Service": "sagemaker.amazonaws.com"}, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:*:1:*"}}),
    allow("kms:Decrypt", "arn:aws:kms:us-east-1:1:key/0123"),
    variable("MAX_BATCH_TOTAL_TOKENS", "16384"),
    variable("TOKENIZERS_PARALLELISM", "false"),
    variable("BOS_TOKEN", "<s>"),
    variable("API_KEY", ""),
    variable("HF_TOKEN_PATH", "/opt/ml/model/token"),
]


@pytest.mark.parametrize("change", SOUND)
def test_what_is_no_finding(change: Callable[[Template], Any]) -> None:
    template = sound()
    template["Parameters"] = {"Image": {"Type": "String"}}
    template["Resources"]["Bucket"] = {"Type": "AWS::S3::Bucket"}
    template["Resources"]["Repository"] = {"Type": "AWS::ECR::Repository"}
    change(template)

    assert findings(template) == []


def test_a_bucket_with_a_key_needs_none_on_the_capture() -> None:
    template = sound()
    encryption = [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
    template["Resources"]["Bucket"] = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"BucketEncryption": {"ServerSideEncryptionConfiguration": encryption}},
    }
    config(DataCaptureConfig=CAPTURE)(template)

    assert findings(template) == []


def test_what_the_proof_finds_is_not_told_twice() -> None:
    template = sound()
    allow("*", "*")(template)
    variable("HF_TOKEN", "hf_" + "a1B2c3D4e5F6g7H8")(template)

    report = check(template, practice=True)

    assert [problem.rule for problem in report.problems] == ["token-in-template", "role-too-wide"]


def test_every_rule_is_tested_and_no_id_is_used_twice() -> None:
    of_recognised_containers = {"one-request-at-a-time"}  # tests/rules/test_memory.py
    assert {rule for rule, _, _ in BREAKS} | of_recognised_containers == set(PRACTICE_RULES)
    assert not set(PRACTICE_RULES) & set(RULES)


def test_practice_is_asked_for() -> None:
    assert check(good()).warnings == ()
    assert check(good(), practice=True).warnings


@pytest.mark.parametrize("instance_type", instance_types())
def test_local_storage_is_that_of_the_table(instance_type: str) -> None:
    assert has_local_storage(instance_type) == (instance_types()[instance_type].nvme_gb > 0)


@pytest.mark.parametrize(
    ("instance_type", "local"),
    [("ml.c5.xlarge", False), ("ml.c5d.xlarge", True), ("ml.m6gd.large", True), ("ml.r7i.large", False)],
)
def test_local_storage_of_families_without_accelerators(instance_type: str, local: bool) -> None:
    assert has_local_storage(instance_type) == local


def test_of_other_families_nobody_knows() -> None:
    assert has_local_storage("ml.z9.large") is None


# Reasons


def acknowledging(place: Template, rule: str, reason: Any) -> None:
    place.setdefault("Metadata", {})["replicas"] = {"acknowledged": {rule: reason}}


@pytest.mark.parametrize("logical_id", ["Model", None])
def test_a_reason_answers_for_a_finding(logical_id: str | None) -> None:
    template = sound()
    without("Config", "VpcConfig")(template)
    acknowledging(template["Resources"][logical_id] if logical_id else template, "not-isolated", "weights of the Hub")

    report = check_practice(template)

    assert (report.problems, report.warnings) == ((), ())
    (entry,) = report.acknowledged
    assert (entry.finding.rule, entry.reason) == ("not-isolated", "weights of the Hub")
    assert report.to_document()["acknowledged"][0]["reason"] == "weights of the Hub"


def test_a_problem_of_the_proof_is_answered_for_too() -> None:
    template = good()
    properties_of(template, "Config")["EndpointConfigName"] = "fixed"
    acknowledging(template["Resources"]["Config"], "fixed-name", "never changed")

    assert check(template).problems == ()


@pytest.mark.parametrize("reason", ["", "  ", None, True, ["x"], {"x": 1}])
def test_a_reason_without_a_text_is_none(reason: Any) -> None:
    template = sound()
    without("Config", "VpcConfig")(template)
    acknowledging(template["Resources"]["Model"], "not-isolated", reason)

    assert [finding.rule for finding in findings(template)] == ["not-isolated"]


@given(st.sampled_from(["Role", "Config", "Endpoint", "Llama"]), st.sampled_from(sorted(PRACTICE_RULES)))
def test_a_reason_answers_for_its_own_rule_and_resource_alone(logical_id: str, rule: str) -> None:
    template = sound()
    without("Config", "VpcConfig")(template)
    acknowledging(template["Resources"][logical_id], rule, "a reason")

    assert [finding.rule for finding in findings(template)] == ["not-isolated"]


def test_the_fixes_name_what_sagemaker_knows() -> None:
    """Words in the fixes that look like properties are members of the service's shapes."""
    service = botocore.session.get_session().get_service_model("sagemaker")
    shapes = [service.shape_for(name) for name in service.shape_names]
    names = {member for shape in shapes if shape.type_name == "structure" for member in shape.members}
    fixes = [finding.fix for _, _, change in BREAKS for finding in findings(changed(change))]
    told = {word for fix in fixes for word in re.findall(r"\b[A-Z][a-z]+(?:[A-Z]\w*)+\b", fix)}

    assert len(told & names) >= 6
    assert told - names <= {
        *("AccountId", "AlarmActions", "CloudWatch", "GetObject", "InferenceComponentName"),
        *("ResourceAccount", "SourceAccount", "StringEquals", "StringLike"),  # IAM's
    }


def changed(change: Callable[[Template], Any]) -> Template:
    template = sound()
    change(template)
    return template
