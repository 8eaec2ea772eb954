"""Faults of a template for which CloudFormation refuses the template before any resource changes."""

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
    "Template error: every Fn::Join object requires": "bazaarvoice/cloudformation-ruby-dsl, issue 131",
    "Template format error: At least one Resources member": "mludvig/aws-ethereum-miner, issue 7",
    "Template format error: Resource name": "cfndsl/cfndsl, issue 343",
    "Invalid template property or properties": "Versent/cfn-check, issue 3",
    "Invalid template resource property": "cloudtools/troposphere, pull request 140",
    "Circular dependency between resources": "aws-cloudformation/cloudformation-coverage-roadmap, issue 2220",
    "[/": "aws-cloudformation/cfn-lint, issue 38: 'null' values",
    "Template error: Unable to get mapping for": "amiracle/grand_central, issue 16",
    "SSM Secure reference is not supported in": "aws/serverless-application-model, issue 1528",
    "Template Error: Encountered unsupported function": "aws/aws-cli, pull request 2746",
    "Template error: unresolved condition dependency": "cdklabs/cdk-from-cfn, issue 975",
    "Template format error: Unresolved dependencies": "aws-cloudformation/cfn-lint, issue 99",
    "Template format error: Unresolved resource dependencies": "serverless/serverless, issue 4745",
}
"""Sources that quote a message of CloudFormation, by the start of the message."""
_GUIDE = "AWS CloudFormation guide, template reference"


class Evidence(StrEnum):
    """Evidence that CloudFormation reports a fault."""

    QUOTED = "quoted"
    """A public source quotes the message of CloudFormation."""
    DOCUMENTED = "documented"
    """The CloudFormation guide states the rule. The message is worded by this package."""
    ASSUMED = "assumed"
    """No source is known. The rule follows from a strict interpretation of the template format."""


@dataclass(frozen=True)
class Fault:
    """A fault of a template, with CloudFormation's message if a source quotes it."""

    message: str
    rule: Evidence = Evidence.ASSUMED
    """Evidence for the rule, used if no source quotes the message."""

    @property
    def evidence(self) -> Evidence:
        """Evidence that CloudFormation reports the fault."""
        return Evidence.QUOTED if self._quoted_in else self.rule

    @property
    def source(self) -> str:
        """Source that quotes the message or states the rule; empty for an assumed fault."""
        return self._quoted_in or (_GUIDE if self.rule is Evidence.DOCUMENTED else "")

    @property
    def _quoted_in(self) -> str:
        return next((source for start, source in _QUOTED_IN.items() if self.message.startswith(start)), "")
