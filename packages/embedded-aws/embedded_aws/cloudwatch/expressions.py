"""Subset of metric math for endpoint alarms and dashboards: arithmetic, comparisons, AND, IF, FILL, SUM, ...

An expression is evaluated for each period. If an operand has no value in a period, the result has no value either; FILL
supplies a value, and SUM, MIN, MAX and AVG skip missing values.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embedded_aws.evidence import ASSUMED, LIMIT, Evidence

Values = Mapping[str, float | None]
"""Value of each query id in one period; None if it has no value."""

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "MIN": min,
    "MAX": max,
    "AVG": lambda values: sum(values) / len(values),
}
_ELEMENTWISE: dict[str, Callable[[float], float]] = {"ABS": abs}


class ExpressionError(ValueError):
    """The text is not valid metric math, or uses functions that are not implemented."""

    def __init__(self, message: str, evidence: Evidence) -> None:
        super().__init__(message)
        self.evidence = evidence


class Expression:
    """A parsed metric math expression."""

    def __init__(self, text: str) -> None:
        """Parse an expression.

        Raises:
            ExpressionError: the text cannot be parsed; the message says why.

        """
        plain = re.sub(r"&&|\bAND\b", " and ", text)
        plain = re.sub(r"\|\||\bOR\b", " or ", plain).replace("^", "**")
        try:
            self._tree = ast.parse(plain.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ExpressionError(f"Error in expression: {text}", ASSUMED) from None
        self.ids = {node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name) and not node.id.isupper()}
        self.uses_all = any(_is_call(node, "METRICS") for node in ast.walk(self._tree))
        self._value(self._tree, dict.fromkeys(self.ids, 1.0))  # raises for functions that are not implemented

    def value(self, values: Values) -> float | None:
        """Return the expression's value in one period; None if it has no value."""
        result = self._value(self._tree, values)
        return None if result is None else float(result)

    def _value(self, node: ast.expr, values: Values) -> Any:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in self.ids:
                return values.get(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = self._value(operand, values)
                return None if value is None else -value
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _both(_ARITHMETIC[type(op)], self._value(left, values), self._value(right, values))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                return _both(_COMPARISONS[type(op)], self._value(left, values), self._value(right, values))
            case ast.BoolOp(op=op, values=nodes):
                operands = [self._value(child, values) for child in nodes]
                if None in operands:
                    return None
                return float((all if isinstance(op, ast.And) else any)(operands))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments, values)
            case ast.List(elts=nodes):
                return [self._value(child, values) for child in nodes]
        raise ExpressionError(f"The embedded AWS does not support {ast.unparse(node)} in metric math.", LIMIT)

    def _call(self, name: str, arguments: list[ast.expr], values: Values) -> Any:
        if name == "METRICS" and not arguments:
            return list(values.values())
        evaluated = [self._value(argument, values) for argument in arguments]
        if name == "FILL" and len(evaluated) == 2:
            return evaluated[1] if evaluated[0] is None else evaluated[0]
        if name == "IF" and len(evaluated) in (2, 3):
            condition = evaluated[0]
            if condition is None:
                return None
            return evaluated[1] if condition else evaluated[2] if len(evaluated) == 3 else None
        if name in _AGGREGATES and len(evaluated) == 1:
            listed = evaluated[0] if isinstance(evaluated[0], list) else evaluated
            present = [value for value in listed if value is not None]
            return _AGGREGATES[name](present) if present else None
        if name in _ELEMENTWISE and len(evaluated) == 1:
            return None if evaluated[0] is None else _ELEMENTWISE[name](evaluated[0])
        raise ExpressionError(
            f"The embedded AWS does not support {name} with {len(arguments)} arguments in metric math.", LIMIT
        )


def _is_call(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _both(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    try:
        return float(operation(left, right))
    except (ZeroDivisionError, OverflowError):
        return None
