"""Evaluates the functions in the sections `Conditions` and `Rules` to true, false or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from replicas.endpoint.values import Unknown, Value, open_values, text_of, unknown_from
from replicas.template.faults import Evidence

if TYPE_CHECKING:
    from replicas.template.evaluation import Evaluator

_FEWEST_OPERANDS, _MOST_OPERANDS = 2, 10
_RULE_FUNCTIONS = ("Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn")


def holds(evaluator: Evaluator, expression: Any, *, in_rule: bool = False) -> bool | Unknown:
    """Evaluate the expression of a condition, or of a rule if `in_rule`; `Unknown` if it depends on unknown values."""
    if not isinstance(expression, Mapping) or len(expression) != 1:
        return evaluator.fault(
            "it is not a condition function",
            "Template format error: Conditions can only be boolean operations on parameters and other conditions",
        )
    answer = evaluator.guarded(expression, lambda operation: _function(evaluator, operation, in_rule))
    return answer if isinstance(answer, bool | Unknown) else unknown_from([answer])


def _function(evaluator: Evaluator, expression: Mapping[str, Any], in_rule: bool) -> bool | Unknown:
    function, argument = next(iter(expression.items()))
    operands = argument if isinstance(argument, list) else []
    match function:
        case "Condition":
            return evaluator.condition(argument)
        case "Fn::Equals" if len(operands) == 2:
            return _equal(evaluator.resolve(operands[0]), evaluator.resolve(operands[1]))
        case "Fn::Not" if len(operands) == 1:
            answer = holds(evaluator, operands[0], in_rule=in_rule)
            return answer if isinstance(answer, Unknown) else not answer
        case "Fn::And" | "Fn::Or" if _FEWEST_OPERANDS <= len(operands) <= _MOST_OPERANDS:
            return _combined(
                [holds(evaluator, operand, in_rule=in_rule) for operand in operands], deciding=function == "Fn::Or"
            )
        case "Fn::Equals":
            return evaluator.fault(
                "Fn::Equals does not have two values",
                "Template error: every Fn::Equals object requires a list of 2 string parameters.",
                Evidence.DOCUMENTED,
            )
        case "Fn::Not":
            return evaluator.fault(
                "Fn::Not does not have exactly one condition",
                "Template error: every Fn::Not object requires a list with exactly 1 boolean parameter.",
                Evidence.DOCUMENTED,
            )
        case "Fn::And" | "Fn::Or":
            return evaluator.fault(
                f"{function} does not have {_FEWEST_OPERANDS} to {_MOST_OPERANDS} conditions",
                f"Template error: every {function} object requires a list of at least {_FEWEST_OPERANDS} and at most "
                f"{_MOST_OPERANDS} boolean parameters.",
                Evidence.DOCUMENTED,
            )
        case name if in_rule and name in _RULE_FUNCTIONS and len(operands) == 2:
            return _of_rule(name, evaluator.resolve(operands[0]), evaluator.resolve(operands[1]))
    return evaluator.fault(
        f"{function} is not a condition function",
        "Template format error: Conditions can only be boolean operations on parameters and other conditions",
    )


def _combined(answers: list[bool | Unknown], *, deciding: bool) -> bool | Unknown:
    """Combine the operands of And or Or. `deciding` is true for Or, false for And.

    The result is `deciding` if an operand equals it, else `Unknown` if an operand is unknown, else not `deciding`.
    """
    if deciding in answers:
        return deciding
    unknown = [answer for answer in answers if isinstance(answer, Unknown)]
    return unknown_from(unknown) if unknown else not deciding


def _equal(left: Value, right: Value) -> bool | Unknown:
    unknown = [*open_values(left), *open_values(right)]
    return unknown_from(unknown) if unknown else bool(_comparable(left) == _comparable(right))


def _of_rule(function: str, first: Value, second: Value) -> bool | Unknown:
    unknown = [*open_values(first), *open_values(second)]
    if unknown:
        return unknown_from(unknown)
    members = [_comparable(member) for member in (first if isinstance(first, list) else [first])]
    if function == "Fn::Contains":
        return _comparable(second) in members
    if function == "Fn::EachMemberEquals":
        return all(member == _comparable(second) for member in members)
    allowed = [_comparable(member) for member in (second if isinstance(second, list) else [second])]
    return all(member in allowed for member in members)


def _comparable(value: Value) -> Any:
    """Convert a value to the form that CloudFormation compares: numbers and booleans become strings."""
    if isinstance(value, Mapping):
        return {str(key): _comparable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_comparable(inner) for inner in value]
    return text_of(value) if isinstance(value, bool | int | float) else value
