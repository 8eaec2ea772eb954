"""The stack of a refused deployment. It can be listed and destroyed, but never deployed."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

import jsii
from aws_cdk import (
    Acknowledgment,
    Annotations,
    CfnRule,
    CfnRuleAssertion,
    CfnWaitConditionHandle,
    Environment,
    Fn,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Stack,
    Validations,
)
from constructs import Construct

from replicas.deployment.file import Entry
from replicas.deployment.refused import RefusedEntry, refused
from replicas.errors import SizingError
from replicas.installation import __version__
from replicas.names import REFUSED_STACK
from replicas.template.assertions import refusal_of

_LONGEST_DESCRIPTION = 1000


class RefusedStack(Stack):
    """Placeholder for the stack of a deployment that cannot be planned, with the same name, region and account.

    `RefusedDeployments` fails `cdk synth` and `cdk deploy` for this stack only. With `--ignore-errors`, CloudFormation
    still refuses the template, because it contains a rule whose assertion is never true. An existing stack is not
    changed. The template contains a resource, because the CDK CLI deletes a stack whose template has none.
    """

    def __init__(self, scope: Construct, name: str, environment: Environment, problems: Sequence[str]) -> None:
        """Create a stack with this name that fails and reports the problems."""
        reason = f"{name} is refused: {'; '.join(problems)}"
        described = f"{reason[: _LONGEST_DESCRIPTION - 3]}..." if len(reason) > _LONGEST_DESCRIPTION else reason
        description = "A refused deployment: this template can never be deployed. replicas plan shows the reason."
        super().__init__(scope, name, description=description, env=environment)
        CfnWaitConditionHandle(self, "Refused")
        never = CfnRuleAssertion(assert_=Fn.condition_equals("refused", "deployable"), assert_description=described)
        CfnRule(self, "NeverDeployed", assertions=[never])
        Validations.of(self).acknowledge(
            Acknowledgment(id="replicas-proof::template-refused", reason="RefusedDeployments reports the refusal")
        )


@jsii.implements(IPolicyValidationPlugin)
class RefusedDeployments:
    """Validation plugin that fails each stack of a refused deployment and reports the reason.

    Error annotations are not used because they can fail other stacks: the CDK CLI computes one result for the
    annotations of all stacks and applies this result to every stack that has a warning.
    """

    @property
    def name(self) -> str:
        """Name of the plugin in reports."""
        return "refused-deployments"

    @property
    def version(self) -> str:
        """Version of this project."""
        return __version__

    @property
    def rule_ids(self) -> list[str]:
        """Ids of all rules."""
        return ["refused"]

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Report every refused template at its first resource. The CLI finds the stack by this resource."""
        violations = []
        for path in context.template_paths:
            template = json.loads(Path(path).read_bytes())
            if (refusal := refusal_of(template)) is not None:
                resource = PolicyViolatingResource(
                    resource_logical_id=next(iter(template["Resources"])), template_path=path, locations=["Type"]
                )
                violations.append(
                    PolicyViolation(
                        rule_name="refused", severity="error", description=refusal, violating_resources=[resource]
                    )
                )
        return PolicyValidationPluginReport(success=not violations, violations=violations)


def add_refused_stack(scope: Construct, entry: Entry, refusal: SizingError) -> RefusedStack:
    """Add the stack of a refused entry of deployments.py.

    If the name of the entry is unknown or is not a valid stack name, the stack gets a generated name.
    """
    known = entry if isinstance(entry, RefusedEntry) else refused("", entry)
    name = known.name or _free_name(scope, entry)
    stack = RefusedStack(scope, name, Environment(account=known.account, region=known.region), refusal.problems)
    if known.name and not known.is_region_known:
        Annotations.of(stack).add_warning(
            "the region of this entry cannot be read: cdk destroy looks in the region of the environment"
        )
    return stack


def _free_name(scope: Construct, entry: Entry) -> str:
    written = re.sub(r"[^a-zA-Z0-9]+", "-", entry.name if isinstance(entry.name, str) else "").strip("-")
    base = f"{REFUSED_STACK}{written[:60] or 'entry'}"
    names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    return next(name for name in names if scope.node.try_find_child(name) is None)
