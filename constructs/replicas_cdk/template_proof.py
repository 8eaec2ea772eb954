"""`TemplateProof`: a validation plugin that runs the rules of `replicas check` at every synth."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

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
from replicas.rules import RULES, Message, OpenQuestion, Report
from replicas.rules.checking import Reading, check_read, read
from replicas.template.assembly import regions_of
from replicas.template.assertions import refusal_of

NOT_JUDGED = "not-judged"
"""Rule name of the warning for a question that could not be judged."""


@jsii.implements(IPolicyValidationPlugin)
class TemplateProof:
    """Checks every template of an app, for example for missing capacity, missing roles and duplicate names.

        Validations.of(app).add_plugins(TemplateProof())

    A problem fails the synth and names the logical id and a fix. Warnings and questions that could not be judged
    are printed. The plugin reads the synthesised templates, so it also checks L1 constructs and escape hatches.
    """

    @property
    def name(self) -> str:
        """Name of the plugin in reports."""
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
        return plugin_report(context, check_read)


def plugin_report(
    context: IPolicyValidationContext, judge: Callable[[Reading], Report]
) -> PolicyValidationPluginReport:
    """Run `judge` on the template of every stack and return the findings as a plugin report.

    Problems of a stack that can never be deployed are reported as warnings, so that they do not stop the other stacks.
    """
    violations, success = [], True
    paths = context.template_paths
    regions = regions_of(map(Path, paths))
    for path in paths:
        region = regions[Path(path)]
        reading = _read(Path(path).read_bytes(), region if region in known_regions() else None)
        can_be_deployed = refusal_of(reading.template) is None
        report = judge(reading)
        resources = list(reading.template.get("Resources", {}))
        success = success and not (report.problems and can_be_deployed)
        severity = "error" if can_be_deployed else "warning"
        violations += [_violation(finding, path, resources, severity) for finding in report.problems]
        violations += [_violation(finding, path, resources, "warning") for finding in report.warnings]
        violations += [_unjudged(question, path, resources) for question in report.unjudged]
    return PolicyValidationPluginReport(success=success, violations=violations)


@lru_cache(maxsize=1000)
def _read(template: bytes, region: str | None) -> Reading:
    """Read a template. The result is cached, because every plugin of an app receives all templates."""
    return read(json.loads(template), region=region)


def _violation(finding: Message, template_path: str, resources: Sequence[str], severity: str) -> PolicyViolation:
    return PolicyViolation(
        rule_name=finding.rule,
        severity=severity,
        description=f"{finding.what}: {finding.why}",
        fix=finding.fix,
        violating_resources=_resources(finding.logical_id, template_path, resources),
    )


def _unjudged(question: OpenQuestion, template_path: str, resources: Sequence[str]) -> PolicyViolation:
    command = " ".join(["replicas check", Path(template_path).name, *question.options])
    return PolicyViolation(
        rule_name=NOT_JUDGED,
        severity="warning",
        description=f"not judged: {question.question}: {question.why}",
        fix=f"run `{command}`" if question.options else "use a value that is known at synth, or check by hand",
        violating_resources=_resources(question.logical_id, template_path, resources),
    )


def _resources(logical_id: str, template_path: str, resources: Sequence[str]) -> list[PolicyViolatingResource]:
    """Return the resource of a finding, or the first resource if the finding concerns the whole template.

    The CDK CLI finds the stack of a finding by the resource. Without a resource it fails every stack of the app.
    """
    known = logical_id if logical_id in resources else next(iter(resources), logical_id)
    return [PolicyViolatingResource(resource_logical_id=known, template_path=template_path, locations=["Properties"])]
