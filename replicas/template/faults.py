"""Faults of a template itself: what CloudFormation refuses before it touches a resource."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_QUOTED_IN = {
    "Template error: YAML aliases are not allowed": "seeebiii/aws-cloudformation-templates, issue 1",
    "Template error: every Fn::FindInMap object requires": "aws/aws-cdk, issue 27987",
    "Template error: Fn::Select cannot select nonexistent value": "aws-samples/1click-hpc, issue 1",
    "Template error: variable names in Fn::Sub syntax": "aws-cloudformation/cfn-lint, pull request 1430",
    "Template format error: Every Default member": "aws/aws-sam-cli, issue 1358",
    "Template format error: Every Outputs member must contain": "aws-samples/aws-iot-chat-example, issue 1",
    "Template format error: The Value field of every Outputs member": "aws-cloudformation/cfn-lint, issue 485",
    "Template format error: Unresolved dependencies": "aws-cloudformation/cfn-lint, issue 99",
    "Template format error: Unresolved resource dependencies": "serverless/serverless, issue 4745",
}
"""Who quotes a message of CloudFormation, by its beginning."""
_GUIDE = "AWS CloudFormation guide, template reference"


class Evidence(StrEnum):
    """How a fault is known."""

    QUOTED = "quoted"
    """The message is quoted from an answer of CloudFormation."""
    DOCUMENTED = "documented"
    """The CloudFormation guide states the rule; the wording is ours."""
    ASSUMED = "assumed"
    """No source is known: the strict reading of what a template means."""


@dataclass(frozen=True)
class Fault:
    """A fault, in CloudFormation's words where these were seen."""

    message: str
    rule: Evidence = Evidence.ASSUMED
    """How the rule is known where nobody quotes the message."""

    @property
    def evidence(self) -> Evidence:
        """How the fault is known."""
        return Evidence.QUOTED if self._quoted_in else self.rule

    @property
    def source(self) -> str:
        """Who quotes the message, or which document states the rule; empty for an assumed fault."""
        return self._quoted_in or (_GUIDE if self.rule is Evidence.DOCUMENTED else "")

    @property
    def _quoted_in(self) -> str:
        return next((source for start, source in _QUOTED_IN.items() if self.message.startswith(start)), "")
