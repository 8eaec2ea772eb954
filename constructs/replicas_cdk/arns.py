"""Builds and checks the ARNs and names of imported endpoints and inference components."""

from __future__ import annotations

import re

from aws_cdk import ArnFormat, Resource

from replicas.deployment.unresolved import is_unresolved
from replicas_cdk.component_base import name_in

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
"""Pattern of EndpointName, VariantName, ModelName and InferenceComponentName in SageMaker's API reference."""


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
    """Return the name at the end of an ARN; a CDK token if the ARN or its name is a token."""
    _, slash, name = arn.rpartition("/")
    return name if slash else name_in(arn)


def arn_faults(argument: str, arn: object, resource: str) -> list[str]:
    """Return the faults of an ARN of a SageMaker resource type. None and CDK tokens have no faults."""
    pattern = rf"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{{12}}:{resource}/{_NAME.pattern}"
    if arn is None or is_unresolved(arn) or (isinstance(arn, str) and re.fullmatch(pattern, arn)):
        return []
    return [f"{argument}={arn!r}: write arn:aws:sagemaker:<region>:<account>:{resource}/<name>"]


def name_faults(argument: str, name: object) -> list[str]:
    """Return the faults of the name of a SageMaker resource. None and CDK tokens have no faults."""
    if name is None or is_unresolved(name) or (isinstance(name, str) and _NAME.fullmatch(name)):
        return []
    return [f"{argument}={name!r}: use at most 63 letters, digits and hyphens, with a letter or digit at both ends"]


def contradictions(argument: str, arn: str | None, name: str | None) -> list[str]:
    """Return a fault if an ARN does not end with the given name. CDK tokens and malformed ARNs are not compared."""
    if arn is None or name is None or is_unresolved(arn) or is_unresolved(name) or "/" not in arn:
        return []
    if name_of(arn) == name:
        return []
    return [f"{argument}_arn={arn!r} and {argument}_name={name!r} name two different resources: pass only one of them"]


def apart(argument: str, arn: str | None, other_argument: str, other: str | None) -> list[str]:
    """Return a fault if two ARNs have different partitions, accounts or regions. CDK tokens are not compared.

    The ARN of a role has no region: only partition and account are compared.
    """
    places, others = _places(arn), _places(other)
    differ = [name for name in _PLACES if places.get(name) and others.get(name) and places[name] != others[name]]
    if not differ:
        return []
    same = " and ".join(f"the same {name}" for name in differ)
    return [f"{argument}={arn!r} and {other_argument}={other!r}: use resources with {same}"]


def elsewhere(argument: str, arn: str, resource: Resource) -> list[str]:
    """Return a fault if an ARN and a resource have different accounts or regions. CDK tokens are not compared."""
    places = _places(arn)
    if not places:
        return []
    environment = resource.env
    here = {"account": environment.account, "region": environment.region}
    return [
        f"{argument}={arn!r} is in the {name} {places[name]}, but the stack is in {own}: use a resource in {own}"
        for name, own in here.items()
        if places[name] and not is_unresolved(own) and own != places[name]
    ]


_PLACES = ("partition", "region", "account")


def _places(arn: str | None) -> dict[str, str]:
    """Return partition, region and account of an ARN; empty for a CDK token and for text that is not an ARN."""
    parts = arn.split(":", 5) if isinstance(arn, str) and not is_unresolved(arn) else []
    return {"partition": parts[1], "region": parts[3], "account": parts[4]} if len(parts) == 6 else {}
