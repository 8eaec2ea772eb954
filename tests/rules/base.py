"""A small template without a fault; each test breaks one thing of it."""

from __future__ import annotations

from typing import Any

from replicas.rules import Message, Report, check

TGI = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/"
    "huggingface-pytorch-tgi-inference:2.7.0-tgi3.3.6-gpu-py311-cu124-ubuntu22.04"
)
VLLM = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"
HUGGINGFACE_VLLM = (
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/"
    "huggingface-vllm:0.17.0-transformers4.57.5-gpu-py312-cu129-ubuntu22.04"
)

MODEL = "NousResearch/Llama-2-7b-chat-hf"

Template = dict[str, Any]

EVERYWHERE = (
    *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
    *("ecr:GetAuthorizationToken", "logs:CreateLogStream", "logs:PutLogEvents"),
    *("ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"),
    *("ec2:DeleteNetworkInterfacePermission", "ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces"),
    *("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
)
"""Actions that serving needs on resources of any name (SageMaker guide, execution roles, CreateModel API)."""


def good() -> Template:
    """One p4d with 8 copies of a model on one accelerator each, as the article has it."""
    return {
        "Resources": {
            "Role": role(),
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {
                    "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "PrimaryContainer": {"Image": TGI, "Environment": {"HF_MODEL_ID": MODEL, "SM_NUM_GPUS": "1"}},
                },
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Properties": {
                    "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "ProductionVariants": [
                        {"VariantName": "AllTraffic", "InstanceType": "ml.p4d.24xlarge", "InitialInstanceCount": 1}
                    ],
                },
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
            },
            "Llama": component(),
        },
    }


def role() -> Template:
    """A role that SageMaker may assume, with the rights that serving needs. Weights are in the bucket `bucket`."""
    account = {"Ref": "AWS::AccountId"}
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    of_sagemaker = {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}}
    own = {"Condition": {"StringEquals": {"aws:ResourceAccount": account}}}
    statements: list[Template] = [
        {"Effect": "Allow", "Action": list(EVERYWHERE), "Resource": "*"},
        {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": of_sagemaker},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*", **own},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::bucket", **own},
    ]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "serve", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}],
        },
    }


def with_rights(template: Template) -> Template:
    """A template whose roles are replaced by `role()`, for tests that are about something else."""
    for body in template["Resources"].values():
        if isinstance(body, dict) and body.get("Type") == "AWS::IAM::Role":
            body["Properties"] = role()["Properties"]
    return template


def component(
    *, copies: Any = 8, accelerators: Any = 1, cpus: Any = 9, memory: Any = 65536, model: str = "Model"
) -> Template:
    """A component on the endpoint of `good()`."""
    return {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": {
            "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
            "VariantName": "AllTraffic",
            "RuntimeConfig": {"CopyCount": copies},
            "Specification": {
                "ModelName": {"Fn::GetAtt": [model, "ModelName"]},
                "ComputeResourceRequirements": {
                    "NumberOfAcceleratorDevicesRequired": accelerators,
                    "NumberOfCpuCoresRequired": cpus,
                    "MinMemoryRequiredInMb": memory,
                },
            },
        },
    }


def single_model() -> Template:
    """An endpoint that serves one model, without components."""
    template = good()
    del template["Resources"]["Llama"]
    variant_of(template)["ModelName"] = {"Fn::GetAtt": ["Model", "ModelName"]}
    return template


NAME_OF_LLAMA = {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": ["Llama", "InferenceComponentArn"]}]}]}
"""A component's name, as a template has to take it out of the ARN."""


def target(least: Any, most: Any, of: Any = None) -> Template:
    """A scalable target of copies. `of` is the component's name."""
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "ServiceNamespace": "sagemaker",
            "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
            "ResourceId": {"Fn::Join": ["", ["inference-component/", of or NAME_OF_LLAMA]]},
            "MinCapacity": least,
            "MaxCapacity": most,
        },
    }


def scaled(*, copies: int = 1, least: Any = 1, most: Any = 8, instances: Template | None = None) -> Template:
    """`good()` with a number of copies, a target, and ManagedInstanceScaling where `instances` gives its numbers."""
    template = good()
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = copies
    template["Resources"]["Target"] = target(least, most)
    if instances:
        variant_of(template)["ManagedInstanceScaling"] = {"Status": "ENABLED", **instances}
    return template


def wake(template: Template) -> Template:
    """Give a scaled template what wakes it: a step policy, and the alarm that runs it."""
    template["Resources"]["Wake"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": "wake",
            "PolicyType": "StepScaling",
            "ScalingTargetId": {"Ref": "Target"},
            "StepScalingPolicyConfiguration": {
                "AdjustmentType": "ChangeInCapacity",
                "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
            },
        },
    }
    template["Resources"]["NoCapacity"] = alarm("NoCapacityInvocationFailures", actions=[{"Ref": "Wake"}])
    return template


def alarm(metric: str, *, of: Any = None, actions: list[Any] | None = None) -> Template:
    """An alarm on a metric of a component. `of` is the component's name."""
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "MetricName": metric,
            "Namespace": "AWS/SageMaker",
            "Dimensions": [{"Name": "InferenceComponentName", "Value": of or NAME_OF_LLAMA}],
            "AlarmActions": actions or [],
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        },
    }


def properties_of(template: Template, logical_id: str) -> Template:
    """The properties of a resource, to change them."""
    properties: Template = template["Resources"][logical_id]["Properties"]
    return properties


def variant_of(template: Template) -> Template:
    """The production variant, to change it."""
    variant: Template = properties_of(template, "Config")["ProductionVariants"][0]
    return variant


def container_of(template: Template) -> Template:
    """The model's container, to change it."""
    container: Template = properties_of(template, "Model")["PrimaryContainer"]
    return container


def claims_of(template: Template, logical_id: str = "Llama") -> Template:
    """What a copy claims, to change it."""
    claims: Template = properties_of(template, logical_id)["Specification"]["ComputeResourceRequirements"]
    return claims


def rules(report: Report) -> list[str]:
    """Ids of the rules that are broken for certain."""
    return [finding.rule for finding in report.problems]


def only_problem(template: Template) -> Message:
    """The one problem of a template."""
    report = check(template)
    assert len(report.problems) == 1, report.problems
    assert not report.warnings
    return report.problems[0]


def only_warning(template: Template) -> Message:
    """The one warning of a template that has no problem."""
    report = check(template)
    assert not report.problems
    assert len(report.warnings) == 1, report.warnings
    return report.warnings[0]
