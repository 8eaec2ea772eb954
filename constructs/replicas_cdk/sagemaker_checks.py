"""`SageMakerChecks`: a validation plugin that runs the rules of `replicas check --practice` at every synth."""

from __future__ import annotations

import jsii
from aws_cdk import IPolicyValidationContext, IPolicyValidationPlugin, PolicyValidationPluginReport

from replicas.installation import __version__
from replicas.rules import PRACTICE_RULES
from replicas.rules.checking import check_practice_read
from replicas_cdk.template_proof import NOT_JUDGED, plugin_report


@jsii.implements(IPolicyValidationPlugin)
class SageMakerChecks:
    """Checks the security and monitoring of Models, EndpointConfigs, Endpoints and InferenceComponents.

        Validations.of(app).add_plugins(SageMakerChecks())

    A problem fails the synth. Warnings and questions that could not be judged are printed. A finding that is intended
    can be acknowledged for a construct and all constructs below it:

        Validations.of(scope).acknowledge(Acknowledgment(id="SageMakerChecks::untagged", reason="..."))
    """

    @property
    def name(self) -> str:
        """Name of the plugin in reports. It is also the prefix of acknowledgement ids."""
        return "SageMakerChecks"

    @property
    def version(self) -> str:
        """Version of this project."""
        return __version__

    @property
    def rule_ids(self) -> list[str]:
        """Ids of all rules."""
        return [*PRACTICE_RULES, NOT_JUDGED]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Check all synthesised templates."""
        return plugin_report(context, check_practice_read)
