"""Rules about execution roles that are wider than serving needs, but not wide enough for `role-too-wide`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.endpoint.access import Role, Statement
from replicas.endpoint.topology import Topology
from replicas.names import SAGEMAKER_PRINCIPAL
from replicas.rules.access import wide_rights
from replicas.rules.declaration import rule
from replicas.rules.finding import Case
from replicas.rules.roles.decisions import Decider

_ALL_BUCKETS = re.compile(r"\*|arn:(?:[^:]+|\$\{AWS::Partition\}):s3:::\*(?:/.*)?")
_EVERYTHING = re.compile(r"\*|arn:(?:[^:]+|\$\{AWS::Partition\}):[^:]*:[^:]*:.*?:(?:\w+[:/])?\*")
_OBJECTS = ("s3:*", "s3:getobject", "s3:get*", "s3:putobject", "s3:put*", "s3:deleteobject", "s3:getobject*")
_READING = ("s3:*", "s3:getobject", "s3:get*", "s3:getobject*")
_SOURCE_KEYS = {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"}
_OWNER_KEYS = {"aws:resourceaccount", "s3:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths"}
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


@rule(
    "role-reaches-all-buckets",
    pack="practice",
    checks="An execution role may read or write the objects of every bucket.",
    why="an attacker in the container reaches all data of the account",
)
def role_reaches_all_buckets(topology: Topology) -> Iterator[Case]:
    """Rights on objects must name their buckets."""
    for role, statement in _statements(topology):
        actions = [action for action in statement.covered_actions if action.lower() in _OBJECTS]
        if not statement.is_conditional and actions and any(map(_ALL_BUCKETS.fullmatch, statement.covered_resources)):
            yield Case(subject=role.subject, numbers={"actions": ", ".join(actions)})


@rule(
    "role-reaches-secrets",
    pack="practice",
    checks="An execution role has access to all secrets, keys, parameters or roles.",
    why="an attacker in the container can use all of these resources",
)
def role_reaches_secrets(topology: Topology) -> Iterator[Case]:
    """A right on secrets, keys, parameters or roles must name the resources."""
    for role, statement in _statements(topology):
        actions = [action for action in statement.covered_actions if action.lower() in _REACHING]
        services = {action.partition(":")[0].lower() for action in actions}
        everything = [resource for resource in statement.covered_resources if _EVERYTHING.fullmatch(resource)]
        reaches = any(resource == "*" or services & set(resource.split(":")) for resource in everything)
        if not statement.is_conditional and actions and reaches:
            yield Case(subject=role.subject, numbers={"actions": ", ".join(actions)})


@rule(
    "role-with-wildcards",
    pack="practice",
    severity="warning",
    checks="An execution role may use all actions of a service.",
    why="`*` includes delete and grant actions, which serving does not need, and all future actions of the service",
)
def role_with_wildcards(topology: Topology) -> Iterator[Case]:
    """Actions must be named without wildcards."""
    for role, statement in _statements(topology):
        for action in statement.covered_actions:
            if action.endswith(":*"):
                resources = ", ".join(statement.covered_resources) or "all resources except those in NotResource"
                yield Case(subject=role.subject, numbers={"action": action, "resources": resources})


@rule(
    "role-trusts-anyone",
    pack="practice",
    checks="Any AWS principal can assume an execution role.",
    why="no condition restricts the principal, so every AWS account gets the rights of the role",
)
def role_trusts_anyone(topology: Topology) -> Iterator[Case]:
    """A trust policy must name the principals that may assume the role."""
    for role in topology.roles:
        for statement in role.trust:
            if _trusts_anyone(statement):
                yield Case(subject=role.subject)


@rule(
    "role-trusts-others",
    pack="practice",
    severity="warning",
    checks="Principals other than SageMaker can assume an execution role.",
    why="a shared role has the rights for all its purposes",
)
def role_trusts_others(topology: Topology) -> Iterator[Case]:
    """An execution role must trust only SageMaker."""
    for role in topology.roles:
        for statement in role.trust:
            others = [principal for principal in statement.principals if principal != SAGEMAKER_PRINCIPAL]
            if statement.allows and others and not _trusts_anyone(statement):
                yield Case(subject=role.subject, numbers={"principals": ", ".join(others)})


@rule(
    "role-open-to-other-accounts",
    pack="practice",
    severity="warning",
    checks="A trust policy lets SageMaker assume the role for endpoints of any account.",
    why="SageMaker can become a confused deputy that assumes the role for a resource of another account",
    source="SageMaker developer guide, cross-service confused deputy prevention",
)
def role_open_to_other_accounts(topology: Topology) -> Iterator[Case]:
    """A trust policy must name the account for whose endpoints SageMaker may assume the role."""
    for role in topology.roles:
        for statement in role.trust:
            if (
                statement.allows
                and SAGEMAKER_PRINCIPAL in statement.principals
                and not statement.condition_keys & _SOURCE_KEYS
            ):
                yield Case(subject=role.subject)


@rule(
    "bucket-of-any-account",
    pack="practice",
    severity="warning",
    checks="An execution role may read a bucket by name, even if another account owns the bucket.",
    why="any account can take the name of a deleted bucket, and SageMaker then serves its objects as the model",
    source="IAM user guide, global condition keys, aws:ResourceAccount",
)
def bucket_of_any_account(topology: Topology) -> Iterator[Case]:
    """Rights on objects of a bucket outside the template must name the owner of the bucket (aws:ResourceAccount)."""
    decider = Decider(topology)
    own = [entry.arn for entry in topology.protected]
    for role, statement in _statements(topology):
        if (
            not any(action.lower() in _READING for action in statement.covered_actions)
            or statement.condition_keys & _OWNER_KEYS
        ):
            continue
        named = [decider.named(resource) for resource in statement.covered_resources]
        resources_elsewhere = [
            written
            for written, resource in zip(statement.covered_resources, named, strict=True)
            if not any(resource == arn or resource.startswith(f"{arn}/") for arn in own)
            and not _ALL_BUCKETS.fullmatch(written)
        ]
        if resources_elsewhere:
            yield Case(subject=role.subject, numbers={"resources": ", ".join(resources_elsewhere)})


@rule(
    "metrics-of-any-namespace",
    pack="practice",
    severity="warning",
    checks="An execution role may put metrics into any namespace.",
    why="an attacker in the container can hide or raise the alarms of other systems",
    source="Amazon CloudWatch user guide, condition key cloudwatch:namespace",
)
def metrics_of_any_namespace(topology: Topology) -> Iterator[Case]:
    """A condition must limit cloudwatch:PutMetricData to SageMaker's namespaces, because IAM cannot limit this action
    to resources.
    """
    for role, statement in _statements(topology):
        actions = {action.lower() for action in statement.covered_actions}
        if (
            actions & {"cloudwatch:putmetricdata", "cloudwatch:*"}
            and "cloudwatch:namespace" not in statement.condition_keys
        ):
            yield Case(subject=role.subject)


def _statements(topology: Topology) -> Iterator[tuple[Role, Statement]]:
    """Yield the statements that allow an action, except the statements that `role-too-wide` reports."""
    for role in topology.roles:
        for statement in role.statements:
            if statement.allows and next(wide_rights(statement), None) is None:
                yield role, statement


def _trusts_anyone(statement: Statement) -> bool:
    return statement.allows and "*" in statement.principals and not statement.is_conditional
