"""The stack of a deployment that is refused: it can be listed and destroyed, and never deployed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from aws_cdk import (
    Annotations,
    CfnRule,
    CfnRuleAssertion,
    CfnWaitConditionHandle,
    Environment,
    Fn,
    Stack,
)
from constructs import Construct

from replicas.deployment.file import Entry
from replicas.deployment.refused import RefusedEntry, refused
from replicas.errors import SizingError
from replicas.names import REFUSED_STACK

_LONGEST_DESCRIPTION = 1000


class RefusedStack(Stack):
    """A stack in place of the one that cannot be planned, with the same name, region and account.

    An error annotation fails `cdk synth` and `cdk deploy` of this stack, and of no other. CloudFormation itself refuses
    the template, with `--ignore-errors` too: the assertion of its rule is never true. What the deployment runs stays
    as it is. The template holds a resource because the CDK CLI deletes a stack whose template has none.
    """

    def __init__(self, scope: Construct, name: str, environment: Environment, problems: Sequence[str]) -> None:
        """Create a stack of this name that fails with the problems."""
        reason = f"{name} is refused: {'; '.join(problems)}"
        described = f"{reason[: _LONGEST_DESCRIPTION - 3]}..." if len(reason) > _LONGEST_DESCRIPTION else reason
        description = "A refused deployment: this template can never be deployed. replicas plan shows the reason."
        super().__init__(scope, name, description=description, env=environment)
        CfnWaitConditionHandle(self, "Refused")
        never = CfnRuleAssertion(assert_=Fn.condition_equals("refused", "deployable"), assert_description=described)
        CfnRule(self, "NeverDeployed", assertions=[never])
        Annotations.of(self).add_error(reason)


def add_refused_stack(scope: Construct, entry: Entry, refusal: SizingError) -> RefusedStack:
    """Add the stack of an entry that is refused.

    An entry whose name is no stack's name, or cannot be known, was never deployed under it: its stack gets a name of
    its own.
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
