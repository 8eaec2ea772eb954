"""`SageMakerChecks`: the rules of practice (`replicas check --practice`) at every synth, for any CDK app."""

from __future__ import annotations

import jsii
from aws_cdk import IPolicyValidationContext, IPolicyValidationPlugin, PolicyValidationPluginReport

from replicas.installation import __version__
from replicas.rules import PRACTICE_RULES, check_practice
from replicas_cdk.template_proof import judged


@jsii.implements(IPolicyValidationPlugin)
class SageMakerChecks:
    """Judges how Models, EndpointConfigs, Endpoints and InferenceComponents are secured and watched.

        Validations.of(app).add_plugins(SageMakerChecks())

    A problem fails the synth, a warning is printed. What is meant so is acknowledged where it is made, for a construct
    and all below it:

        Validations.of(scope).acknowledge(Acknowledgment(id="SageMakerChecks::untagged", reason="..."))
    """

    @property
    def name(self) -> str:
        """As the report shows it, and as ids of acknowledgements begin."""
        return "SageMakerChecks"

    @property
    def version(self) -> str:
        """Of this project."""
        return __version__

    @property
    def rule_ids(self) -> list[str]:
        """Every rule that can be broken."""
        return list(PRACTICE_RULES)

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Check every template that was synthesised."""
        return judged(context, check_practice)
