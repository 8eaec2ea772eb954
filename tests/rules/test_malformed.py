"""Nothing that somebody writes into a template breaks the checker."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.errors import ProofError
from replicas.rules import check
from replicas.template.load import parse
from tests.examples import examples
from tests.rules.base import NAME_OF_LLAMA, component, good, target, wake

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    0.5,
    float("nan"),
    float("inf"),
    10**400,
    "",
    "${",
    "x",
    "{{resolve:ssm:x}}",
    [],
    [[]],
    {},
    {"Ref": "AWS::NoValue"},
    {"Ref": "Missing"},
    {"Ref": []},
    {"Ref": "Llama"},
    {"Ref": "P"},
    {"Condition": "C"},
    {"Fn::GetAtt": ["Llama"]},
    {"Fn::GetAtt": [[], {}]},
    {"Fn::Sub": {}},
    {"Fn::Sub": ["${a}", []]},
    {"Fn::Join": ["", [[], {}]]},
    {"Fn::Join": [1, 2]},
    {"Fn::Split": ["", "x"]},
    {"Fn::Select": ["x", []]},
    {"Fn::Select": [-1, ["a"]]},
    {"Fn::FindInMap": [[], {}, 1]},
    {"Fn::If": ["C", 1, 2]},
    {"Fn::If": [[], 1, 2]},
    {"Fn::Nothing": 1},
    {"Fn::If": 1, "Ref": 2},
    {1: 2},
    b"bytes",
    {"a", "b"},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value in a structure."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def full() -> dict[str, Any]:
    """A template with something in every section and property that is read."""
    template = good()
    template["Parameters"] = {"P": {"Type": "String", "Default": "x"}}
    template["Mappings"] = {"M": {"a": {"b": "c"}}}
    template["Conditions"] = {
        "C": {"Fn::And": [{"Fn::Equals": [{"Ref": "P"}, "x"]}, {"Fn::Not": [{"Condition": "C"}]}]}
    }
    resources = template["Resources"]
    resources["Role"]["Properties"] |= {
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess", {"Ref": "Policy"}],
        "Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": ["a:b"], "Resource": ["*"]}]}}],
    }
    resources["Policy"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"Roles": [{"Ref": "Role"}]}}
    variant = resources["Config"]["Properties"]["ProductionVariants"][0]
    variant |= {
        "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2},
        "InferenceAmiVersion": "al2023-ami-sagemaker-inference-gpu-4-1",
        "ModelDataDownloadTimeoutInSeconds": 600,
    }
    resources["Llama"]["Condition"] = "C"
    specification = resources["Llama"]["Properties"]["Specification"]
    specification["Container"] = {
        "Image": "a/huggingface-vllm:cu130",
        "Environment": {"HF_LMCACHE_CPU_FRACTION": "0.1"},
    }
    resources["Llama"]["Properties"]["DeploymentConfig"] = {
        "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1}},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "x"}]},
    }
    resources["Target"] = target(0, 9)
    resources["Target"]["Properties"]["ScheduledActions"] = [{"ScalableTargetAction": {"MinCapacity": 1}}]
    wake(template)
    resources["NoCapacity"]["Properties"]["Metrics"] = [{"MetricStat": {"Metric": {"MetricName": "x"}}}]
    resources["Adapter"] = {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": {
            "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
            "Specification": {
                "BaseInferenceComponentName": NAME_OF_LLAMA,
                "Container": {"ArtifactUrl": "s3://bucket/adapter"},
            },
        },
    }
    resources["Config"]["Properties"] |= {
        "EnableNetworkIsolation": True,
        "KmsKeyId": "k",
        "DataCaptureConfig": {"DestinationS3Uri": "s3://bucket/x", "KmsKeyId": "k"},
        "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": {"Fn::Sub": "s3://${Bucket}/x"}}},
    }
    resources["Bucket"] = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
            }
        },
    }
    resources["Llama"]["Metadata"] = {"replicas": {"acknowledged": {"untagged": "a reason"}}}
    resources["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"] = [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    ]
    pool = {
        "VariantName": "Pool",
        "InitialInstanceCount": 1,
        "InstancePools": [{"InstanceType": "ml.g5.12xlarge", "Priority": 1}],
    }
    resources["Config"]["Properties"]["ProductionVariants"].append(pool)
    pooled = component(copies=9)
    specification_of_pool = {**pooled["Properties"].pop("Specification"), "InstanceType": "ml.g5.12xlarge"}
    pooled["Properties"] |= {"VariantName": "Pool", "Specifications": [specification_of_pool]}
    resources["Pooled"] = pooled
    specification["StartupParameters"] = {"ContainerStartupHealthCheckTimeoutInSeconds": 600}
    return template


PLACES = [place for place in places(full()) if place]


@pytest.mark.slow
@examples(100)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(ODD)), min_size=1, max_size=3))
def test_odd_values_anywhere_are_reported_or_refused(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    template = copy.deepcopy(full())
    for (*way, last), odd in changes:
        parent: Any = template
        for key in way:
            parent = parent[key] if isinstance(parent, dict | list) and key in keys_of(parent) else None
        if isinstance(parent, dict | list) and last in keys_of(parent):
            parent[last] = copy.deepcopy(odd)

    try:
        report = check(template, practice=True)
    except ProofError:
        assert not isinstance(template["Resources"], dict)
    else:
        json.dumps(report.to_document())


def keys_of(parent: dict[Any, Any] | list[Any]) -> Any:
    return parent if isinstance(parent, dict) else range(len(parent))


@pytest.mark.slow
@examples(100)
@given(
    st.recursive(st.sampled_from(ODD), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
)
def test_any_properties_of_any_resource(properties: Any) -> None:
    kinds = ("Model", "EndpointConfig", "Endpoint", "InferenceComponent")
    resources = {kind: {"Type": f"AWS::SageMaker::{kind}", "Properties": properties} for kind in kinds}

    json.dumps(check({"Resources": resources}, practice=True).to_document())


@examples(100)
@given(st.text(alphabet="Resouc:{}[]!&*#-\n \"'aRef,1?|>%@`\t", max_size=60))
def test_any_text_is_a_template_or_refused(text: str) -> None:
    try:
        template = parse(text)
    except ProofError:
        return
    check(template, practice=True)


def test_yaml_that_holds_itself() -> None:
    text = "Resources: {A: &a {Type: 'AWS::SageMaker::Model', Properties: *a, Environment: [*a, *a]}}"

    with pytest.raises(ProofError, match="a YAML alias is inside the value that it refers to"):
        parse(text)
