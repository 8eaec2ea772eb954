"""Finds all refusals of the embedded AWS and their evidence in its source code and in the rules.

Every call with an `Evidence` argument is a refusal: every constructor of a refusal requires this argument.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embedded_aws.evidence import Evidence, Kind
from embedded_aws.rule_refusals import rule_refusals
from embedded_aws.visibility import reason_of

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
"""Functions that create evidence. A call of such a function is an argument of a refusal, not a refusal."""


@dataclass(frozen=True, order=True)
class Refusal:
    """One place in the source that refuses a request."""

    area: str
    """Name of the AWS service; "every service" for code that all services share."""
    message: str
    """The message. Values that are known only at run time are names in braces."""
    evidence: Evidence
    module: str
    reason: str
    """Rule of `replicas check` that predicts the refusal, or the reason why no rule does."""


def refusals() -> list[Refusal]:
    """Return all refusals, sorted by service and message."""
    unsorted = [refusal for path in sorted(_PACKAGE.rglob("*.py")) for refusal in _of_module(path)]
    unsorted += [
        Refusal(area, message, evidence, rule.judge.__module__, f"rule `{rule.id}`")
        for area, message, evidence, rule in rule_refusals()
    ]
    return sorted(unsorted, key=lambda refusal: (refusal.area, refusal.message))


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
                    message = ": ".join(_text(text, namespace) for text in before)
                    reason = reason_of(name, message, is_limit=evidence.kind is Kind.LIMIT)
                    yield Refusal(area, message, evidence, name, reason)


def _evidence(argument: ast.expr, namespace: dict[str, object]) -> Evidence | None:
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
    """Return whether a call constructs a `ServiceError`, whose first argument is the error code."""
    return isinstance(call.func, ast.Name) and call.func.id == "ServiceError"


def _text(expression: ast.expr, namespace: dict[str, object]) -> str:
    """Return the message of an expression. Values known only at run time become their names in braces."""
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
