"""Actions that SageMaker performs with an execution role: pull images, read weights, use keys, join a
VPC, write logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from replicas.endpoint.access import GENERATED, Role
from replicas.endpoint.components import Component
from replicas.endpoint.containers import Container, DataSource, Model
from replicas.endpoint.identity import Subject, Text
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, text_of
from replicas.endpoint.variants import Capture, Configuration, Variant
from replicas.names import LogGroup, MetricNamespace
from replicas.rules.roles.decisions import Decider
from replicas.rules.roles.matching import ANY_OBJECT

Purpose = Literal["image", "weights", "key", "volume", "capture", "network", "logs", "metrics"]

_IMAGE = re.compile(
    r"(?P<account>\d{12}|\$\{[^{}]*\})\.dkr\.ecr(?:-fips)?\.(?P<region>[\w-]+|\$\{[^{}]*\})\."
    r"(?:amazonaws\.com(?:\.cn)?|\$\{[^{}]*\})/(?P<repository>[^:@]+)(?:[:@].*)?"
)
_BUCKET = r"(?P<bucket>(?:\$\{[^{}]*\}|[^/$:])+?)"
_S3_FORMS = tuple(
    re.compile(form + "/?(?P<key>.*)", re.DOTALL)
    for form in (
        f"s3://{_BUCKET}(?![^/])",
        rf"https://s3[.-](?:[\w.-]+\.)?amazonaws\.com(?:\.cn)?/{_BUCKET}(?![^/])",
        rf"https://{_BUCKET}\.s3[.-](?:[\w.-]+\.)?amazonaws\.com(?:\.cn)?(?![^/])",
    )
)
"""Forms of S3 locations: a URI, and the URLs with the bucket in the path or in the host (S3 user guide)."""
_LONGEST_ADDRESS = 2048
"""Maximum length of an S3 location with placeholders, characters; SageMaker accepts 1,024 without them."""
_AWS_MANAGED = "alias/aws/"
_HERE = "${AWS::Region}:${AWS::AccountId}"

PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")
TOKEN = "ecr:GetAuthorizationToken"  # noqa: S105 (the name of an action)
WITHOUT_WHICH_PULLS_WORK = "ecr:BatchCheckLayerAvailability"
"""An action without which an image can be pulled. SageMaker's developer guide lists it, but AWS's policy
AmazonEC2ContainerRegistryPullOnly does not contain it."""
INTERFACE_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
)
DESCRIBE_ACTIONS = (
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)


@dataclass(frozen=True, kw_only=True)
class Need:
    """Actions that SageMaker performs with a role for one purpose on one resource."""

    role: Role
    user: Subject
    """The resource whose creation needs the actions."""
    purpose: Purpose
    shown: str
    """The image, location or log group, as the template writes it."""
    requests: tuple[tuple[str, str], ...]
    """Actions, each with the ARN of its resource."""
    context: Mapping[str, str] = field(default_factory=dict)
    unknown: str = ""
    """Reason why the resource is unknown; empty if it is known."""


def needs_of(topology: Topology, decider: Decider) -> Iterator[Need]:
    """Yield all needs of the roles that are created together with the endpoints."""
    for model in topology.models:
        # SageMaker uses the role of the endpoint configuration for a model without a role.
        roles = [model.role] if model.role_text is not None else _hosting_roles(topology, model.subject)
        for role in filter(None, map(topology.role, dict.fromkeys(roles))):
            for container in model.containers:
                yield from _of_container(role, model.subject, container, decider)
            if model.in_vpc:
                yield _network(role, model.subject)
    for component in topology.components:
        hosting = topology.role(_configuration_role(topology, component))
        if hosting is not None:
            yield from _of_component(hosting, component, decider)
    for configuration in topology.configurations:
        own = topology.role(configuration.role)
        if own is not None:
            yield from _of_configuration(own, configuration, decider)
    yield from _records(topology, decider)


def roles_elsewhere(variant: Variant, topology: Topology) -> tuple[str, ...]:
    """Return the ARNs of the execution roles that a variant and its models use and the template does not create.

    The ARNs are spelled as in the template.
    """
    users: list[Configuration | Model] = [variant.configuration]
    users += [model for model in topology.models if model.subject == variant.settings.model]
    users += [
        specification.model
        for component in variant.components
        for specification in component.specifications
        if specification.model is not None
    ]
    return tuple(dict.fromkeys(text_of(user.role_text) for user in users if user.role_text and user.role is None))


def _of_container(role: Role, user: Subject, container: Container, decider: Decider) -> Iterator[Need]:
    if container.image is not None and not container.from_vpc_registry:
        yield from _image(role, user, container, decider)
    for source in container.data:
        yield from _data(role, user, source, decider)


def _of_component(role: Role, component: Component, decider: Decider) -> Iterator[Need]:
    """Yield the needs of an adapter or a component's own container. The role of the configuration reads the files."""
    for specification in component.specifications:
        own = specification.own_container
        if own is not None:
            yield from _of_container(role, component.subject, own, decider)


