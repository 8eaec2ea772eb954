"""Template parameters of a stack: values from the request, the previous deployment and the defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import regex  # type: ignore[import-untyped]

from embedded_aws.cloudformation.errors import invalid, refuse
from embedded_aws.cloudformation.evaluation import Evaluation
from embedded_aws.cloudformation.template import Template
from embedded_aws.evidence import ASSUMED, documented, quoted
from replicas.template.faults import Fault
from replicas.template.parameters import (
    Parameter,
    constraint_faults,
    declarations,
    default_of,
    is_hidden,
    is_stored,
    kind_of,
    refusal,
    values_in,
)

HIDDEN = "****"
"""Replaces the value of a NoEcho parameter in responses."""

_LONGEST_MATCH_SECONDS = 2.0


def shown(parameter: Parameter) -> dict[str, str]:
    """Return a parameter as the API returns it."""
    answer = {"ParameterKey": parameter.name, "ParameterValue": HIDDEN if parameter.hidden else parameter.given}
    if parameter.resolved is not None:
        answer["ResolvedValue"] = HIDDEN if parameter.hidden else parameter.resolved
    return answer


def resolve(
    template: Template,
    given: Sequence[Mapping[str, Any]],
    previous: Mapping[str, Parameter],
    read_ssm: Callable[[list[str]], Mapping[str, str]],
) -> dict[str, Parameter]:
    """Return the values of a template's parameters, from the request, the previous deployment and the defaults."""
    declared = declarations(template.content)
    requested = {str(entry["ParameterKey"]): entry for entry in given}
    unknown = [name for name in requested if name not in declared]
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template", ASSUMED)
    values: dict[str, str] = {}
    for name, declaration in declared.items():
        entry = requested.get(name, {})
        default = default_of(declaration)
        if isinstance(default, Fault):
            refuse([default])
        elif entry.get("UsePreviousValue"):
            if name not in previous:
                raise invalid(
                    f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter "
                    "key not in the previous template",
                    ASSUMED,
                )
            values[name] = previous[name].given
        elif "ParameterValue" in entry:
            values[name] = str(entry["ParameterValue"])
        elif default is not None:
            values[name] = default
    missing = [name for name in declared if name not in values]
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values", quoted("boto/botocore, issue 2598"))
    stored = {values[name] for name, declaration in declared.items() if is_stored(kind_of(declaration))}
    ssm_values = read_ssm(sorted(stored)) if stored else {}
    absent = sorted(stored - set(ssm_values))
    if absent:
        raise invalid(
            f"Unable to fetch parameters [{','.join(absent)}] from parameter store for this account.", ASSUMED
        )
    for name, declaration in declared.items():
        refuse(constraint_faults(name, declaration, values[name]))
        refuse(_pattern_faults(name, declaration, values[name]))
    return {
        name: Parameter(
            name,
            kind_of(declaration),
            values[name],
            ssm_values[values[name]] if is_stored(kind_of(declaration)) else None,
            is_hidden(declaration),
        )
        for name, declaration in declared.items()
    }


def _pattern_faults(name: str, declaration: Mapping[str, Any], value: str) -> Iterator[Fault]:
    """Yield a fault if a value does not match AllowedPattern. A pattern that takes too long counts as no match."""
    pattern = declaration.get("AllowedPattern")
    if pattern is None:
        return
    try:
        matches = all(
            regex.fullmatch(str(pattern), item, timeout=_LONGEST_MATCH_SECONDS)
            for item in values_in(kind_of(declaration), value)
        )
    except (regex.error, TimeoutError):
        matches = False
    if not matches:
        yield refusal(name, declaration, f"must match pattern {pattern}")


def check_rules(template: Template, evaluation: Evaluation) -> None:
    """Refuse parameters that break a rule of the template. The message contains the rule's description."""
    for name, rule in template.section("Rules").items():
        if "RuleCondition" in rule and not evaluation.rule(rule["RuleCondition"]):
            continue
        for assertion in rule.get("Assertions", []):
            if not evaluation.rule(assertion["Assert"]):
                description = assertion.get("AssertDescription", "assertion is false")
                raise invalid(
                    f"Template error: Rule {name} failed: {description}", documented("CloudFormation User Guide, Rules")
                )
