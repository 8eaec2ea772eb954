"""Operators that break a valid template in one place, each with what AWS does and where that was seen.

An operator changes a template and returns the logical id of the resource it broke, or None where it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

Template = dict[str, Any]
Change = Callable[[Template], str | None]
Outcome = Literal["refused", "accepted", "a warning"]

SAGEMAKER = "AWS::SageMaker::"
SCHEMA = "CloudFormation schemas of 2026-10-20"
REF = "CloudFormation template reference, return values of Ref"
PREFLIGHT = "cdk-preflight 1.9.1, rule pf-"


@dataclass(frozen=True)
class Operator:
    name: str
    change: Change
    outcome: Outcome
    rule: str
    """Rule that reports it; empty if the template stays valid."""
    source: str


def first(template: Template, kind: str) -> tuple[str, Template] | None:
    """Logical id and properties of the first resource of a type."""
    for logical_id, body in template["Resources"].items():
        if body["Type"].endswith(kind):
            return logical_id, body.setdefault("Properties", {})
    return None


def setting(kind: str, path: str, value: Any) -> Change:
    """Set a property of the first resource of a type. `0` in the path is the first item of a list."""

    def change(template: Template) -> str | None:
        found = first(template, kind)
        if not found:
            return None
        place: Any = found[1]
        *keys, last = path.split("/")
        for key in keys:
            place = place[int(key)] if isinstance(place, list) else place.get(key)
            if place is None:
                return None
        if last not in place and value is None:
            return None
        if value is None:
            del place[last]
        else:
            place[last] = deepcopy(value)  # an operator of a pair may change it
        return found[0]

    return change


def referring(kind: str, path: str, to: str, attribute: str | None = None) -> Change:
    """Set a property to a `Ref` or `Fn::GetAtt` of the first resource of another type."""

    def change(template: Template) -> str | None:
        target = first(template, to)
        if not target:
            return None
        value = {"Fn::GetAtt": [target[0], attribute]} if attribute else {"Ref": target[0]}
        return setting(kind, path, value)(template)

    return change


def policy(kind: str, **configuration: Any) -> Change:
    """Give the first policy of a type another configuration."""

    def change(template: Template) -> str | None:
        name = f"{kind}PolicyConfiguration"
        for logical_id, body in template["Resources"].items():
            properties = body.get("Properties", {})
            if body["Type"].endswith("ScalingPolicy") and name in properties:
                given = {**properties[name], **configuration}
                properties[name] = {key: value for key, value in given.items() if value is not None}
                return logical_id
        return None

    return change


def step(low: float | None = None, high: float | None = None, change: int = 1) -> Template:
    bounds = {"MetricIntervalLowerBound": low, "MetricIntervalUpperBound": high}
    return {"ScalingAdjustment": change, **{name: bound for name, bound in bounds.items() if bound is not None}}


def steps(*listed: Template, **more: Any) -> Change:
    return policy("StepScaling", StepAdjustments=list(listed), **more)


def by_name_without_wait(template: Template) -> str | None:
    """Name the endpoint by text on both sides, and wait for nothing."""
    endpoint, component = first(template, "::Endpoint"), first(template, "::InferenceComponent")
    if not endpoint or not component:
        return None
    endpoint[1]["EndpointName"] = component[1]["EndpointName"] = "by-text"
    template["Resources"][component[0]].pop("DependsOn", None)
    return component[0]


def on_its_own_variant(template: Template) -> str | None:
    """Take the components away, and let the variant serve the model itself."""
    config, model = first(template, "EndpointConfig"), first(template, "::Model")
    if not config or not model:
        return None
    kept = ("AWS::SageMaker::Model", "AWS::SageMaker::Endpoint", "AWS::SageMaker::EndpointConfig", "AWS::IAM::Role")
    template["Resources"] = {name: body for name, body in template["Resources"].items() if body["Type"] in kept}
    template.pop("Outputs", None)
    for variant in config[1]["ProductionVariants"]:
        scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}
        variant |= {"ModelName": {"Fn::GetAtt": [model[0], "ModelName"]}, "ManagedInstanceScaling": scaling}
    return config[0]


def variant_twice(template: Template) -> str | None:
    """Declare the first variant a second time."""
    config = first(template, "EndpointConfig")
    if not config:
        return None
    variants = config[1]["ProductionVariants"]
    variants.append(dict(variants[0]))
    return config[0]


def _refused() -> Iterator[tuple[str, Change, str, str]]:
    component, config, endpoint, model = "InferenceComponent", "EndpointConfig", "::Endpoint", "::Model"
    kind = "reference-of-the-wrong-kind"
    yield "Ref of an endpoint for its name", referring(component, "EndpointName", endpoint), kind, REF
    yield "Ref of a configuration for its name", referring(endpoint, "EndpointConfigName", config), kind, REF
    yield "ARN of a configuration", referring(endpoint, "EndpointConfigName", config, "EndpointConfigArn"), kind, REF
    yield "ARN of an endpoint", referring(component, "EndpointName", endpoint, "EndpointArn"), kind, REF
    yield "Ref of a model for its name", referring(component, "Specification/ModelName", model), kind, REF
    yield "ARN of a model", referring(component, "Specification/ModelName", model, "ModelArn"), kind, REF
    yield "Ref of a role in a model", referring(model, "ExecutionRoleArn", "IAM::Role"), kind, REF
    yield "Ref of a role in a configuration", referring(config, "ExecutionRoleArn", "IAM::Role"), kind, REF
    yield "id of a role in a model", referring(model, "ExecutionRoleArn", "IAM::Role", "RoleId"), kind, REF
    yield "the name of a model", referring(endpoint, "EndpointConfigName", model, "ModelName"), kind, REF
    yield "the name of a configuration", referring(component, "EndpointName", config, "EndpointConfigName"), kind, REF
    yield "Ref of a component for a target", referring("ScalingPolicy", "ScalingTargetId", component), kind, REF
    names = "environment-name"
    botocore = "botocore 1.44.5, EnvironmentKey"
    yield "a name with a hyphen", setting(model, "PrimaryContainer/Environment/MY-KEY", "1"), names, botocore
    yield "two variants of one name", variant_twice, "variant-twice", "mlflow/mlflow pull request 6486"
    absent = "attribute-absent"
    yield "no such attribute of an endpoint", referring(component, "EndpointName", endpoint, "Name"), absent, SCHEMA
    yield "no such attribute of a role", referring(model, "ExecutionRoleArn", "IAM::Role", "RoleArn"), absent, SCHEMA
    yield "no such attribute of a model", referring(component, "Specification/ModelName", model, "Name"), absent, SCHEMA
    yield "nothing waits for the endpoint", by_name_without_wait, "wait-missing", "CloudFormation guide, DependsOn"
    variant = "ProductionVariants/0/"
    volume = "autogluon/autogluon-cloud pull request 50, quoted"
    yield "a volume on NVMe", setting(config, variant + "VolumeSizeInGB", 100), "volume-on-local-storage", volume
    serverless = {"MaxConcurrency": 1, "MemorySizeInMB": 6144}
    yield (
        "a serverless variant",
        setting(config, "ProductionVariants", [{"VariantName": "AllTraffic", "ServerlessConfig": serverless}]),
        "serverless-variant",
        "SageMaker API reference, ServerlessConfig",
    )
    elsewhere = "763104351884.dkr.ecr.eu-central-1.amazonaws.com/djl-inference:0.31.0-lmi13.0.0-cu124"
    yield (
        "an image of another region",
        setting(model, "PrimaryContainer/Image", elsewhere),
        "image-in-other-region",
        "SageMaker API reference, ContainerDefinition, Image",
    )
    yield (
        "a model's own variant that goes to zero",
        on_its_own_variant,
        "zero-instances-with-model",
        "hashicorp/terraform-provider-aws pull request 45926, quoted",
    )
    without = "variant-without-instances"
    sdk = "sagemaker 2.257.7: 'Must specify instance type and instance count'"
    yield "no instance type", setting(config, variant + "InstanceType", None), without, sdk
    yield "no number of instances", setting(config, variant + "InitialInstanceCount", None), without, sdk
    refused = "property-refused"
    yield "no variants", setting(config, "ProductionVariants", []), refused, SCHEMA
    yield "an unknown property of a variant", setting(config, variant + "Instances", 1), refused, SCHEMA
    yield "an unknown property of a component", setting(component, "Copies", 1), refused, SCHEMA
    yield "a name that is too long", setting(component, "InferenceComponentName", "a" * 64), refused, SCHEMA
    yield "a name with an underscore", setting(endpoint, "EndpointName", "my_endpoint"), refused, SCHEMA
    yield "a read-only property", setting(endpoint, "EndpointArn", "arn"), refused, SCHEMA
    yield "a text for a number", setting(config, variant + "InitialInstanceCount", "one"), refused, SCHEMA
    copies = "stdapi-ai/stdapi.ai issue 43, quoted"
    yield "no copies", setting(component, "RuntimeConfig/CopyCount", 0), "copies-below-one", copies
    compute = "Specification/ComputeResourceRequirements"
    api = "botocore 1.44.5, InferenceComponentComputeResourceRequirements"
    yield "no claims", setting(component, compute, None), "claims-missing", api
    yield "no memory", setting(component, f"{compute}/MinMemoryRequiredInMb", None), "memory-missing", api
    yield "little memory", setting(component, f"{compute}/MinMemoryRequiredInMb", 64), "claim-too-small", api
    yield (
        "half an accelerator",
        setting(component, f"{compute}/NumberOfAcceleratorDevicesRequired", 0.5),
        "accelerators-not-whole",
        api,
    )
    yield "another variant", setting(component, "VariantName", "Elsewhere"), "variant-unknown", "assumed"
    bounds = "step-adjustments"
    for rule_name, change in {
        "step-adjustment-both-null": steps(step()),
        "step-adjustment-bound-order": steps(step(5, 5)),
        "step-adjustment-two-null-lower": steps(step(None, 0), step(None, 5), step(5)),
        "step-adjustment-two-null-upper": steps(step(0), step(5)),
        "step-adjustment-missing-null-lower": steps(step(-5, 0)),
        "step-adjustment-missing-null-upper": steps(step(0, 5)),
        "step-adjustment-overlap": steps(step(0, 10), step(5)),
        "step-adjustment-gap": steps(step(0, 5), step(10)),
        "step-adjustments-required": steps(),
        "step-adjustment-type-required": policy("StepScaling", AdjustmentType=None),
        "min-adjustment-magnitude-percent-only": policy("StepScaling", MinAdjustmentMagnitude=2),
        "step-adjustment-exact-capacity-negative": steps(step(0, None, -1), AdjustmentType="ExactCapacity"),
    }.items():
        yield rule_name, change, bounds, f"{PREFLIGHT}appautoscaling-{rule_name}"
    variant_metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    for rule_name, change in {
        "predefined-metric-dimension": policy("TargetTrackingScaling", PredefinedMetricSpecification=variant_metric),
        "tt-metric-spec-missing": policy(
            "TargetTrackingScaling", PredefinedMetricSpecification=None, CustomizedMetricSpecification=None
        ),
    }.items():
        yield rule_name, change, "tracked-metric", f"{PREFLIGHT}appautoscaling-{rule_name}"
    alarm = "CloudWatch::Alarm"
    for rule_name, change in {
        "alarm-period": setting(alarm, "Period", 15),
        "alarm-evaluation-window": setting(alarm, "EvaluationPeriods", 100_000),
        "datapoints-evaluation": setting(alarm, "DatapointsToAlarm", 1_000),
        "alarm-threshold": setting(alarm, "Threshold", None),
    }.items():
        yield rule_name, change, "alarm-refused", f"{PREFLIGHT}cloudwatch-{rule_name}"


def _taken() -> Iterator[tuple[str, Change, Outcome, str, str]]:
    component, config = "InferenceComponent", "EndpointConfig"
    compute = "Specification/ComputeResourceRequirements"
    api = "SageMaker API reference"
    tags = [{"Key": "team", "Value": "a"}]
    yield "tags", setting(component, "Tags", tags), "accepted", "", api
    yield "a number as a text", setting(component, "RuntimeConfig/CopyCount", "1"), "accepted", "", SCHEMA
    yield (
        "memory range",
        setting(component, f"{compute}/MaxMemoryRequiredInMb", 128),
        "a warning",
        "memory-range",
        f"{api}: no refusal is published",
    )
    yield (
        "a new operating system",
        setting(config, "ProductionVariants/0/InferenceAmiVersion", "al2027-ami-sagemaker-inference-gpu-9"),
        "a warning",
        "property-refused",
        f"{SCHEMA}: the list of values grows",
    )


OPERATORS = [
    *(Operator(name, change, "refused", rule, source) for name, change, rule, source in _refused()),
    *(Operator(name, change, outcome, rule, source) for name, change, outcome, rule, source in _taken()),
]
