"""Example values of references at deployment: an ARN for references that return ARNs, otherwise a name.

`Ref` returns the primary identifier in the CloudFormation schema of the type. The examples show whether a property that
needs a name gets an ARN.
"""

from __future__ import annotations

import re

from replicas.endpoint.values import Reference, Unknown, Value, text_of
from replicas.names import CopyTarget, ResourceType
from replicas.template.attributes import has_attribute
from replicas.template.resources import Resource, Resources
from replicas.template.schemas import rules_of

_ARNS = {
    ResourceType.ENDPOINT: "sagemaker:us-east-1:123456789012:endpoint/",
    ResourceType.ENDPOINT_CONFIG: "sagemaker:us-east-1:123456789012:endpoint-config/",
    ResourceType.COMPONENT: "sagemaker:us-east-1:123456789012:inference-component/",
    ResourceType.MODEL: "sagemaker:us-east-1:123456789012:model/",
    ResourceType.ROLE: "iam::123456789012:role/",
    ResourceType.ALARM: "cloudwatch:us-east-1:123456789012:alarm:",
    "AWS::SNS::Topic": "sns:us-east-1:123456789012:",
    "AWS::IAM::InstanceProfile": "iam::123456789012:instance-profile/",
    "AWS::IAM::User": "iam::123456789012:user/",
    ResourceType.MANAGED_POLICY: "iam::123456789012:policy/",
    ResourceType.BUCKET: "s3:::",
    ResourceType.KEY: "kms:us-east-1:123456789012:key/",
    "AWS::Lambda::Function": "lambda:us-east-1:123456789012:function:",
    ResourceType.SCALING_POLICY: "autoscaling:us-east-1:123456789012:scalingPolicy:0a1b2c3d:policyName/",
}
"""Forms of the ARNs of the resource types that rules read."""
_NAMES = {
    ResourceType.ENDPOINT: "EndpointName",
    ResourceType.ENDPOINT_CONFIG: "EndpointConfigName",
    ResourceType.COMPONENT: "InferenceComponentName",
    ResourceType.MODEL: "ModelName",
    ResourceType.ROLE: "RoleName",
    ResourceType.ALARM: "AlarmName",
    "AWS::SNS::Topic": "TopicName",
}
_ROLE_ID = "AROA0123456789EXAMPLE"
_PSEUDO = {
    "${AWS::Region}": "us-east-1",
    "${AWS::Partition}": "aws",
    "${AWS::AccountId}": "123456789012",
    "${AWS::StackName}": "stack",
    "${AWS::URLSuffix}": "amazonaws.com",
}
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")


def example_of(value: Value, resources: Resources) -> str | None:
    """Return an example of a value at deployment; None if the format is unknown."""
    if isinstance(value, Reference):
        return _of_reference(value, resources)
    if not isinstance(value, Unknown):
        return text_of(value) if isinstance(value, str | int | float) else None
    known: dict[str, str | None] = dict(_PSEUDO)
    for reference in value.references:
        placeholder, example = text_of(reference), _of_reference(reference, resources)
        # A whole reference and a segment of it look the same in the text.
        known[placeholder] = example if known.get(placeholder, example) == example else None
    texts = [known.get(placeholder) for placeholder in _PLACEHOLDER.findall(value.text)]
    if not texts or None in texts:
        return None
    return _PLACEHOLDER.sub(lambda match: known[match[0]] or "", value.text)


def has_own_name(resource: Resource) -> bool:
    """Return whether the template sets the name of a resource; CloudFormation generates all other names."""
    return resource.type not in _NAMES or resource.get(_NAMES[resource.type]) is not None


def _of_reference(reference: Reference, resources: Resources) -> str | None:
    resource = resources.get(reference.logical_id)
    example = _whole(resource, reference.attribute) if resource else None
    for delimiter, index in reference.segments:
        pieces = example.split(delimiter) if example is not None else []
        example = pieces[index] if index is not None and 0 <= index < len(pieces) else None
    return example


def _whole(resource: Resource, attribute: str | None) -> str | None:
    if attribute is None:
        rules = rules_of(resource.type)
        names = [path[-1] for path in rules.identifiers] if rules else []
        if resource.type == ResourceType.SCALABLE_TARGET:
            return f"{CopyTarget.resource_id('name')}|{CopyTarget.DIMENSION}|{CopyTarget.NAMESPACE}"
        if resource.type == ResourceType.SCALING_POLICY:
            names = ["Arn"]  # the primary identifier also contains the dimension, which Ref does not return
        if len(names) != 1:
            return None
        attribute = names[0]
    elif not has_attribute(resource.type, attribute):
        return None
    if (resource.type, attribute) == (ResourceType.ROLE, "RoleId"):
        return _ROLE_ID
    if attribute.endswith("Arn") and resource.type in _ARNS:
        return f"arn:aws:{_ARNS[resource.type]}{_name(resource)}"
    return _name(resource) if attribute == _NAMES.get(resource.type) else None


def _name(resource: Resource) -> str:
    given = resource.get(_NAMES.get(resource.type, ""))
    return given if isinstance(given, str) else resource.logical_id
