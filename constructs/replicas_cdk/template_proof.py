"""`TemplateProof`: a validation plugin that runs the rules of `replicas check` at every synth."""

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
    """Checks every template of an app, for example for over-committed endpoints, missing roles and colliding names.

        Validations.of(app).add_plugins(TemplateProof())

    A problem fails the synth, with the logical id and a fix; a warning is printed. The plugin reads the synthesised
    templates, so L1 constructs and escape hatches are checked too.
    """

    @property
    def name(self) -> str:
        """Name in the report."""
        return "replicas-proof"

    @property
    def version(self) -> str:
        """Version of this project."""
        return __version__

    @property
    def rule_ids(self) -> list[str]:
        """Ids of all rules."""
        return list(RULES)

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Check all synthesised templates."""
        return judged(context, check)


def judged(
    context: IPolicyValidationContext, judge: Callable[[dict[str, Any]], Report]
) -> PolicyValidationPluginReport:
    """Run `judge` on all templates of an app and return its findings as a plugin report."""
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
