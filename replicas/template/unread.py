"""Parts of a template that cannot be checked: their content is elsewhere, or is generated at deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Unread
from replicas.endpoint.values import Unknown
from replicas.names import ResourceType
from replicas.template.attributes import attributes_of, near_types
from replicas.template.evaluation import LANGUAGE_EXTENSIONS, transforms_of
from replicas.template.loops import LOOP, collection_of
from replicas.template.references import names_in
from replicas.template.resources import Resources

TRANSFORM = "Transform"
"""Subject of questions about a template's transforms."""

_ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "AWS::CloudFormation::Stack": ("which resources the nested stack deploys", "its own template is not read"),
    "AWS::CloudFormation::StackSet": ("which resources the stack set deploys", "its own template is not read"),
    "AWS::Serverless::Application": ("which resources the application deploys", "its own template is not read"),
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct": (
        "which resources the product deploys",
        "its own template is not read",
    ),
    "AWS::CloudFormation::Macro": ("how the macro changes the template", "a function rewrites it at deployment"),
}
"""Types that deploy resources declared elsewhere, with the question that stays unanswered, and why."""
_SUBNET = "AWS::EC2::Subnet"
_IN_NETWORKS = (f"{ResourceType.SAGEMAKER}Model", f"{ResourceType.SAGEMAKER}EndpointConfig")
_WAYS_OUT = (
    *("AWS::EC2::EgressOnlyInternetGateway", "AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route"),
    *("AWS::EC2::TransitGatewayAttachment", "AWS::EC2::TransitGatewayVpcAttachment", "AWS::EC2::VPCEndpoint"),
    *("AWS::EC2::VPCPeeringConnection", "AWS::EC2::VPNGateway", "AWS::EC2::VPCGatewayAttachment"),
)
"""Resource types that can connect the subnets of a VPC to AWS services (SageMaker developer guide, host-vpc: a NAT
gateway or endpoints are needed)."""
_MODULE = "::MODULE"
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
_SERVING = re.compile(r"sagemaker|inference[-_ ]?component|endpoint[-_ ]?config", re.IGNORECASE)
"""Words that show that a custom resource manages endpoints."""


def rewriting_macros(template: Mapping[str, Any]) -> list[str]:
    """Return the account's macros that may rewrite the whole template; AWS's macros rewrite only their own types."""
    return [name for name in transforms_of(template) if not name.startswith("AWS::")]


def unread_of(resources: Resources) -> Iterator[Unread]:
    """Yield the parts that are not read: transforms, macros, modules, nested stacks, custom resources, malformed parts.

    A custom resource counts only if it refers to a SageMaker resource of the template, or names SageMaker: the CDK
    adds other custom resources to many templates, for example to empty a bucket.
    """
    template = resources.template
    macros = [name for name in transforms_of(template) if name != LANGUAGE_EXTENSIONS]
    for name in macros:
        why = f"the transform {name} may add, change or remove any resource at deployment"
        yield _unread(TRANSFORM, "how the transform changes the template", why)
    serving = {
        str(logical_id)
        for logical_id in resources
        if _type_of(template["Resources"][logical_id]).startswith(ResourceType.SAGEMAKER)
    }
    for logical_id in resources:
        body = template["Resources"][logical_id]
        if str(logical_id).startswith(LOOP) and LANGUAGE_EXTENSIONS in transforms_of(template):
            items = collection_of(body, resources.resolver)
            why, parameters = (items.why, items.parameters) if isinstance(items, Unknown) else ("it is malformed", ())
            subject = Subject(kind="resource", name=str(logical_id))
            yield Unread(subject=subject, question="which resources the loop declares", why=why, parameters=parameters)
        elif str(logical_id).startswith(LOOP) and not macros:
            why = f"CloudFormation expands a loop only in a template with Transform: {LANGUAGE_EXTENSIONS}"
            yield _unread(str(logical_id), "which resources the loop declares", why)
        elif str(logical_id).startswith("Fn::"):
            yield _unread(str(logical_id), "", "a macro generates its resources at deployment")
        elif not isinstance(body, Mapping):
            yield _unread(str(logical_id), "", "it is not a resource")
        else:
            answer = _of_resource(body, serving) if resources.get(logical_id) is not None else None
            if answer is None and not macros:  # a macro may replace its own type
                answer = _of_type(_type_of(body))
            if answer:
                yield _unread(str(logical_id), *answer)
    yield from _closed_networks(template)


