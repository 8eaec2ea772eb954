"""Prepares a deploy: plan, template, checks against the account, and the price before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from replicas.aws.deployed import IN_REVIEW, find_stack
from replicas.aws.session import Aws
from replicas.delivery.cdk import ASSEMBLY, synthesise
from replicas.deployment.file import find_deployment
from replicas.errors import OperationError
from replicas.forecast.declared import with_traffic_warnings
from replicas.planning.planner import plan
from replicas.planning.plans import EndpointPlan
from replicas.preflight import Preflight, run_preflight
from replicas.status import Status, read_status


@dataclass(frozen=True)
class Proposal:
    """A deployment that is planned, synthesised and checked, but not deployed yet."""

    plan: EndpointPlan
    preflight: Preflight
    existing: Status | None
    """Status of the existing stack with this name; None if there is no stack."""
    aws: Aws

    @property
    def name(self) -> str:
        """Name of the stack."""
        return self.plan.name

    @property
    def usd_per_hour_now(self) -> float | None:
        """Price in USD per hour of the existing stack: 0 if there is no stack, None if the price is unknown."""
        return 0.0 if self.existing is None else self.existing.usd_per_hour


def propose(name: str, *, region: str | None = None, working: Callable[[str], None] = lambda _what: None) -> Proposal:
    """Plan a deployment, synthesise its stack with the CDK CLI, and check it against the account.

    Args:
        name: deployment of deployments.py.
        region: AWS region. Default: the region of the deployment, else the region that the CDK CLI
            would use.
        working: called with a description of each step before the step starts.

    Raises:
        CatalogueError: deployments.py has no such deployment.
        SizingError: the deployment does not fit.
        OperationError: the stack cannot be synthesised, or AWS refuses a call.

    """
    planned = with_traffic_warnings(plan(find_deployment(name)))
    aws = Aws(planned.region or region)
    if region and region != aws.region:
        raise OperationError(f"--region {region}: deployments.py sets {aws.region} for {name}: remove --region")
    working(f"synthesising {name}")
    synthesise(name, aws.region)
    working(f"checking {name} against the account")
    checked = run_preflight(name, template=ASSEMBLY / f"{name}.template.json", region=aws.region)
    return Proposal(planned, checked, _existing(aws, name), aws)


def _existing(aws: Aws, name: str) -> Status | None:
    stack = find_stack(aws, name)
    if stack is None or stack["StackStatus"] == IN_REVIEW:
        return None
    return read_status(name, aws=aws)
