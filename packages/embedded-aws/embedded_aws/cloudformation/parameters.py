"""Parameters of a stack and the rules that a template makes for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.intrinsics import Evaluation, text_of
from embedded_aws.cloudformation.template import Template

HIDDEN = "****"
"""What answers show of a parameter with NoEcho."""

_SSM_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")


@dataclass(frozen=True)
class Parameter:
    """A parameter with its value."""

    name: str
    kind: str
    given: str
    resolved: str | None = None
    """What Systems Manager holds under the given name."""
    hidden: bool = False

    @property
    def value(self) -> str | list[str]:
        """What `Ref` gives."""
        text = self.given if self.resolved is None else self.resolved
        inner = _SSM_VALUE.fullmatch(self.kind)
        kind = inner.group(1) if inner else self.kind
        if kind == "CommaDelimitedList" or kind.startswith("List<"):
            return [part.strip() for part in text.split(",")] if text else [""]
        return text

    def shown(self) -> dict[str, str]:
        """As answers show it."""
        answer = {"ParameterKey": self.name, "ParameterValue": HIDDEN if self.hidden else self.given}
        if self.resolved is not None:
            answer["ResolvedValue"] = HIDDEN if self.hidden else self.resolved
        return answer


def resolve(
    template: Template,
    given: Sequence[Mapping[str, Any]],
    previous: Mapping[str, Parameter],
    read_ssm: Callable[[list[str]], Mapping[str, str]],
) -> dict[str, Parameter]:
    """Values for a template's parameters, from what was given, what was before and the defaults."""
    declared = template.section("Parameters")
    wanted = {str(one["ParameterKey"]): one for one in given}
    unknown = [name for name in wanted if name not in declared]
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values: dict[str, str] = {}
    for name, declaration in declared.items():
        asked = wanted.get(name, {})
        if asked.get("UsePreviousValue"):
            if name not in previous:
                raise invalid(
                    f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter "
                    "key not in the previous template"
                )
            values[name] = previous[name].given
        elif "ParameterValue" in asked:
            values[name] = str(asked["ParameterValue"])
        elif "Default" in declaration:
            values[name] = text_of(declaration["Default"])
    missing = [name for name in declared if name not in values]
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    stored = {values[name] for name, one in declared.items() if _SSM_VALUE.fullmatch(str(one.get("Type")))}
    found = read_ssm(sorted(stored)) if stored else {}
    absent = sorted(stored - set(found))
    if absent:
        raise invalid(f"Unable to fetch parameters [{','.join(absent)}] from parameter store for this account.")
    resolved: dict[str, Parameter] = {}
    for name, declaration in declared.items():
        kind = str(declaration.get("Type"))
        _check(name, declaration, kind, values[name])
        resolved[name] = Parameter(
            name,
            kind,
            values[name],
            found[values[name]] if _SSM_VALUE.fullmatch(kind) else None,
            text_of(declaration.get("NoEcho", False)) == "true",
        )
    return resolved


def _check(name: str, declaration: Mapping[str, Any], kind: str, value: str) -> None:
    constraint = declaration.get("ConstraintDescription")

    def refuse(reason: str) -> NoReturn:
        raise invalid(f"Parameter '{name}' {f'failed to satisfy constraint: {constraint}' if constraint else reason}")

    many = kind == "CommaDelimitedList" or kind.startswith("List<")
    parts = [part.strip() for part in value.split(",")] if many else [value]
    allowed = [text_of(one) for one in declaration.get("AllowedValues", [])]
    for part in parts:
        if allowed and part not in allowed:
            refuse(f"must be one of AllowedValues [{', '.join(allowed)}]")
        pattern = declaration.get("AllowedPattern")
        if pattern is not None and not re.fullmatch(pattern, part):
            refuse(f"must match pattern {pattern}")
        if kind in ("Number", "List<Number>"):
            _check_number(declaration, part, refuse)
    if "MinLength" in declaration and len(value) < int(declaration["MinLength"]):
        refuse(f"must contain at least {declaration['MinLength']} characters")
    if "MaxLength" in declaration and len(value) > int(declaration["MaxLength"]):
        refuse(f"must contain at most {declaration['MaxLength']} characters")


def _check_number(declaration: Mapping[str, Any], value: str, refuse: Callable[[str], NoReturn]) -> None:
    try:
        number = float(value)
    except ValueError:
        refuse("must be a number")
    if "MinValue" in declaration and number < float(declaration["MinValue"]):
        refuse(f"must be a number not less than {declaration['MinValue']}")
    if "MaxValue" in declaration and number > float(declaration["MaxValue"]):
        refuse(f"must be a number not greater than {declaration['MaxValue']}")


def check_rules(template: Template, evaluation: Evaluation) -> None:
    """Refuse parameters that break a rule of the template, with the rule's own description."""
    for name, rule in template.section("Rules").items():
        if "RuleCondition" in rule and not evaluation.truth(rule["RuleCondition"]):
            continue
        for assertion in rule.get("Assertions", []):
            if not evaluation.truth(assertion["Assert"]):
                description = assertion.get("AssertDescription", "assertion is false")
                raise invalid(f"Template error: Rule {name} failed: {description}")
