"""Adds the ids and ARNs of constructs that are passed to an endpoint to its plan, and collects all faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import IResource, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam

from replicas import FROM_PROPS, EndpointPlan, Vpc
from replicas.deployment.unresolved import is_unresolved
from replicas.planning.provided import Place, Provided, ProvidedComponent, with_provided
from replicas_cdk.component_options import ComponentOptions, S3Location
from replicas_cdk.container_image import ContainerImage
from replicas_cdk.network import NetworkProps

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_secretsmanager as secretsmanager

_KINDS: Mapping[str, tuple[str, str]] = {
    "vpc": ("vpc_id", "an IVpc, such as ec2.Vpc.from_lookup(...)"),
    "role": ("role_arn", "an IRole, such as iam.Role.from_role_arn(...)"),
    "encryption_key": ("key_arn", "an IKey, such as kms.Key.from_key_arn(...)"),
    "weights_key": ("key_arn", "an IKey, such as kms.Key.from_key_arn(...)"),
    "token_secret": ("secret_arn", "an ISecret, such as secretsmanager.Secret.from_secret_name_v2(...)"),
    "permissions_boundary": (
        "managed_policy_arn",
        "an IManagedPolicy, such as ManagedPolicy.from_managed_policy_arn(...)",
    ),
    "security_groups": (
        "security_group_id",
        "an ISecurityGroup, such as ec2.SecurityGroup.from_security_group_id(...)",
    ),
    "alarm_actions": ("bind", "an IAlarmAction, such as cloudwatch_actions.SnsAction(topic)"),
}
"""By argument name: an attribute that only the right construct type has, and an example for error messages."""


@dataclass(frozen=True, kw_only=True)
class EndpointProps:
    """The arguments of an endpoint that are constructs of the app."""

    components: Mapping[str, ComponentOptions]
    network: NetworkProps
    role: iam.IRole | None
    encryption_key: kms.IKey | None
    weights_key: kms.IKey | None
    token_secret: secretsmanager.ISecret | None
    permissions_boundary: iam.IManagedPolicy | None
    alarm_actions: Sequence[cloudwatch.IAlarmAction]
    removal_policy: RemovalPolicy | None
    tags: Mapping[str, str]

    @property
    def images(self) -> dict[str, ContainerImage]:
        """Container images by component name."""
        return {name: given.image for name, given in self.components.items() if given.image is not None}

    @property
    def has_references(self) -> bool:
        """True if the role needs rights on at least one of the constructs."""
        constructs = [self.network.vpc, self.encryption_key, self.weights_key, *self.locations]
        repositories = [image.repository for image in self.images.values()]
        return any(construct is not None for construct in [*constructs, *repositories])

    @property
    def locations(self) -> Iterator[tuple[str, S3Location]]:
        """Yield the argument name and the value of every location in a bucket."""
        for name, component in self.components.items():
            if component.weights is not None:
                yield f"components[{name!r}].weights", component.weights
            for adapter, location in component.adapters.items():
                yield f"components[{name!r}].adapters[{adapter!r}]", location


def faults_of(props: EndpointProps, region: str) -> list[str]:
    """Return the faults of regions, bucket prefixes and images. Call `kind_faults` first."""
    faults: list[str] = []
    for prop, key in (("encryption_key", props.encryption_key), ("weights_key", props.weights_key)):
        faults += _region_faults(prop, key, region)
    faults += _region_faults("token_secret", props.token_secret, region)
    for prop, location in props.locations:
        faults += location_faults(prop, location, region, archives=".adapters[" in prop)
    for name, component in props.components.items():
        faults += _region_faults(f"components[{name!r}].token_secret", component.token_secret, region)
    for name, image in props.images.items():
        faults += (f"components[{name!r}].image: {fault}" for fault in image.faults(region))
    if props.removal_policy is RemovalPolicy.SNAPSHOT:
        faults.append("removal_policy=SNAPSHOT: no resource of an endpoint supports snapshots: use RETAIN or DESTROY")
    return faults


def provided_by(
    props: EndpointProps, plan: EndpointPlan, stack: Stack, vpc: Vpc | None
) -> tuple[EndpointPlan, list[str]]:
    """Return the plan with the ids and ARNs of the constructs, and the reasons why constructs do not fit the plan."""
    account = stack.account if any(props.locations) else ""
    names = [component.name for component in plan.components]
    provided = Provided(
        components={
            name: _component(plan, name, props, account)
            for name in dict.fromkeys([*names, *props.components])
            if name in props.components or props.token_secret is not None
        },
        vpc=vpc,
        encryption_key=props.encryption_key.key_arn if props.encryption_key else None,
        reads_with_key=props.weights_key is not None,
        has_boundary=props.permissions_boundary is not None,
        has_role=props.role is not None,
        notifies=bool(props.alarm_actions),
        tags=props.tags,
    )
    return with_provided(plan, provided)


def _component(plan: EndpointPlan, name: str, props: EndpointProps, account: str) -> ProvidedComponent:
    given = props.components.get(name, ComponentOptions())
    planned = next((component for component in plan.components if component.name == name), None)
    takes_default = planned and planned.weights is None and planned.token_secret in (None, FROM_PROPS)
    secret = given.token_secret or (props.token_secret if takes_default else None)
    return ProvidedComponent(
        weights=place_of(given.weights, account) if given.weights else None,
        adapters={adapter: place_of(location, account) for adapter, location in given.adapters.items()},
        token_secret=secret.secret_arn if secret else None,
        environment=given.environment,
    )


def place_of(location: S3Location, account: str) -> Place:
    """Return a location in S3. It has the owner of the bucket if the owner is not the account of the stack."""
    owner = location.bucket.env.account
    is_elsewhere = owner != account and not is_unresolved(owner)
    return Place(f"s3://{location.bucket.bucket_name}/{location.prefix}", owner if is_elsewhere else None)


def kind_faults(plan: object, props: EndpointProps) -> list[str]:
    """Return one error message for each argument of a wrong type."""
    return [*plan_faults(plan), *_kind_faults(props)]


def plan_faults(plan: object) -> list[str]:
    """Return an error message if a plan is no `EndpointPlan`, for example a `Deployment` that is not planned."""
    if isinstance(plan, EndpointPlan):
        return []
    return [f"plan= is of type {type(plan).__name__}: pass an EndpointPlan, the result of plan(Deployment(...))"]


def _kind_faults(props: EndpointProps) -> Iterator[str]:
    values: dict[str, Sequence[Any]] = {
        "vpc": [props.network.vpc],
        "role": [props.role],
        "encryption_key": [props.encryption_key],
        "weights_key": [props.weights_key],
        "token_secret": [props.token_secret],
        "permissions_boundary": [props.permissions_boundary],
        "security_groups": _items(props.network.security_groups),
        "alarm_actions": _items(props.alarm_actions),
    }
    for prop, given in values.items():
        yield from _not_of_kind(prop, prop, given)
    subnets = props.network.vpc_subnets
    if subnets is not None and not hasattr(subnets, "availability_zones"):
        yield f"vpc_subnets={subnets!r}: pass ec2.SubnetSelection(...)"
    if props.removal_policy is not None and not isinstance(props.removal_policy, RemovalPolicy):
        yield f"removal_policy={props.removal_policy!r}: pass a member of RemovalPolicy"
    yield from _not_text("tags", props.tags)
    if not isinstance(props.components, Mapping):
        yield f"components={props.components!r}: pass a dictionary from component name to ComponentOptions(...)"
        return
    for name, component in props.components.items():
        where = f"components[{name!r}]"
        if not isinstance(component, ComponentOptions):
            yield f"{where}={component!r}: pass ComponentOptions(...)"
            continue
        yield from _not_of_kind("token_secret", f"{where}.token_secret", [component.token_secret])
        yield from _not_text(f"{where}.environment", component.environment)
        if component.image is not None and not isinstance(component.image, ContainerImage):
            yield f"{where}.image={component.image!r}: pass a ContainerImage, such as from_ecr_repository(...)"
        locations = {
            "weights": component.weights,
            **{f"adapters[{key!r}]": at for key, at in component.adapters.items()},
        }
        for prop, location in locations.items():
            if location is not None and not (
                isinstance(location, S3Location) and hasattr(location.bucket, "bucket_arn")
            ):
                yield f"{where}.{prop}={location!r}: pass S3Location(bucket, 'prefix/') with an IBucket"


def _items(values: Sequence[Any] | None) -> Sequence[Any]:
    return values if isinstance(values, Sequence) and not isinstance(values, str) else [values]


def _not_of_kind(kind: str, prop: str, values: Sequence[Any]) -> Iterator[str]:
    attribute, example = _KINDS[kind]
    for value in values:
        if value is not None and not hasattr(value, attribute):
            yield f"{prop}={value!r}: pass {example}"


def _not_text(prop: str, values: object) -> Iterator[str]:
    """Yield an error message for values that are no dictionary of strings."""
    if not isinstance(values, Mapping):
        yield f"{prop}={values!r}: pass a dictionary of strings"
        return
    for key, value in values.items():
        if not isinstance(value, str):
            yield f"{prop}[{key!r}]={value!r}: pass a string"


def _region_faults(prop: str, resource: IResource | None, region: str) -> Iterator[str]:
    if resource is None or is_unresolved(region):
        return
    where = resource.env.region
    if not is_unresolved(where) and where != region:
        yield f"{prop}= is in {where}, but the stack is in {region}: pass a resource in {region}"


def location_faults(prop: str, location: S3Location, region: str, *, archives: bool) -> Iterator[str]:
    """Yield the faults of a location: another region, or a prefix without a slash at the end.

    Args:
        prop: argument name of the location, for messages.
        location: location of weights.
        region: region of the stack; may be a CDK token.
        archives: whether the key of an archive is allowed. Only adapters may be archives.

    """
    prefix = location.prefix
    yield from _region_faults(prop, location.bucket, region)
    endings = ("/", ".tar.gz") if archives else ("/",)
    if is_unresolved(prefix):
        yield f"{prop}: prefix={prefix!r} is a CDK token, but the role's policy needs its value: pass a literal string"
    elif not prefix.rstrip("/") or prefix.startswith("/") or not prefix.endswith(endings):
        archive = ", or name a .tar.gz archive" if len(endings) > 1 else ""
        path = location.bucket.node.path
        yield f"{prop}: prefix={prefix!r} of the bucket {path}: end the prefix with a slash, 'model/'{archive}"