def _of_configuration(role: Role, configuration: Configuration, decider: Decider) -> Iterator[Need]:
    if configuration.in_vpc:
        yield _network(role, configuration.subject)
    for capture in configuration.captures:
        yield from _capture(role, configuration.subject, capture, decider)
    key = decider.named(text_of(configuration.key)) if isinstance(configuration.key, str) else None
    if isinstance(configuration.key, Unknown):
        key = decider.named(configuration.key.text)
    if not key or _AWS_MANAGED in key:  # the policy of an AWS managed key allows every role of the account
        return
    is_alias = "alias/" in key
    yield Need(
        role=role,
        user=configuration.subject,
        purpose="volume",
        shown=_as_written(configuration.key),
        requests=() if is_alias else (("kms:CreateGrant", _key_arn(key)),),
        context={"kms:grantisforawsresource": "true"},
        unknown="only the account shows which key the alias refers to" if is_alias else "",
    )


def _image(role: Role, user: Subject, container: Container, decider: Decider) -> Iterator[Need]:
    written = text_of(container.image)
    match = _IMAGE.fullmatch(decider.named(written))
    if match is None:
        if "${" in written and ".dkr.ecr." not in written:
            why = "the registry of the image is known only at deployment"
            yield Need(role=role, user=user, purpose="image", shown=written, requests=(), unknown=why)
        return
    arn = f"arn:${{AWS::Partition}}:ecr:{match['region']}:{match['account']}:repository/{match['repository']}"
    requests = ((TOKEN, "*"), *((action, arn) for action in PULL))
    yield Need(role=role, user=user, purpose="image", shown=written, requests=requests)


def _data(role: Role, user: Subject, source: DataSource, decider: Decider) -> Iterator[Need]:
    match = _location(decider.named(source.address))
    if match is None or source.is_from_hub:
        why = "the form of the location is not known"
        if source.is_from_hub or "${" in source.address:
            why = "a SageMaker hub grants access" if source.is_from_hub else "the location is known only at deployment"
        yield Need(role=role, user=user, purpose="weights", shown=source.address, requests=(), unknown=why)
        return
    bucket = f"arn:${{AWS::Partition}}:s3:::{match['bucket']}"
    key = match["key"]
    if source.is_prefix:
        # `s3://bucket/weights` means all objects with this prefix. Statements usually name the folder `weights/`.
        folder = key if not key or key.endswith("/") else f"{key}/"
        requests: tuple[tuple[str, str], ...] = (
            ("s3:GetObject", f"{bucket}/{folder}{ANY_OBJECT}"),
            ("s3:ListBucket", bucket),
        )
    else:
        requests = (("s3:GetObject", f"{bucket}/{key}"),)
    yield Need(
        role=role,
        user=user,
        purpose="weights",
        shown=source.address,
        requests=requests,
        context={"s3:prefix": key, "aws:securetransport": "true"},
    )
    encryption = decider.key_of(bucket)
    if encryption is not None:
        yield Need(
            role=role,
            user=user,
            purpose="key",
            shown=source.address,
            requests=(("kms:Decrypt", _key_arn(encryption)),),
            context={
                "kms:viaservice": "s3.${AWS::Region}.${AWS::URLSuffix}",
                "kms:calleraccount": "${AWS::AccountId}",
                "aws:securetransport": "true",
            },
        )


