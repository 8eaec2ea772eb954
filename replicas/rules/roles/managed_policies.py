"""Managed policies of AWS, limited to the actions that an execution role needs."""

from __future__ import annotations

import re
from functools import cache

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
    name = managed_policy_name(arn)
    entry = data.load("managed_policies")["policies"].get(name)
    if name is None or entry is None:
        return None
    statements = statements_of({"Statement": entry["statements"]})
    return Policy(subject=Subject(kind="policy", name=name), statements=tuple(statements))
