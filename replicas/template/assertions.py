"""Assertions in the section `Rules` of a template. CloudFormation refuses a template with a false assertion.

Source: CloudFormation User Guide, "Rules syntax".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from replicas.endpoint.values import Unknown
from replicas.template.evaluation import Evaluator, section
from replicas.template.parameters import declarations
from replicas.template.world import World


def refusal_of(template: Mapping[str, Any]) -> str | None:
    """Return the description of an assertion that is false in every region and for all parameters.

    A template with this assertion can never be deployed. Return None if no assertion is always false.
    """
    if not section(template, "Rules"):
        return None
    parameters = {name: Unknown("any value", (name,)) for name in declarations(template)}
    evaluator = Evaluator(template, parameters=parameters, world=World(None))
    return next((description for _, description in false_assertions(evaluator, template)), None)


def false_assertions(evaluator: Evaluator, template: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the rule and the description of each assertion that is false for the parameters of an evaluator."""
    for name, rule in section(template, "Rules").items():
        if not isinstance(rule, Mapping):
            continue
        if "RuleCondition" in rule and evaluator.rule(rule["RuleCondition"]) is not True:
            continue
        assertions = rule.get("Assertions")
        for assertion in assertions if isinstance(assertions, list) else ():
            if isinstance(assertion, Mapping) and evaluator.rule(assertion.get("Assert")) is False:
                description = assertion.get("AssertDescription") or f"the assertion of rule {name} is never true"
                yield str(name), str(description)