def _location(address: str) -> re.Match[str] | None:
    """Return the bucket and the key in an S3 location; None if its form is not known."""
    if len(address) > _LONGEST_ADDRESS:
        return None
    return next((match for form in _S3_FORMS if (match := form.fullmatch(address))), None)


def _capture(role: Role, user: Subject, capture: Capture, decider: Decider) -> Iterator[Need]:
    match = _location(decider.named(capture.address))
    if match is None:
        why = (
            "the bucket is known only at deployment"
            if "${" in capture.address
            else "the form of the location is not known"
        )
        yield Need(role=role, user=user, purpose="capture", shown=capture.address, requests=(), unknown=why)
        return
    folder = match["key"].rstrip("/")
    objects = f"arn:${{AWS::Partition}}:s3:::{match['bucket']}/{folder}{'/' if folder else ''}{ANY_OBJECT}"
    yield Need(
        role=role,
        user=user,
        purpose="capture",
        shown=capture.address,
        requests=(("s3:PutObject", objects),),
        context={"aws:securetransport": "true"},
    )


def _network(role: Role, user: Subject) -> Need:
    interface = f"arn:${{AWS::Partition}}:ec2:{_HERE}:network-interface/{ANY_OBJECT}"
    requests = (*((action, interface) for action in INTERFACE_ACTIONS), *((action, "*") for action in DESCRIBE_ACTIONS))
    return Need(role=role, user=user, purpose="network", shown="VpcConfig", requests=requests)


def _records(topology: Topology, decider: Decider) -> Iterator[Need]:
    """Yield the needs for writing container logs and instance metrics."""
    for variant in topology.variants:
        role = topology.role(variant.configuration.role)
        model = next((model for model in topology.models if model.subject == variant.settings.model), None)
        if role is None and variant.configuration.role_text is None and model is not None:
            role = topology.role(model.role)
        if role is None:
            continue
        yield Need(
            role=role,
            user=variant.endpoint,
            purpose="metrics",
            shown=MetricNamespace.ENDPOINTS,
            requests=(("cloudwatch:PutMetricData", "*"),),
            context={"cloudwatch:namespace": MetricNamespace.ENDPOINTS},
        )
        groups = [
            (component.subject, LogGroup.of_component(_name(component.subject, component.name)))
            for component in variant.components
        ]
        if variant.settings.has_model:
            name = next(entry.name for entry in topology.endpoints if entry.subject == variant.endpoint)
            groups.append((variant.endpoint, LogGroup.of_endpoint(_name(variant.endpoint, name))))
        for user, group in groups:
            stream = f"arn:${{AWS::Partition}}:logs:{_HERE}:log-group:{decider.named(group)}:log-stream:{ANY_OBJECT}"
            requests = tuple((action, stream) for action in ("logs:CreateLogStream", "logs:PutLogEvents"))
            yield Need(role=role, user=user, purpose="logs", shown=group.partition("${")[0], requests=requests)


def _hosting_roles(topology: Topology, model: Subject) -> list[Subject | None]:
    """Return the roles of the configurations whose endpoints host a model."""
    return [
        variant.configuration.role
        for variant in topology.variants
        if variant.settings.model == model
        or any(
            specification.model is not None and specification.model.subject == model
            for component in variant.components
            for specification in component.specifications
        )
    ]


def _configuration_role(topology: Topology, component: Component) -> Subject | None:
    endpoint = next((entry for entry in topology.endpoints if entry.subject == component.endpoint), None)
    configuration = topology.configuration(endpoint.configuration) if endpoint else None
    return configuration.role if configuration else None


def _name(subject: Subject, name: Text) -> str:
    """Return the name of a component or an endpoint; a placeholder if CloudFormation generates the name."""
    return name if isinstance(name, str) else name.text if name else f"{GENERATED}{subject.name}}}"


def _key_arn(key: str) -> str:
    return key if key.startswith("arn:") else f"arn:${{AWS::Partition}}:kms:{_HERE}:key/{key}"


def _as_written(key: object) -> str:
    return key.text if isinstance(key, Unknown) else str(key)
