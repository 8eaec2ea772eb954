"""Adds the constructs in an endpoint's props to its plan, or raises one error that lists every fault."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Annotations, Stack
from constructs import Construct

from replicas import EndpointPlan
from replicas.deployment.unresolved import is_unresolved
from replicas.planning.region import problems_in_region
from replicas_cdk.network import Network, network_faults, network_of
from replicas_cdk.references import EndpointProps, faults_of, kind_faults, provided_by
from replicas_cdk.role_rights import warn_of_accounts


@dataclass(frozen=True, kw_only=True)
class Binding:
    """Result of `bind`: the completed plan of an endpoint, its network, and the region of its stack."""

    plan: EndpointPlan
    """Plan that contains the ids and ARNs of the given constructs. They may be CDK tokens."""
    network: Network | None
    region: str
    """Region of the stack; may be a CDK token."""


def bind(scope: Construct, plan: EndpointPlan, props: EndpointProps, stack: Stack) -> Binding:
    """Add the ids and ARNs of the constructs in `props` to the plan.

    Raises:
        ValueError: the plan cannot be deployed in the stack's region, or the props do not belong to the plan. The
            message has one line for each fault. Each line names the construct.

    """
    region = stack.region
    network, bound = None, plan
    wrong = kind_faults(plan, props)
    faults = [*wrong, *(_region_faults(plan, props, region) if not wrong else [])]
    if not wrong:
        faults += faults_of(props, region)
        of_network = list(network_faults(props.network))
        network = network_of(scope, props.network, of_network) if not of_network else None
        bound, of_plan = provided_by(props, plan, stack, network.vpc if network else None)
        faults += [*of_network, *of_plan]
    if faults:
        raise ValueError("\n".join(f"{scope.node.path}: {fault}" for fault in faults))
    if props.has_references:
        warn_of_accounts(scope, props, stack.account)
    _warn_of_images(scope, bound, props)
    if network is not None and not network.reaches_internet:
        _warn_of_subnets(scope, bound)
    return Binding(plan=bound, network=network, region=region)


def _region_faults(plan: EndpointPlan, props: EndpointProps, region: str) -> list[str]:
    if is_unresolved(region):
        return []
    own_images = [
        name for name, component in props.components.items() if component.image and not component.image.is_published
    ]
    return [
        f"{plan.name} cannot be deployed: {problem}"
        for problem in problems_in_region(plan, region, own_images=own_images)
    ]


def _warn_of_images(scope: Construct, plan: EndpointPlan, props: EndpointProps) -> None:
    for component in plan.components:
        given, image = props.images.get(component.name), component.engine.image
        if given is not None and image is not None and not given.is_proven:
            Annotations.of(scope).add_warning_v2(
                f"replicas:imageNotProven-{component.name}",
                f"{scope.node.path}: the plan is for {component.engine} in the image {image.name}. It is not judged "
                f"whether the image of {component.name}, from {given.repository_name(image)}, contains the same engine",
            )


def _warn_of_subnets(scope: Construct, plan: EndpointPlan) -> None:
    from_hub = [component.name for component in plan.components if component.weights is None]
    if from_hub:
        Annotations.of(scope).add_warning_v2(
            "replicas:subnetsWithoutInternet",
            f"{scope.node.path}: {', '.join(from_hub)} loads weights from the Hub, and no selected subnet has a NAT "
            "gateway: select subnets with egress, or store the weights in S3",
        )
