"""Deploy what was proposed, follow it, and say what became of it, also after an interrupt."""

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
"""Pause between two looks at the stack."""


@dataclass(frozen=True)
class Delivered:
    """The end of a deploy."""

    status: Status | None
    """What is deployed now, with probes if the deploy succeeded; None if nothing is."""
    failure: str | None = None
    """What the CDK CLI said, if it failed."""
    was_interrupted: bool = False
    commands: tuple[str, ...] = ()
    """Commands to talk to the components, from the outputs of the stack."""

    @property
    def is_under_way(self) -> bool:
        """True if CloudFormation goes on with the stack."""
        return self.status is not None and self.status.is_under_way


def deliver(
    proposal: Proposal,
    *,
    probe_seconds: float,
    progress: Callable[[Sequence[Step]], None] = lambda _steps: None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Delivered:
    """Deploy the assembly of a proposal with the CDK CLI.

    An interrupt (Ctrl-C) ends the CLI. CloudFormation goes on with what it has begun: nothing is taken back.

    Args:
        proposal: what `propose` returned.
        probe_seconds: longest wait for an answer of each component afterwards.
        progress: called with the steps, whenever they were looked at.
        tell: called with progress lines of the probes.

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
