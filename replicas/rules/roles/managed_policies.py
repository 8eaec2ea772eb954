"""Managed policies of AWS, limited to the actions that an execution role needs."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from replicas.catalogue import data
from replicas.endpoint.access import Policy
from replicas.endpoint.identity import Subject
from replicas.template.policies import statements_of

_ARN = re.compile(r"arn:[^:]*(?:\{[^}]*\})?:iam::aws:policy/(?:[\w-]+/)*(?P<name>[\w+=,.@-]+)")


def managed_policy_name(arn: str) -> str | None:
    """Return the name of a managed policy of AWS; None if the ARN belongs to another policy."""
    match = _ARN.fullmatch(arn)
    return match["name"] if match else None


@cache
def managed_policy(arn: str) -> Policy | None:
    """Return a managed policy of AWS; None for other policies, and for policies that are not in the data.

    Statements that apply only to objects with a certain tag are left out.
    """
    name, entry = managed_policy_name(arn), _entry(arn)
    if name is None or entry is None:
        return None
    statements = statements_of({"Statement": entry["statements"]})
    return Policy(subject=Subject(kind="policy", name=name), statements=tuple(statements))


def reads_tagged_objects(arn: str) -> bool:
    """Return whether a managed policy of AWS has a statement that applies only to objects with a certain tag."""
    entry = _entry(arn)
    return entry is not None and entry["reads_tagged_objects"] is True


def _entry(arn: str) -> dict[str, Any] | None:
    entry: dict[str, Any] | None = data.load("managed_policies")["policies"].get(managed_policy_name(arn))
    return entry
