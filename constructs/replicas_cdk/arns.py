"""ARNs of endpoints and inference components that are imported."""

from __future__ import annotations

import re

from aws_cdk import ArnFormat, Resource

from replicas.deployment.unresolved import is_unresolved
from replicas_cdk.component_base import name_in

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
"""Pattern of EndpointName and InferenceComponentName in SageMaker's API reference."""


def arn_of(resource: Resource, kind: str, name: str) -> str:
    """Return the ARN of an endpoint or a component in the account and region of another resource."""
    environment = resource.env
    return resource.stack.format_arn(
        service="sagemaker",
        resource=kind,
        resource_name=name,
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        account=environment.account,
        region=environment.region,
    )


def arn_beside(arn: str, resource: Resource, kind: str, name: str) -> str:
    """Return the ARN of an endpoint or a component in the partition, account and region of another ARN."""
    prefix, colon, _ = arn.rpartition(":")
    return f"{prefix}:{kind}/{name}" if colon else arn_of(resource, kind, name)


def name_of(arn: str) -> str:
    """Return the name at the end of an ARN; a token if the whole ARN or the name is one."""
    _, slash, name = arn.rpartition("/")
    return name if slash else name_in(arn)


def arn_faults(argument: str, arn: str, resource: str) -> list[str]:
    """Return what is wrong with an ARN of this kind of resource. A token is not judged."""
    pattern = rf"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{{12}}:{resource}/{_NAME.pattern}"
    if is_unresolved(arn) or re.fullmatch(pattern, arn):
        return []
    return [f"{argument}={arn!r}: arn:aws:sagemaker:<region>:<account>:{resource}/<name>"]


def name_faults(argument: str, name: str) -> list[str]:
    """Return what is wrong with the name of an endpoint or a component. A token is not judged."""
    if is_unresolved(name) or _NAME.fullmatch(name):
        return []
    return [f"{argument}={name!r}: at most 63 letters, digits and hyphens, with a letter or digit at both ends"]


def contradictions(argument: str, arn: str | None, name: str | None) -> list[str]:
    """Return that an ARN and a name are not of one resource. A token is not judged."""
    if arn is None or name is None or is_unresolved(arn) or is_unresolved(name) or name_of(arn) == name:
        return []
    return [f"{argument}_arn={arn!r} and {argument}_name={name!r}: one resource, or one of the two"]
