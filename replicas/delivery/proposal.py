"""What a deploy would do: the plan, the checks of its template against the account, and the price beside today's."""

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
    """A deployment that was planned, synthesised and checked, and not deployed yet."""

    plan: EndpointPlan
    preflight: Preflight
    existing: Status | None
    """What is deployed under this name now; None if nothing is."""
    aws: Aws

    @property
    def name(self) -> str:
        """Name of the stack."""
        return self.plan.name

    @property
    def usd_per_hour_now(self) -> float | None:
        """Price of what runs under this name now: 0 if nothing does, None if it is not known."""
        return 0.0 if self.existing is None else self.existing.usd_per_hour


def propose(name: str, *, region: str | None = None, working: Callable[[str], None] = lambda _what: None) -> Proposal:
    """Plan a deployment, synthesise its stack with the CDK CLI, and check it against the account.

    Args:
        name: deployment of deployments.py.
        region: AWS region. Default: that of the deployment, else boto3's.
        working: called with what is done next.

    Raises:
        CatalogueError: deployments.py has no such deployment.
        SizingError: it does not fit.
        OperationError: it cannot be synthesised, or AWS refuses a call.

    """
    planned = with_traffic_warnings(plan(find_deployment(name)))
    aws = Aws(planned.region or region)
    if region and region != aws.region:
        raise OperationError(
            f"--region {region}: {name} names its region in deployments.py, {aws.region}; leave it out"
        )
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
