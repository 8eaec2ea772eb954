"""A stack with everything that makes an endpoint scale, who uses it, and what is to be seen of it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.server import EmbeddedAws
from embedded_aws_tests.support import settled
from replicas.engines import find_image

STACK, ENDPOINT, COMPONENT = "fleet", "fleet", "llama"
DIMENSIONS = [{"Name": "InferenceComponentName", "Value": COMPONENT}]
POLICY = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 120,
        "MaximumExecutionTimeoutInSeconds": 28800,
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def client(service: str) -> Any:
    """A client of the embedded AWS that is in use; to make one takes longer than most of what is asked of it."""
    return _client(service, os.environ["AWS_ENDPOINT_URL"])


@cache
def _client(service: str, url: str) -> Any:
    settings = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)
    return boto3.client(service, endpoint_url=url, config=settings)


def image(name: str) -> str:
    engine, _, version = name.partition("-")
    known = find_image(engine, version)
    assert known
    return f"763104351884.dkr.ecr.us-west-2.amazonaws.com/{known.repository}:{known.tag}"


def alarm(name: str, metric: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "Namespace": "AWS/SageMaker",
            "MetricName": metric,
            "Dimensions": DIMENSIONS,
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            **more,
        },
    }


def template(*, engine: str = "tgi-1.1.0", **changes: Any) -> dict[str, Any]:
    arn = {"Fn::GetAtt": ["Component", "InferenceComponentArn"]}
    name = {"Fn::Select": [1, {"Fn::Split": ["/", arn]}]}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "PrimaryContainer": {
                    "Image": image(engine),
                    "Environment": {"HF_MODEL_ID": "NousResearch/Llama-2-7b-chat-hf", "SM_NUM_GPUS": "1"},
                },
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "ProductionVariants": [
                    {
                        "VariantName": "AllTraffic",
                        "InstanceType": "ml.g5.12xlarge",
                        "InitialInstanceCount": 1,
                        "ManagedInstanceScaling": {
                            "Status": "ENABLED",
                            "MinInstanceCount": 0,
                            "MaxInstanceCount": 2,
                            "ScaleInPolicy": {"Strategy": "IDLE_RELEASE"},
                        },
                        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
                    }
                ],
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": ENDPOINT,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
        "Component": {
            "Type": "AWS::SageMaker::InferenceComponent",
            "DependsOn": ["Errors", "Logs"],
            "Properties": {
                "InferenceComponentName": COMPONENT,
                "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
                "VariantName": "AllTraffic",
                "Specification": {
                    "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                    "ComputeResourceRequirements": {
                        "NumberOfAcceleratorDevicesRequired": 1,
                        "NumberOfCpuCoresRequired": 4,
                        "MinMemoryRequiredInMb": 16384,
                    },
                    "StartupParameters": {"ContainerStartupHealthCheckTimeoutInSeconds": 600},
                    "SchedulingConfig": {
                        "PlacementStrategy": "SPREAD",
                        "AvailabilityZoneBalance": {"EnforcementMode": "PERMISSIVE", "MaxImbalance": 1},
                    },
                    "DataCacheConfig": {"EnableCaching": True},
                },
                "RuntimeConfig": {"CopyCount": 1},
                "DeploymentConfig": POLICY,
            },
        },
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {
                "ServiceNamespace": "sagemaker",
                "ResourceId": {"Fn::Join": ["/", ["inference-component", name]]},
                "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
                "MinCapacity": 0,
                "MaxCapacity": 4,
                "ScheduledActions": [
                    {
                        "ScheduledActionName": "morning",
                        "Schedule": "cron(0 8 ? * MON-FRI *)",
                        "Timezone": "Europe/Berlin",
                        "ScalableTargetAction": {"MinCapacity": 2},
                    },
                    {
                        "ScheduledActionName": "evening",
                        "Schedule": "cron(0 20 ? * MON-FRI *)",
                        "Timezone": "Europe/Berlin",
                        "ScalableTargetAction": {"MinCapacity": 0},
                    },
                ],
            },
        },
        "Track": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": "track",
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": 3,
                    "ScaleInCooldown": 60,
                    "ScaleOutCooldown": 60,
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
                    },
                },
            },
        },
        "Wake": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": "wake",
                "PolicyType": "StepScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "StepScalingPolicyConfiguration": {
                    "AdjustmentType": "ChangeInCapacity",
                    "MetricAggregationType": "Maximum",
                    "Cooldown": 60,
                    "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
                },
            },
        },
        "NoCapacity": alarm("asleep", "NoCapacityInvocationFailures", AlarmActions=[{"Ref": "Wake"}]),
        "Errors": alarm("errors", "Invocation5XXErrors", AlarmActions=[{"Ref": "Topic"}]),
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "alarms"}},
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": f"/aws/sagemaker/InferenceComponents/{COMPONENT}",
                "RetentionInDays": 30,
            },
        },
        "Dashboard": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardName": "fleet", "DashboardBody": json.dumps({"widgets": []})},
        },
    }
    for path, value in changes.items():
        resource, _, name = path.partition("__")
        resources[resource]["Properties"][name] = value
    return {"Resources": resources}


def hosting_template(copies: int = 1) -> dict[str, Any]:
    """The endpoint and its component alone: no scaling, alarm or log group."""
    resources = template()["Resources"]
    hosting = {name: resources[name] for name in ("Role", "Model", "Config", "Endpoint", "Component")}
    del hosting["Component"]["DependsOn"], hosting["Component"]["Properties"]["DeploymentConfig"]
    hosting["Component"]["Properties"]["RuntimeConfig"] = {"CopyCount": copies}
    return {"Resources": hosting}


def put_hosting(operation: str, copies: int = 1) -> str:
    """Create or update the stack with `hosting_template`; its status afterwards."""
    body = json.dumps(hosting_template(copies))
    getattr(client("cloudformation"), operation)(StackName=STACK, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    return str(settled(STACK)["StackStatus"])


def put(operation: str, **changes: Any) -> str:
    cloudformation = client("cloudformation")
    body = json.dumps(template(**changes))
    getattr(cloudformation, operation)(StackName=STACK, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    return str(settled(STACK)["StackStatus"])


def component() -> dict[str, Any]:
    told: dict[str, Any] = client("sagemaker").describe_inference_component(InferenceComponentName=COMPONENT)
    return told


def copies() -> tuple[int, int]:
    runtime = component()["RuntimeConfig"]
    return runtime["DesiredCopyCount"], runtime["CurrentCopyCount"]


def running_image() -> str:
    return str(component()["Specification"]["Container"]["DeployedImage"]["SpecifiedImage"])


def instances() -> int:
    (variant,) = client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)["ProductionVariants"]
    return int(variant["CurrentInstanceCount"])


def eventually(holds: Callable[[], bool], what: str, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, (
            what,
            copies(),
            [(one["Cause"], one["StatusCode"]) for one in activities()],
        )
        time.sleep(0.05)


def activities() -> list[dict[str, Any]]:
    scaling = client("application-autoscaling")
    found: list[dict[str, Any]] = scaling.describe_scaling_activities(
        ServiceNamespace="sagemaker", IncludeNotScaledActivities=True
    )["ScalingActivities"]
    return found


def ask(tokens: int = 20) -> str:
    body = json.dumps({"inputs": "What is a GPU?", "parameters": {"max_new_tokens": tokens}})
    try:
        answer = client("sagemaker-runtime").invoke_endpoint(
            EndpointName=ENDPOINT, InferenceComponentName=COMPONENT, ContentType="application/json", Body=body
        )
    except ClientError as refusal:
        return str(refusal.response["Error"]["Message"])
    return str(json.loads(answer["Body"].read())[0]["generated_text"])


class Load:
    """So many users who ask without a pause."""

    def __init__(self, users: int) -> None:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(users)]

    def _ask_on(self) -> None:
        while not self._over.is_set():
            ask(100)

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def total(metric: str) -> float:
    now = time.time()
    points = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=DIMENSIONS,
        StartTime=now - 600,
        EndTime=now + 60,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


class Failing:
    """While a roll goes on, the model answers with errors."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws, self._over = aws, threading.Event()
        self._thread = threading.Thread(target=self._fail)

    def _fail(self) -> None:
        while not self._over.wait(0.02):
            if component()["InferenceComponentStatus"] == "Updating":
                ask()

    def __enter__(self) -> None:
        self._aws.faults.add(Fault(FaultKind.MODEL_ERROR, on=COMPONENT))
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._aws.faults.clear()


def everything() -> dict[str, Any]:
    """Whatever a stack can leave behind. What moto holds may be shared with other tests of this process."""
    sagemaker, scaling = client("sagemaker"), client("application-autoscaling")
    group = f"/aws/sagemaker/InferenceComponents/{COMPONENT}"
    return {
        "endpoints": sagemaker.list_endpoints()["Endpoints"],
        "configs": sagemaker.list_endpoint_configs()["EndpointConfigs"],
        "models": sagemaker.list_models()["Models"],
        "components": sagemaker.list_inference_components()["InferenceComponents"],
        "targets": scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"],
        "policies": scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"],
        "actions": scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"],
        "alarms": client("cloudwatch").describe_alarms()["MetricAlarms"],
        "dashboards": client("cloudwatch").list_dashboards()["DashboardEntries"],
        "groups": client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"],
        "topics": client("sns").list_topics()["Topics"],
        "roles": client("iam").list_roles()["Roles"],
    }
