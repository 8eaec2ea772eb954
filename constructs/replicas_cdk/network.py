"""The VPC of an endpoint: its subnets, its security groups, and the connections that they allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constructs import Construct

from replicas import Vpc

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2

_MOST_SUBNETS, _MOST_GROUPS = 16, 5
"""Source: VpcConfig in the CloudFormation schemas of AWS::SageMaker::Model and AWS::SageMaker::EndpointConfig."""


@dataclass(frozen=True, kw_only=True)
class NetworkProps:
    """The network arguments of an endpoint."""

    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    security_groups: Sequence[ec2.ISecurityGroup] | None
    allow_all_outbound: bool | None


@dataclass(frozen=True, kw_only=True)
class Network:
    """Subnets and security groups of the containers."""

    vpc: Vpc
    """Ids of the subnets and security groups; may be CDK tokens."""
    connections: ec2.Connections
    reaches_internet: bool
    """True if at least one subnet has a route to the internet for interfaces without a public address."""


def network_faults(props: NetworkProps) -> Iterator[str]:
    """Yield the faults of the network arguments, alone and combined."""
    if props.vpc is None:
        given = {
            "vpc_subnets=": props.vpc_subnets,
            "security_groups=": props.security_groups,
            "allow_all_outbound=": props.allow_all_outbound,
        }
        yield from (
            f"{prop} needs vpc=: pass vpc=, or remove {prop}" for prop, value in given.items() if value is not None
        )
    groups = props.security_groups
    if groups is not None and not isinstance(groups, Sequence):
        yield "security_groups= is a single construct: pass a list of security groups"
        return
    if groups is not None and not 1 <= len(groups) <= _MOST_GROUPS:
        yield f"security_groups= has {len(groups)} entries: pass 1 to {_MOST_GROUPS}, or remove it for a new group"
    if groups and props.allow_all_outbound is not None:
        yield "allow_all_outbound= applies only to a new group, but security_groups= is given: remove one of the two"


def network_of(scope: Construct, props: NetworkProps, faults: list[str]) -> Network | None:
    """Return the subnets and security groups of the endpoint. A security group is created if none is given.

    Args:
        scope: parent of the security group.
        props: network arguments without faults.
        faults: a fault is appended if the VPC has no matching subnets. The result is then None.

    """
    vpc = props.vpc
    if vpc is None:
        return None
    from aws_cdk import aws_ec2 as ec2  # the import takes 0.2 s, and only an endpoint in a VPC needs it

    chosen = props.vpc_subnets or ec2.SubnetSelection()
    try:
        selected = vpc.select_subnets(
            availability_zones=chosen.availability_zones,
            one_per_az=chosen.one_per_az,
            subnet_filters=chosen.subnet_filters,
            subnet_group_name=chosen.subnet_group_name,
            subnets=chosen.subnets,
            subnet_type=chosen.subnet_type,
        )
    except RuntimeError as refusal:
        faults.append(f"vpc_subnets=: {_message_of(refusal)}: select subnets that the VPC has")
        return None
    subnets = selected.subnet_ids
    if not 1 <= len(subnets) <= _MOST_SUBNETS:
        faults.append(f"vpc_subnets= selects {len(subnets)} subnets: select 1 to {_MOST_SUBNETS}")
        return None
    groups = list(props.security_groups or [])
    if not groups:
        allows = True if props.allow_all_outbound is None else props.allow_all_outbound
        description = "Containers of an endpoint of inference components"
        groups = [
            ec2.SecurityGroup(scope, "SecurityGroup", vpc=vpc, allow_all_outbound=allows, description=description)
        ]
    isolated = {subnet.node.path for subnet in (*vpc.isolated_subnets, *vpc.public_subnets)}
    return Network(
        vpc=Vpc(subnets=subnets, security_groups=[group.security_group_id for group in groups]),
        connections=ec2.Connections(security_groups=groups),
        reaches_internet=any(subnet.node.path not in isolated for subnet in selected.subnets),
    )


def _message_of(refusal: RuntimeError) -> str:
    """Return the message of an aws-cdk error without the name of the error class."""
    return str(refusal).partition(": ")[2].strip().rstrip(".") or str(refusal)
