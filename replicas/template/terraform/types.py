"""Maps types of Terraform's AWS providers to CloudFormation types: names of attributes and values of references.

The provider `awscc` is generated from CloudFormation's schemas: its attributes are their properties in snake case.
The provider `aws` has its own names in the cases of this table (its documentation, version 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from replicas.names import ResourceType

Made = str | None
"""Attribute that a reference reads with Fn::GetAtt; None if the reference is a `Ref`."""


@dataclass(frozen=True, kw_only=True)
class TypeNames:
    """A type of a provider."""

    type: str
    """Type of CloudFormation."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Properties whose names differ from the names of their attributes, by attribute."""
    made: Mapping[str, Made] = field(default_factory=dict)
    """Attributes that the service generates, with the template expression that returns each."""


_ENDPOINT: Mapping[str, Made] = {"name": "EndpointName", "id": "EndpointName", "arn": None}
_CONFIG: Mapping[str, Made] = {"name": "EndpointConfigName", "id": "EndpointConfigName", "arn": None}
_MODEL: Mapping[str, Made] = {"name": "ModelName", "id": "ModelName", "arn": None}
_ALARM: Mapping[str, Made] = {"arn": "Arn", "alarm_name": None, "id": None}
_ROLE: Mapping[str, Made] = {"name": None, "id": None, "arn": "Arn"}

TYPES: Mapping[str, TypeNames] = {
    "aws_sagemaker_endpoint": TypeNames(
        type=ResourceType.ENDPOINT, properties={"name": "EndpointName"}, made=_ENDPOINT
    ),
    "aws_sagemaker_endpoint_configuration": TypeNames(
        type=ResourceType.ENDPOINT_CONFIG,
        properties={"name": "EndpointConfigName", "kms_key_arn": "KmsKeyId"},
        made=_CONFIG,
    ),
    "aws_sagemaker_model": TypeNames(
        type=ResourceType.MODEL, properties={"name": "ModelName", "container": "Containers"}, made=_MODEL
    ),
    "aws_appautoscaling_target": TypeNames(type=ResourceType.SCALABLE_TARGET),
    "aws_appautoscaling_policy": TypeNames(
        type=ResourceType.SCALING_POLICY,
        properties={"name": "PolicyName", "step_adjustment": "StepAdjustments"},
        made={"arn": None},
    ),
    "aws_cloudwatch_metric_alarm": TypeNames(
        type=ResourceType.ALARM, made={"arn": "Arn", "alarm_name": None, "id": None}
    ),
    "awscc_sagemaker_endpoint": TypeNames(
        type=ResourceType.ENDPOINT, made={"endpoint_name": "EndpointName", "endpoint_arn": None, "id": None}
    ),
    "awscc_sagemaker_endpoint_config": TypeNames(
        type=ResourceType.ENDPOINT_CONFIG,
        made={"endpoint_config_name": "EndpointConfigName", "endpoint_config_arn": None, "id": None},
    ),
    "awscc_sagemaker_model": TypeNames(
        type=ResourceType.MODEL, made={"model_name": "ModelName", "model_arn": None, "id": None}
    ),
    "awscc_sagemaker_inference_component": TypeNames(
        type=ResourceType.COMPONENT, made={"inference_component_arn": None, "id": None}
    ),
    "awscc_applicationautoscaling_scalable_target": TypeNames(type=ResourceType.SCALABLE_TARGET),
    "awscc_applicationautoscaling_scaling_policy": TypeNames(
        type=ResourceType.SCALING_POLICY, made={"arn": None, "id": None}
    ),
    "awscc_cloudwatch_alarm": TypeNames(type=ResourceType.ALARM, made=_ALARM),
    "aws_iam_role": TypeNames(type=ResourceType.ROLE, made=_ROLE),
    "aws_iam_role_policy": TypeNames(type=ResourceType.POLICY),
    "aws_iam_policy": TypeNames(type=ResourceType.MANAGED_POLICY, made={"arn": None, "id": None}),
    "awscc_iam_role": TypeNames(type=ResourceType.ROLE, made={"role_name": None, "id": None, "arn": "Arn"}),
}
"""Supported types; all except IAM types are translated by their schema."""

CLOUD_CONTROL = "aws_cloudcontrolapi_resource"
"""A resource of any CloudFormation type, with its properties as a JSON string."""
STACKS = frozenset({"aws_cloudformation_stack", "aws_cloudformation_stack_set", "awscc_cloudformation_stack"})
AFTER_APPLY, SENSITIVE = "Fn::AfterApply", "Fn::Sensitive"
"""Functions of a translated template that stand for values that the plan does not show."""
COMPONENT_NAME = "inference_component_name"
"""Attribute with the name of a component, which CloudFormation returns only as a part of the ARN."""
MADE_BY_TERRAFORM = frozenset(
    {"id", "arn", "region", "tags_all", "name_prefix", "timeouts", "unique_id", "create_date"}
)
"""Attributes of the provider `aws` that are not CloudFormation properties, and that no rule needs."""


def spelling(name: str) -> str:
    """Return the lower-case letters of a name, which are equal for a property and its snake-case attribute."""
    return name.replace("_", "").lower()
