"""Deploys a proposal, reports progress, and returns the outcome, also after an interrupt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from replicas.aws.deployed import IN_REVIEW, find_stack
from replicas.delivery.cdk import deploying
from replicas.delivery.proposal import Proposal
from replicas.delivery.steps import Follower, Step
from replicas.names import Output
from replicas.status import Status, read_status
from replicas.template.load import load

_LOOK_SECONDS = 2.0
"""Seconds between two reads of the stack."""


@dataclass(frozen=True)
class Delivered:
    """Outcome of a deploy."""

    status: Status | None
    """Status of the stack after the deploy, with probes if the deploy succeeded; None if there is no stack."""
    failure: str | None = None
    """Error message of the CDK CLI; None if the CLI succeeded or was interrupted."""
    was_interrupted: bool = False
    commands: tuple[str, ...] = ()
    """Commands that send requests to the components, from the outputs of the stack."""

    @property
    def is_under_way(self) -> bool:
        """True if CloudFormation is still working on the stack."""
        return self.status is not None and self.status.is_under_way


def deliver(
    proposal: Proposal,
    *,
    probe_seconds: float,
    progress: Callable[[Sequence[Step]], None] = lambda _steps: None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Delivered:
    """Deploy the cloud assembly of a proposal with the CDK CLI.

    An interrupt (Ctrl-C) stops the CLI. CloudFormation continues the deployment, and nothing is rolled back.

    Args:
        proposal: the return value of `propose`.
        probe_seconds: maximum time to wait for a response of each component after the deploy.
        progress: called with the current steps after each read of the stack.
        tell: called with one line of progress at a time while the components are probed.

    """
    follower = Follower(proposal.aws, proposal.name, load(proposal.preflight.template))
    try:
        with deploying(proposal.name, proposal.aws.region) as deploy:
            while not deploy.ended_within(_LOOK_SECONDS):
                if steps := follower.look():
                    progress(steps)
            if steps := follower.look():
                progress(steps)
            failure = None if deploy.has_succeeded else deploy.message
    except KeyboardInterrupt:
        return Delivered(_status(proposal), was_interrupted=True)
    if failure is not None:
        return Delivered(_status(proposal), failure)
    status = read_status(proposal.name, aws=proposal.aws, probe_seconds=probe_seconds, tell=tell)
    return Delivered(status, commands=_commands(proposal))


def _status(proposal: Proposal) -> Status | None:
    stack = find_stack(proposal.aws, proposal.name)
    return None if stack is None or stack["StackStatus"] == IN_REVIEW else read_status(proposal.name, aws=proposal.aws)


def _commands(proposal: Proposal) -> tuple[str, ...]:
    stack = find_stack(proposal.aws, proposal.name)
    outputs = stack.get("Outputs", []) if stack else []
    starts = (Output.CHAT_COMMAND, Output.INVOKE_COMMAND)
    return tuple(output["OutputValue"] for output in outputs if output["OutputKey"].startswith(starts))
