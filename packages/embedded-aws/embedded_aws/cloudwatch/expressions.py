"""Metric math, as far as alarms and dashboards of endpoints use it: arithmetic, comparisons, AND, IF, FILL, SUM, ...

An expression is judged period by period. A period without a value of one of its metrics has no value itself, unless
FILL gives it one.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embedded_aws.evidence import ASSUMED, LIMIT, Evidence

Values = Mapping[str, float | None]
"""What each id has in one period."""

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
_OVER_ALL: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "MIN": min,
    "MAX": max,
    "AVG": lambda values: sum(values) / len(values),
}
_OF_ONE: dict[str, Callable[[float], float]] = {"ABS": abs}


class ExpressionError(ValueError):
    """A text is not metric math, or uses functions that are not implemented here."""

    def __init__(self, message: str, evidence: Evidence) -> None:
        super().__init__(message)
        self.evidence = evidence


class Expression:
    """An expression that was read."""

    def __init__(self, text: str) -> None:
        """Read an expression.

        Raises:
            ExpressionError: it cannot be read; the message says why.

        """
        plain = re.sub(r"&&|\bAND\b", " and ", text)
        plain = re.sub(r"\|\||\bOR\b", " or ", plain).replace("^", "**")
        try:
            self._tree = ast.parse(plain.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ExpressionError(f"Error in expression: {text}", ASSUMED) from None
        self.ids = {node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name) and not node.id.isupper()}
        self.uses_all = any(_is_call(node, "METRICS") for node in ast.walk(self._tree))
        self._value(self._tree, dict.fromkeys(self.ids, 1.0))  # whatever is not known here shows now

    def value(self, values: Values) -> float | None:
        """Its value in one period; None: it has none."""
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
            case ast.BoolOp(op=op, values=parts):
                found = [self._value(part, values) for part in parts]
                if None in found:
                    return None
                return float((all if isinstance(op, ast.And) else any)(found))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments, values)
            case ast.List(elts=parts):
                return [self._value(part, values) for part in parts]
        raise ExpressionError(f"The embedded AWS does not know {ast.unparse(node)} in metric math.", LIMIT)

    def _call(self, name: str, arguments: list[ast.expr], values: Values) -> Any:
        if name == "METRICS" and not arguments:
            return list(values.values())
        found = [self._value(argument, values) for argument in arguments]
        if name == "FILL" and len(found) == 2:
            return found[1] if found[0] is None else found[0]
        if name == "IF" and len(found) in (2, 3):
            condition = found[0]
            if condition is None:
                return None
            return found[1] if condition else found[2] if len(found) == 3 else None
        if name in _OVER_ALL and len(found) == 1:
            listed = found[0] if isinstance(found[0], list) else found
            present = [value for value in listed if value is not None]
            return _OVER_ALL[name](present) if present else None
        if name in _OF_ONE and len(found) == 1:
            return None if found[0] is None else _OF_ONE[name](found[0])
        raise ExpressionError(
            f"The embedded AWS does not know {name} with {len(arguments)} arguments in metric math.", LIMIT
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
