"""Mutants of valid templates, and what `check` and the embedded AWS say about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from botocore.exceptions import ClientError

from embedded_aws_tests.in_process import InProcessAws
from replicas.rules import check
from tests.cases.mutations.operators import Operator, Outcome, Template
from tests.cases.mutations.templates import valid_template, valid_templates

REGION = "us-west-2"


@dataclass(frozen=True)
class Mutant:
    name: str
    """Name of the template that was valid."""
    broken: str
    """Logical id of the resource that an operator changed last."""
    template: Template


@cache
def mutants_of(operator: Operator) -> list[Mutant]:
    """One for each template that the operator applies to. Tests read them, and change none."""
    mutants = []
    for name, template in valid_templates().items():
        broken = operator.change(template)
        if broken:
            mutants.append(Mutant(name, broken, template))
    return mutants


def mutant_of(operators: Sequence[Operator], name: str) -> Mutant | None:
    """A mutant of several operators; None where one of them does not apply after the others."""
    template, broken = valid_template(name), None
    for operator in operators:
        try:
            broken = operator.change(template)
        except (AttributeError, KeyError, TypeError, IndexError):
            return None  # another took away what this one changes
        if broken is None:
            return None
    return Mutant(name, broken or "", template)


def outcome_of_check(mutant: Mutant, operator: Operator) -> Outcome | str:
    """The outcome by the rule that the operator is about; a sentence where other rules speak instead."""
    report = check(mutant.template, region=REGION)
    problems = {(problem.logical_id, problem.rule) for problem in report.problems}
    warnings = {(warning.logical_id, warning.rule) for warning in report.warnings}
    if (mutant.broken, operator.rule) in problems:
        return "refused"
    if problems:
        return f"other problems: {sorted(problems)}"
    return "a warning" if (mutant.broken, operator.rule) in warnings else "accepted"


def is_taken(aws: InProcessAws, template: Template) -> bool:
    """True if a stack is created, and deleted without a failure. Nothing of it is left in either case."""
    client = aws.client("cloudformation")
    try:
        client.create_stack(StackName="mutant", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    except ClientError:
        return False
    created = aws.settled("mutant")["StackStatus"]
    client.delete_stack(StackName="mutant")
    deleted = aws.settled("mutant").get("StackStatus", "DELETE_COMPLETE")
    if deleted == "DELETE_FAILED":  # the component is gone by now
        client.delete_stack(StackName="mutant")
        aws.settled("mutant")
    return (created, deleted) == ("CREATE_COMPLETE", "DELETE_COMPLETE")
