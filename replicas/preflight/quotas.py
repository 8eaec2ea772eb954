"""Checks the endpoint quota of each instance type against all instances that count towards the quota.

The sum includes the largest number of instances of each checked deployment, and the instances of all other live
endpoints of the region. `doctor` and `preflight` both use `quota_checks`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from replicas.aws.billing import bills_of_region
from replicas.aws.session import Aws, explain
from replicas.deployment.deployment import Deployment
from replicas.errors import SizingError
from replicas.names import ResourceType
from replicas.planning.planner import plan
from replicas.preflight.checks import Checked, State
from replicas.preflight.needs import Instances

if TYPE_CHECKING:
    from types_boto3_service_quotas.type_defs import ServiceQuotaTypeDef

_ENDING = " for endpoint usage"
_MOST_NAMED = 3
_ENDPOINT = ResourceType.ENDPOINT


@dataclass(frozen=True, kw_only=True)
class InstanceDemand:
    """The largest number of instances of one type that a deployment may run."""

    deployment: str
    subject: str
    """Name for messages: the deployment, or the endpoint configuration in its template."""
    instance_type: str | None
    """Instance type; None if it is unknown, for example with instance pools of several types."""
    most: int | None
    """Maximum number of instances; None if it is unknown."""
    why_unknown: str = "the instance type or the maximum number of instances is not known"


def demands_of_template(name: str, variants: Iterable[Instances]) -> list[InstanceDemand]:
    """Return the instance demand of each variant in a template."""
    return [
        InstanceDemand(
            deployment=name,
            subject=variant.logical_id,
            instance_type=variant.instance_type,
            most=variant.ceiling,
            why_unknown="the template does not determine one instance type and the maximum number of instances",
        )
        for variant in variants
    ]


def demand_of_deployment(deployment: Deployment) -> InstanceDemand:
    """Return the instance demand of a deployment's plan: its maximum, including rolling updates and scaling."""
    try:
        planned = plan(deployment)
    except SizingError:
        instance_type, most, why = (
            None,
            None,
            f"the deployment does not fit: `replicas plan {deployment.name}` shows why",
        )
    else:
        instance_type, most, why = planned.instance.name, planned.max_instances, ""
        if planned.fallbacks:  # any type of the pools may provide some of the instances
            instance_type, why = None, "its instances come from pools of several types"
    return InstanceDemand(
        deployment=deployment.name,
        subject=deployment.name,
        instance_type=instance_type,
        most=most,
        why_unknown=why,
    )


def quota_checks(aws: Aws, demands: Sequence[InstanceDemand]) -> Iterator[Checked]:
    """Check the quota of each instance type against the demands plus the instances of other live endpoints.

    The state is unknown for a demand without instance type or number, or if quotas or endpoints cannot be read.
    """
    needed: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for demand in demands:
        if demand.instance_type is None or demand.most is None:
            yield Checked(f"quota of {demand.subject}", State.UNKNOWN, demand.why_unknown)
        else:
            needed[demand.instance_type][demand.deployment] += demand.most
    if not needed:
        return
    try:
        quotas = _endpoint_quotas(aws)
    except (ClientError, BotoCoreError) as fault:
        yield Checked("quotas", State.UNKNOWN, str(explain(fault)))
        return
    running: dict[str, int] = {}
    try:
        running = _running_elsewhere(aws, {demand.deployment for demand in demands})
    except (ClientError, BotoCoreError) as fault:
        yield Checked("instances of other endpoints", State.UNKNOWN, f"not counted: {explain(fault)}")
    for instance_type, by_deployment in sorted(needed.items()):
        yield _check(aws, instance_type, quotas.get(instance_type), by_deployment, running.get(instance_type, 0))


def _check(
    aws: Aws, instance_type: str, quota: ServiceQuotaTypeDef | None, by_deployment: dict[str, int], elsewhere: int
) -> Checked:
    what, needed = f"quota {instance_type}", sum(by_deployment.values()) + elsewhere
    if quota is None:
        fix = f"check that {aws.region} offers {instance_type} (Service Quotas, Amazon SageMaker)"
        return Checked(what, State.UNKNOWN, "Service Quotas lists no quota for endpoint usage", fix)
    explanation = f"{quota['Value']:g} for endpoints, {_sentence(by_deployment, elsewhere)}"
    if quota["Value"] < needed:
        fix = (
            "aws service-quotas request-service-quota-increase --service-code sagemaker "
            f"--quota-code {quota['QuotaCode']} --desired-value {needed} --region {aws.region}"
        )
        return Checked(what, State.FAULT, explanation, fix)
    return Checked(what, State.OK, explanation)


def _sentence(by_deployment: dict[str, int], elsewhere: int) -> str:
    """Return a sentence about the demands, such as `llama-2-13b needs at most 2, and 1 runs on other endpoints`."""
    names = sorted(by_deployment)
    if len(names) > _MOST_NAMED:
        who = f"{len(names)} deployments need at most {sum(by_deployment.values())} together"
    else:
        who = " and ".join(f"{name} needs at most {by_deployment[name]}" for name in names)
    if not elsewhere:
        return who
    return f"{who}, and {elsewhere} {'runs' if elsewhere == 1 else 'run'} on other endpoints"


def _endpoint_quotas(aws: Aws) -> dict[str, ServiceQuotaTypeDef]:
    """Return the quotas for endpoint usage by instance type."""
    pages = aws.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    return {
        quota["QuotaName"].removesuffix(_ENDING): quota
        for page in pages
        for quota in page["Quotas"]
        if quota["QuotaName"].endswith(_ENDING)
    }


def _running_elsewhere(aws: Aws, deployments: set[str]) -> dict[str, int]:
    """Count running instances by type on all endpoints except the endpoints of these deployments."""
    own = set(_endpoints_of(aws, deployments))
    counts: dict[str, int] = defaultdict(int)
    for bill in bills_of_region(aws):
        if bill.endpoint not in own:
            counts[bill.instance_type] += bill.instances
    return counts


def _endpoints_of(aws: Aws, deployments: set[str]) -> Iterator[str]:
    """Yield the names of the endpoints in the stacks of these deployments, in any state."""
    cloudformation = aws.client("cloudformation")
    stacks = cloudformation.get_paginator("describe_stacks").paginate()
    live = [stack["StackId"] for page in stacks for stack in page["Stacks"] if stack["StackName"] in deployments]
    for stack_id in live:
        resources = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_id)
        for resource in (entry for page in resources for entry in page["StackResourceSummaries"]):
            if resource["ResourceType"] == _ENDPOINT and "PhysicalResourceId" in resource:
                yield resource["PhysicalResourceId"].rpartition("/")[2]
