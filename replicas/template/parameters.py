"""Parameters of a template: their types, defaults, constraints and values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from replicas.endpoint.values import NotANumber, Unknown, Value, number_of, text_of
from replicas.template.faults import Evidence, Fault

DEFAULT_FAULT = Fault("Template format error: Every Default member must be a string.")

_KIND = re.compile(r"String|Number|CommaDelimitedList|List<(?:Number|String|AWS::[\w:]+)>|AWS::[\w:]+(?:<.+>)?")
"""Types of parameters (CloudFormation guide, Parameters)."""
_SSM_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")


@dataclass(frozen=True)
class Parameter:
    """A parameter with its value."""

    name: str
    kind: str
    given: str
    resolved: str | None = None
    """Value of the Systems Manager parameter with the given name; None for other parameter types."""
    hidden: bool = False

    @property
    def value(self) -> str | list[str]:
        """The value of a `Ref` to the parameter."""
        return typed(self.kind, self.given if self.resolved is None else self.resolved)


def declarations(template: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the declared parameters by name. A malformed declaration counts as empty."""
    section = template.get("Parameters")
    declared = section.items() if isinstance(section, Mapping) else ()
    return {str(name): body if isinstance(body, Mapping) else {} for name, body in declared}


def kind_of(declaration: Mapping[str, Any]) -> str:
    """Return the type of a parameter; `String` if none is declared."""
    return str(declaration.get("Type", "String"))


def is_stored(kind: str) -> bool:
    """Return whether the value of the parameter is the name of a Systems Manager parameter with the actual value."""
    return _SSM_VALUE.fullmatch(kind) is not None


def is_hidden(declaration: Mapping[str, Any]) -> bool:
    """Return whether CloudFormation never shows the value (NoEcho)."""
    return text_of(declaration.get("NoEcho", False)) == "true"


def default_of(declaration: Mapping[str, Any]) -> str | Fault | None:
    """Return the default as text; None without a default, a `Fault` if the default is not a scalar."""
    default = declaration.get("Default")
    if default is None:
        return None
    return text_of(default) if isinstance(default, str | int | float) else DEFAULT_FAULT


def typed(kind: str, text: str) -> str | list[str]:
    """Return the value of a `Ref`: a list for list types, otherwise a string, even for numbers.

    "when you use the parameter elsewhere in your template [...], the parameter value becomes a literal string" (the
    CloudFormation guide on the type Number).
    """
    stored = _SSM_VALUE.fullmatch(kind)
    if _is_list(stored[1] if stored else kind):
        return [item.strip() for item in text.split(",")]
    return text


def values_in(kind: str, text: str) -> list[str]:
    """Return the values to which constraints apply: the items of a list, otherwise the value itself."""
    return [item.strip() for item in text.split(",")] if _is_list(kind) else [text]


def value_without_account(name: str, declaration: Mapping[str, Any], given: Mapping[str, Any]) -> Value | Fault:
    """Return the value that is known without an account: the given value, else the default, else `Unknown`."""
    kind = kind_of(declaration)
    if kind.startswith("AWS::SSM::"):
        return Unknown(f"parameter {name} is read from Systems Manager at deployment", text=f"${{{name}}}")
    value = given.get(name, default_of(declaration))
    if value is None:
        return Unknown(f"parameter {name} has no default", (name,), f"${{{name}}}")
    return typed(kind, text_of(value)) if isinstance(value, str | int | float) else value


def value_in(name: str, declaration: Mapping[str, Any], given: Mapping[str, Any]) -> str | Fault | None:
    """Return the given value of a parameter, else its default, as text; None if it has neither."""
    value = given.get(name)
    return default_of(declaration) if value is None else text_of(value)


def given_faults(template: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the types, defaults and values of all parameters. AllowedPattern is not checked."""
    for name, declaration in declarations(template).items():
        kind, value = kind_of(declaration), value_in(name, declaration, given)
        if not _KIND.fullmatch(kind):
            yield Fault(f"Template format error: Unrecognized parameter type: {kind}", Evidence.DOCUMENTED)
        if isinstance(value, Fault):
            yield value
        elif value is not None and not kind.startswith("AWS::SSM::"):
            yield from constraint_faults(name, declaration, value)


def constraint_faults(name: str, declaration: Mapping[str, Any], value: str) -> Iterator[Fault]:
    """Yield a fault for each violation of the parameter's type or constraints, except AllowedPattern."""
    kind = kind_of(declaration)
    allowed = declaration.get("AllowedValues")
    choices = [text_of(choice) for choice in allowed] if isinstance(allowed, list) else []
    for item in values_in(kind, value):
        if choices and item not in choices:
            yield refusal(name, declaration, f"must be one of AllowedValues [{', '.join(choices)}]")
        if kind in ("Number", "List<Number>"):
            yield from _number_faults(name, declaration, item)
    shortest, longest = (_limit(declaration, key) for key in ("MinLength", "MaxLength"))
    if shortest is not None and len(value) < shortest:
        yield refusal(name, declaration, f"must contain at least {text_of(declaration['MinLength'])} characters")
    if longest is not None and len(value) > longest:
        yield refusal(name, declaration, f"must contain at most {text_of(declaration['MaxLength'])} characters")


def refusal(name: str, declaration: Mapping[str, Any], reason: str) -> Fault:
    """Return the fault of a refused value, with the template's ConstraintDescription if it has one."""
    constraint = declaration.get("ConstraintDescription")
    text = f"failed to satisfy constraint: {constraint}" if constraint else reason
    return Fault(f"Parameter '{name}' {text}", Evidence.DOCUMENTED)


def _number_faults(name: str, declaration: Mapping[str, Any], value: str) -> Iterator[Fault]:
    number = number_of(value)
    if isinstance(number, NotANumber):
        yield refusal(name, declaration, "must be a number")
    if not isinstance(number, Fraction):
        return
    least, most = (_limit(declaration, key) for key in ("MinValue", "MaxValue"))
    if least is not None and number < least:
        yield refusal(name, declaration, f"must be a number not less than {text_of(declaration['MinValue'])}")
    if most is not None and number > most:
        yield refusal(name, declaration, f"must be a number not greater than {text_of(declaration['MaxValue'])}")


def _limit(declaration: Mapping[str, Any], key: str) -> Fraction | None:
    """Return a limit of a declaration; None if it is absent or not a number."""
    limit = number_of(declaration.get(key))
    return limit if isinstance(limit, Fraction) else None


def _is_list(kind: str) -> bool:
    return kind == "CommaDelimitedList" or kind.startswith("List<")
