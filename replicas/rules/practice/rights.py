"""Execution roles that are wider than serving needs, below what `role-too-wide` refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.endpoint.values import Value, at, list_of, text_of
from replicas.names import SAGEMAKER_PRINCIPAL
from replicas.rules.access_rules import is_too_wide, serving_roles, statements_of
from replicas.rules.practice.findings import broken
from replicas.rules.report import Finding
from replicas.template.endpoints import View

_ALL_BUCKETS = re.compile(r"\*|arn:(?:[^:]+|\$\{AWS::Partition\}):s3:::\*(?:/.*)?")
_EVERYTHING = re.compile(r"\*|arn:(?:[^:]+|\$\{AWS::Partition\}):[^:]*:[^:]*:.*?:(?:\w+[:/])?\*")
_OBJECTS = ("s3:*", "s3:getobject", "s3:get*", "s3:putobject", "s3:put*", "s3:deleteobject", "s3:getobject*")
_REACHING = (
    "iam:passrole",
    "sts:assumerole",
    "secretsmanager:getsecretvalue",
    "secretsmanager:*",
    "kms:decrypt",
    "kms:*",
    "ssm:getparameter",
    "ssm:getparameters",
    "ssm:*",
)
_SAGEMAKER = SAGEMAKER_PRINCIPAL


def rights(view: View) -> Iterator[Finding]:
    """Actions are named one by one, on resources that are named."""
    for role, _ in serving_roles(view):
        for statement in statements_of(role, view):
            if at(statement, "Effect") != "Allow" or is_too_wide(statement):
                continue
            actions = [action for action in list_of(at(statement, "Action")) if isinstance(action, str)]
            resources = [text_of(resource) for resource in list_of(at(statement, "Resource"))]
            if at(statement, "Condition") is None:
                yield from _reaching(role.logical_id, actions, resources)
            for action in actions:
                if action.endswith(":*"):
                    on = ", ".join(resources) or "what NotResource leaves"
                    yield broken(
                        "role-with-wildcards",
                        role.logical_id,
                        f"Allow {action} on {on}",
                        "the actions that serving needs, by name",
                    )


def _reaching(logical_id: str, actions: list[str], resources: list[str]) -> Iterator[Finding]:
    on_objects = [action for action in actions if action.lower() in _OBJECTS]
    if on_objects and any(map(_ALL_BUCKETS.fullmatch, resources)):
        yield broken(
            "role-reaches-all-buckets",
            logical_id,
            f"Allow {', '.join(on_objects)} on every bucket",
            "s3:GetObject on the weights' prefix, arn:aws:s3:::BUCKET/PREFIX/*",
        )
    on_secrets = [action for action in actions if action.lower() in _REACHING]
    services = {action.partition(":")[0].lower() for action in on_secrets}
    everything = [one for one in resources if _EVERYTHING.fullmatch(one)]
    if on_secrets and any(one == "*" or services & set(one.split(":")) for one in everything):
        yield broken(
            "role-reaches-secrets",
            logical_id,
            f"Allow {', '.join(on_secrets)} on every resource",
            "the one key or secret by its ARN, or the statement left out: serving needs none",
        )


def trust(view: View) -> Iterator[Finding]:
    """SageMaker alone assumes an execution role."""
    for role, _ in serving_roles(view):
        for statement in list_of(role.get("AssumeRolePolicyDocument", "Statement")):
            if at(statement, "Effect") != "Allow":
                continue
            principals = list(_principals(at(statement, "Principal")))
            if "*" in principals and at(statement, "Condition") is None:
                yield broken(
                    "role-trusts-anyone",
                    role.logical_id,
                    "its trust policy has the principal *, without a condition",
                    f"Principal: {{Service: {_SAGEMAKER}}}",
                )
                continue
            others = [principal for principal in principals if principal != _SAGEMAKER]
            if others:
                yield broken(
                    "role-trusts-others",
                    role.logical_id,
                    f"its trust policy names {', '.join(others)}",
                    f"a role for each; this one with Principal: {{Service: {_SAGEMAKER}}} alone",
                )


def _principals(principal: Value) -> Iterator[str]:
    if isinstance(principal, str):
        yield principal
    for kind in ("AWS", "Service", "Federated"):
        if isinstance(principal, dict) and principal.get(kind) is not None:
            yield from map(text_of, list_of(principal[kind]))
