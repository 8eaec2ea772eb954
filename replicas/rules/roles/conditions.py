"""Evaluates the conditions of IAM policy statements for requests of SageMaker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from replicas.endpoint.access import Condition
from replicas.rules.roles.matching import Answer, matches

AT_ITS_WORD = "aws:resourceaccount"
"""Condition key for the owner of a resource. A test for equality counts as true, because a template does not state the
owner of a bucket in another stack."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Answer to a question (yes, no or maybe), with the reason if the answer is maybe."""

    answer: Answer
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Request:
    """An action of SageMaker on a resource, with the known keys of its context in lower case."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


_YES, _NO = Verdict(answer="yes"), Verdict(answer="no")

_EQUAL: Mapping[str, Callable[[str, str], Answer]] = {
    "stringequals": lambda value, given: matches(_literal(value), given),
    "stringlike": matches,
    "arnequals": matches,
    "arnlike": matches,
    "bool": lambda value, given: "yes" if value.lower() == given.lower() else "no",
}
_OPPOSITE = {
    "stringnotequals": "stringequals",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
}
_NEGATED: Mapping[Answer, Answer] = {"yes": "no", "maybe": "maybe", "no": "yes"}


def conditions_hold(conditions: tuple[Condition, ...], request: Request) -> Verdict:
    """Return whether all conditions of a statement hold for a request."""
    verdicts = [_holds(condition, request) for condition in conditions]
    if any(verdict.answer == "no" for verdict in verdicts):
        return _NO
    return next((verdict for verdict in verdicts if verdict.answer == "maybe"), _YES)


def _holds(condition: Condition, request: Request) -> Verdict:
    operator, key = condition.operator.lower(), condition.key.lower()
    unknown = Verdict(
        answer="maybe", why=f"the answer depends on the condition {condition.operator} on {condition.key}"
    )
    optional = operator.endswith("ifexists")
    operator = operator.removesuffix("ifexists")
    negated = operator in _OPPOSITE
    compare = _EQUAL.get(_OPPOSITE.get(operator, operator))
    if compare is None:
        return unknown
    if key == AT_ITS_WORD:
        return _NO if negated else _YES
    given = request.context.get(key)
    if given is None:
        return unknown
    answers = [compare(value, given) for value in condition.values]
    answer: Answer = "yes" if "yes" in answers else "maybe" if "maybe" in answers else "no"
    answer = _NEGATED[answer] if negated else answer
    if answer == "no" and optional:
        return unknown
    return unknown if answer == "maybe" else Verdict(answer=answer)


def _literal(value: str) -> str:
    """Return a value with `*` as an ordinary character, so that a value with a wildcard equals no known text."""
    return value.replace("*", "\\*")
