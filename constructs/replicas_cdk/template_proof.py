"""`TemplateProof`: the rules of `replicas check` at every synth, as a validation plugin for any CDK app."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import (
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
)

from replicas.installation import __version__
from replicas.rules import RULES, Message, Report, check


@jsii.implements(IPolicyValidationPlugin)
class TemplateProof:
    """Judges every template of an app: over-committed endpoints, missing roles, colliding names and the like.

        Validations.of(app).add_plugins(TemplateProof())

    A problem fails the synth with the logical id and the change that mends it; a warning is printed. L1s and escape
    hatches are judged like everything else, for the templates are read as they were written.
    """

    @property
    def name(self) -> str:
        """As the report shows it."""
        return "replicas-proof"

    @property
    def version(self) -> str:
        """Of this project."""
        return __version__

    @property
    def rule_ids(self) -> list[str]:
        """Every rule that can be broken."""
        return list(RULES)

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Check every template that was synthesised."""
        return judged(context, check)


def judged(
    context: IPolicyValidationContext, judge: Callable[[dict[str, Any]], Report]
) -> PolicyValidationPluginReport:
    """What a judge of templates says of all templates of an app."""
    violations, success = [], True
    for path in context.template_paths:
        report = judge(json.loads(Path(path).read_bytes()))
        success = success and not report.problems
        violations += [_violation(finding, path, "error") for finding in report.problems]
        violations += [_violation(finding, path, "warning") for finding in report.warnings]
    return PolicyValidationPluginReport(success=success, violations=violations)


def _violation(finding: Message, template_path: str, severity: str) -> PolicyViolation:
    return PolicyViolation(
        rule_name=finding.rule,
        severity=severity,
        description=f"{finding.what}: {finding.why}",
        fix=finding.fix,
        violating_resources=[
            PolicyViolatingResource(
                resource_logical_id=finding.logical_id, template_path=template_path, locations=["Properties"]
            )
        ],
    )
