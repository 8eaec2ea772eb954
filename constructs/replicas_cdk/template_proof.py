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

from replicas.catalogue.regions import known_regions
from replicas.installation import __version__
from replicas.rules import RULES, Message, OpenQuestion, Report, check
from replicas.template.assembly import region_of
from replicas.template.assertions import refusal_of

NOT_JUDGED = "not-judged"
"""Rule name under which a question that could not be judged is reported, as a warning."""


@jsii.implements(IPolicyValidationPlugin)
class TemplateProof:
    """Checks every template of an app, for example for over-committed endpoints, missing roles and colliding names.

        Validations.of(app).add_plugins(TemplateProof())

    A problem fails the synth, with the logical id and a fix; a warning, or a question that could not be judged, is
    printed. The plugin reads the synthesised templates, so L1 constructs and escape hatches are checked too.
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
        return [*RULES, NOT_JUDGED]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Check all synthesised templates."""
        return judged(context, _check)


def judged(
    context: IPolicyValidationContext, judge: Callable[[dict[str, Any], str | None], Report]
) -> PolicyValidationPluginReport:
    """Run `judge` on the template and the region of every stack; return its findings as a plugin report."""
    violations, success = [], True
    for path in context.template_paths:
        template, region = json.loads(Path(path).read_bytes()), region_of(Path(path))
        if refusal_of(template) is not None:  # it can never be deployed, and must not stop the other stacks
            continue
        report = judge(template, region if region in known_regions() else None)
        success = success and not report.problems
        violations += [_violation(finding, path, "error") for finding in report.problems]
        violations += [_violation(finding, path, "warning") for finding in report.warnings]
        violations += [_unjudged(question, path) for question in report.unjudged]
    return PolicyValidationPluginReport(success=success, violations=violations)


def _check(template: dict[str, Any], region: str | None) -> Report:
    return check(template, region=region)


def _violation(finding: Message, template_path: str, severity: str) -> PolicyViolation:
    return PolicyViolation(
        rule_name=finding.rule,
        severity=severity,
        description=f"{finding.what}: {finding.why}",
        fix=finding.fix,
        violating_resources=_resources(finding.logical_id, template_path),
    )


def _unjudged(question: OpenQuestion, template_path: str) -> PolicyViolation:
    command = " ".join(["replicas check", Path(template_path).name, *question.options])
    return PolicyViolation(
        rule_name=NOT_JUDGED,
        severity="warning",
        description=f"not judged: {question.question}: {question.why}",
        fix=f"judged by `{command}`" if question.options else "a value that is known at synth, or a check by hand",
        violating_resources=_resources(question.logical_id, template_path),
    )


def _resources(logical_id: str, template_path: str) -> list[PolicyViolatingResource]:
    return [
        PolicyViolatingResource(resource_logical_id=logical_id, template_path=template_path, locations=["Properties"])
    ]