def _closed_networks(template: Mapping[str, Any]) -> Iterator[Unread]:
    """Yield the SageMaker resources in subnets of the template, if it creates no gateway or VPC endpoint."""
    types = {str(logical_id): _type_of(body) for logical_id, body in template["Resources"].items()}
    if any(kind in _WAYS_OUT for kind in types.values()):
        return
    for logical_id, kind in types.items():
        if kind in _IN_NETWORKS:
            properties = template["Resources"][logical_id].get("Properties")
            network = properties.get("VpcConfig") if isinstance(properties, Mapping) else None
            if any(types.get(name) == _SUBNET for name in names_in(network)):
                question = "whether its containers reach the model Hub, Amazon S3 and Amazon ECR"
                why = "the template creates the subnets, but no gateway and no VPC endpoint for them"
                yield _unread(logical_id, question, why)


def _of_resource(body: Mapping[Any, Any], serving: set[str]) -> tuple[str, str] | None:
    """Return which question stays unanswered about a resource, and why; None if the resource can be read."""
    kind = _type_of(body)
    if kind in _ELSEWHERE:
        return _ELSEWHERE[kind]
    if kind.endswith(_MODULE):
        return "which resources the module deploys", "its fragment is in the registry of the account"
    if any(isinstance(key, str) and key.startswith("Fn::") for key in body):
        return "", "a macro completes it at deployment"
    if _has_transform(body.get("Properties")):
        return "how a macro or a loop changes its properties", "it is computed at deployment"
    if kind.startswith(_CUSTOM) and _serves(body, serving):
        return "how the custom resource changes endpoints", "a function decides it at deployment"
    return None


def _of_type(kind: str) -> tuple[str, str] | None:
    """Return which question stays unanswered about an AWS type without a schema (misspelt or too new), and why.

    Return None for other types.
    """
    if not kind.startswith("AWS::") or attributes_of(kind) is not None:
        return None
    near = f"; near: {', '.join(alike)}" if (alike := near_types(kind)) else ""
    return "which resource it is", f"CloudFormation's schemas do not contain its type {kind}{near}"


def _serves(body: Mapping[Any, Any], serving: set[str]) -> bool:
    if not serving.isdisjoint(names_in(body.get("Properties"))) or _SERVING.search(_type_of(body)):
        return True
    return any(_SERVING.search(text) for text in _texts(body.get("Properties")))


def _texts(value: Any) -> Iterator[str]:
    """Yield all keys and strings in a value. Each object or list is visited only once."""
    for item in _inside(value):
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            yield from (key for key in item if isinstance(key, str))


def _has_transform(value: Any) -> bool:
    keys = (key for item in _inside(value) if isinstance(item, Mapping) for key in item)
    return any(isinstance(key, str) and (key == "Fn::Transform" or key.startswith(LOOP)) for key in keys)


def _inside(value: Any) -> Iterator[Any]:
    """Yield a value and all values in it. Each object or list is visited only once."""
    pending, visited = [value], set[int]()
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping | list):
            if id(item) in visited:
                continue
            visited.add(id(item))
            pending.extend(item.values() if isinstance(item, Mapping) else item)
        yield item


def _type_of(body: Any) -> str:
    kind = body.get("Type") if isinstance(body, Mapping) else None
    return kind if isinstance(kind, str) else ""


def _unread(name: str, question: str, why: str) -> Unread:
    return Unread(subject=Subject(kind="resource", name=name), question=question, why=why)
