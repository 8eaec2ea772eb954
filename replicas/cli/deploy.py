"""`replicas deploy`: plans, checks, asks for confirmation, deploys with the CDK CLI, and tests the deployment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import Region, app, say, show, tell
from replicas.cli.completing import deployment_names
from replicas.cli.output import complain
from replicas.cli.progress import stages, steps
from replicas.cli.region import region_of
from replicas.errors import UsageError

if TYPE_CHECKING:
    from replicas.delivery import Delivered, Proposal


@app.command()
def deploy(
    name: Annotated[str, typer.Argument(help="A deployment of deployments.py.", autocompletion=deployment_names)],
    region: Region = None,
    yes: Annotated[bool, typer.Option("--yes", help="Deploy without confirmation, if no check finds a fault.")] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait after the deploy for the first answer of each component.")
    ] = 900,
) -> None:
    """Deploy one stack: show plan, checks and price, ask for confirmation, run the CDK CLI, and test each component.

    Deploys exactly the template that was checked. Ctrl-C stops the CDK CLI; CloudFormation continues an update that has
    started. Exit code 1 if a check finds a fault, the confirmation is refused, or the deployment fails.
    """
    from replicas.cli.tables.status import status_page
    from replicas.delivery import deliver, propose

    chosen = region_of(region, name)
    with stages() as working:
        proposal = propose(name, region=chosen, working=working)
    _show(proposal)
    if not proposal.preflight.is_ready:
        tell(f"{name} was not deployed: fix the checks that are marked `fault` above")
        raise typer.Exit(1)
    if not yes and not sys.stdin.isatty():
        raise UsageError(
            f"nothing was deployed, because there is no terminal for the confirmation: run replicas deploy {name} --yes"
        )
    if not yes and not typer.confirm(f"Deploy {name} to {proposal.aws.region}?", err=True):
        tell("nothing was deployed")
        raise typer.Exit(1)
    with steps() as progress:
        delivered = deliver(proposal, probe_seconds=wait, progress=progress, tell=tell)
    if delivered.status is not None:
        show(status_page(delivered.status))
    _end(name, proposal.aws.region, delivered)


def _show(proposal: Proposal) -> None:
    """Show the plan with its notes, the checks, and the price compared with the running stack."""
    from replicas.cli.tables import plans
    from replicas.cli.tables.deploy import price_lines
    from replicas.cli.tables.preflight import preflight_table

    show(plans.plan_table(proposal.plan))
    if bounds := plans.bounds_table(proposal.plan):
        show(bounds)
    say(*plans.plan_notes(proposal.plan))
    show(preflight_table(proposal.preflight))
    say(*price_lines(proposal))


def _end(name: str, region: str, delivered: Delivered) -> None:
    """Print the next steps. Exit with code 130 after an interrupt, and with 1 after a failure or with problems."""
    if delivered.was_interrupted:
        if delivered.is_under_way:
            tell(
                f"interrupted: CloudFormation continues the update of {name}",
                f"next: follow the update with replicas status {name} --watch --region {region}; then run replicas "
                f"deploy {name} again, or remove the stack with npx cdk destroy {name}",
            )
        elif delivered.status is None:
            tell("interrupted: nothing was deployed", f"next: run replicas deploy {name} again")
        else:
            tell(
                f"interrupted: no CloudFormation update is in progress; the lines above show the deployed resources "
                f"of {name}",
                f"next: run replicas deploy {name} again",
            )
        raise typer.Exit(130)
    if delivered.failure is not None:
        complain(f"the deployment failed: {delivered.failure}")
        if delivered.status is None:
            tell("nothing is deployed", f"next: fix the cause, then run replicas deploy {name}")
        else:
            tell(
                f"next: list the remaining resources with replicas status {name} --region {region}, or remove them "
                f"with npx cdk destroy {name}"
            )
        raise typer.Exit(1)
    say(*(f"next: {command}" for command in delivered.commands))
    if delivered.status is not None and delivered.status.problems:
        raise typer.Exit(1)
