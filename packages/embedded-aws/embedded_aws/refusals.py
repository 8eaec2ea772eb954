"""All refusals of the embedded AWS with their evidence, read from its source.

A refusal is a call that passes an `Evidence`: what the constructors of refusals require.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embedded_aws.evidence import Evidence

_PACKAGE = Path(__file__).parent
_AREAS = {
    "autoscaling": "Application Auto Scaling",
    "cloudformation": "CloudFormation",
    "cloudwatch": "CloudWatch",
    "quotas": "Service Quotas",
    "registries": "ECR",
    "sagemaker": "SageMaker",
    "serving": "SageMaker Runtime",
}
_MAKERS = {"Evidence", "documented", "preflight", "quoted"}
"""Functions that make evidence: calls of these are arguments, not refusals."""


@dataclass(frozen=True, order=True)
class Refusal:
    """One place that refuses."""

    area: str
    """The service; "every service" for the front door."""
    message: str
    """The message; what is known at run time only is in braces."""
    evidence: Evidence
    module: str


def refusals() -> list[Refusal]:
    """Every refusal, by service and message."""
    found = [refusal for path in sorted(_PACKAGE.rglob("*.py")) for refusal in _of_module(path)]
    return sorted(found, key=lambda refusal: (refusal.area, refusal.message))


def _of_module(path: Path) -> Iterator[Refusal]:
    parts = path.relative_to(_PACKAGE.parent).with_suffix("").parts
    area = _AREAS.get(parts[1], "every service") if len(parts) > 1 else "every service"
    tree = ast.parse(path.read_text())
    if not any(isinstance(node, ast.ImportFrom) and node.module == "embedded_aws.evidence" for node in ast.walk(tree)):
        return
    name = ".".join(parts)
    namespace = vars(importlib.import_module(name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in _MAKERS):
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
            for argument in arguments:
                evidence = _evidence(argument, namespace)
                if evidence is not None:
                    before = arguments[int(_is_error(node)) : arguments.index(argument)]
                    yield Refusal(area, ": ".join(_text(text, namespace) for text in before), evidence, name)


def _evidence(argument: ast.expr, namespace: dict[str, object]) -> Evidence | None:
    """The evidence that an argument is: a constant of the module, or a call with a literal source."""
    match argument:
        case ast.Name(id=name):
            value = namespace.get(name)
        case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(source))]) if name in _MAKERS:
            make = namespace[name]
            value = make(source) if callable(make) else None
        case _:
            return None
    return value if isinstance(value, Evidence) else None


def _is_error(call: ast.Call) -> bool:
    """Whether a call is of `ServiceError`, whose first argument is the error code."""
    return isinstance(call.func, ast.Name) and call.func.id == "ServiceError"


def _text(expression: ast.expr, namespace: dict[str, object]) -> str:
    """A message as its source builds it; what is known at run time only is a short name in braces."""
    match expression:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value, namespace) for value in values)
        case ast.FormattedValue(value=value):
            return _text(value, namespace)
        case ast.BoolOp(values=values):
            return " or ".join(_text(value, namespace) for value in values)
        case ast.Name(id=name) if isinstance(namespace.get(name), str | int):
            return str(namespace[name])
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return f"{{{name}}}"
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return f"{{{key}}}"
        case _:
            return "{...}"
