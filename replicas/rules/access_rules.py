"""Rules about rights and secrets: roles that may do everything, tokens that everybody can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from replicas.endpoint.values import Reference, Value, at, list_of, text_of
from replicas.names import ResourceType
from replicas.rules.report import Finding
from replicas.template.endpoints import Resource, View

_WIDE_POLICY = re.compile(r"FullAccess$|^AdministratorAccess$|^PowerUserAccess$")
_EVERY_RESOURCE = re.compile(r"^(\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:\*+(/\*)?)$")
_WIDE_ACTIONS = ("*", "sagemaker:*", "iam:*", "s3:*")
_POLICY_TYPES = (ResourceType.POLICY, ResourceType.MANAGED_POLICY, "AWS::IAM::RolePolicy")

_TOKEN = re.compile(r"(?<!\w)hf_[A-Za-z0-9]{8,}(?![\w/])")
"""A Hugging Face token; not a folder of that name."""
_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:[^}]*\}\}")


def role_too_wide(view: View) -> Iterator[Finding]:
    """What runs a stranger's model needs an image, weights and logs, not the account."""
    for role, user in serving_roles(view):
        for right in dict.fromkeys(_wide_rights(role, view)):
            yield Finding(
                "role-too-wide",
                role.logical_id,
                f"the role of {user} has {right}",
                "whoever gets into the container gets into all of that",
                "statements for the image's repository, the weights' prefix and the log groups alone",
            )


def serving_roles(view: View) -> Iterator[tuple[Resource, str]]:
    """Execution roles that the template makes, each with the resource that uses it."""
    users: dict[str, str] = {}
    for kind in ("EndpointConfig", "Model"):
        for resource in view.of_type(kind):
            role = resource.get("ExecutionRoleArn")
            if isinstance(role, Reference):
                users.setdefault(role.logical_id, resource.logical_id)
    for logical_id, user in users.items():
        role = view.resolve(logical_id)
        if role is not None and role.type == ResourceType.ROLE:
            yield role, user


def statements_of(role: Resource, view: View) -> Iterator[Value]:
    """The statements of a role's policies: inline, managed and made by the template, or attached to it."""
    policies = list_of(role.get("Policies"))
    for policy in list_of(role.get("ManagedPolicyArns")):
        if isinstance(policy, Reference) and (managed := view.resolve(policy.logical_id)):
            policies.append(managed.properties)
    for policy in _attached_policies(role, view):
        policies.append(policy.properties)
    for policy in policies:
        yield from list_of(at(policy, "PolicyDocument", "Statement"))


def _wide_rights(role: Resource, view: View) -> Iterator[str]:
    for policy in list_of(role.get("ManagedPolicyArns")):
        name = text_of(policy).rpartition("/")[2]
        if _WIDE_POLICY.search(name):
            yield f"the managed policy {name}"
    for statement in statements_of(role, view):
        yield from _wide_statement(statement)


def _attached_policies(role: Resource, view: View) -> Iterator[Resource]:
    """Policies that are resources of their own and name the role."""
    for logical_id, body in view.template["Resources"].items():
        if not isinstance(body, Mapping) or body.get("Type") not in _POLICY_TYPES:
            continue
        policy = view.resolve(logical_id)
        if policy is None:
            continue
        roles = [*list_of(policy.get("Roles")), policy.get("RoleName")]
        if any(isinstance(named, Reference) and named.logical_id == role.logical_id for named in roles):
            yield policy


def is_too_wide(statement: Value) -> bool:
    """True for a statement that `role_too_wide` finds."""
    return next(_wide_statement(statement), None) is not None


def _wide_statement(statement: Value) -> Iterator[str]:
    if at(statement, "Effect") != "Allow" or at(statement, "Condition") is not None:
        return
    resources = [resource for resource in list_of(at(statement, "Resource")) if isinstance(resource, str)]
    if not any(_EVERY_RESOURCE.match(resource) for resource in resources):
        return
    if at(statement, "NotAction") is not None:
        yield "Allow on every resource with NotAction: all actions but a few"
    for action in list_of(at(statement, "Action")):
        if isinstance(action, str) and action.lower() in _WIDE_ACTIONS:
            yield f"Allow {action} on every resource"


def token_in_template(view: View) -> Iterator[Finding]:
    """A token in a template can be read by whoever can read the stack. The finding does not repeat it."""
    for logical_id, place in _tokens(view):
        yield Finding(
            "token-in-template",
            logical_id,
            f"what looks like a Hugging Face token in {place}",
            "whoever can read the template, the stack or the model reads it",
            "revoke it; then {{resolve:secretsmanager:...}}, or weights in S3",
        )


def _tokens(view: View) -> Iterator[tuple[str, str]]:
    parameters = view.template.get("Parameters")
    for name, parameter in parameters.items() if isinstance(parameters, Mapping) else ():
        if isinstance(parameter, Mapping) and _has_token(parameter.get("Default")):
            yield str(name), "the parameter's Default"
    for logical_id, body in view.template["Resources"].items():
        if isinstance(body, Mapping) and _has_token(body.get("Properties")):
            yield str(logical_id), "its properties"
    outputs = view.template.get("Outputs")
    for name, output in outputs.items() if isinstance(outputs, Mapping) else ():
        if _has_token(output):
            yield str(name), "an output"


def looks_like_token(text: str) -> bool:
    """True where a Hugging Face token stands in a text, not only a reference to one."""
    return _TOKEN.search(_DYNAMIC_REFERENCE.sub("", text)) is not None


def _has_token(value: Any) -> bool:
    return any(looks_like_token(text) for _, text in _walk(value) if isinstance(text, str))


def _walk(value: Any) -> Iterator[tuple[Any, Any]]:
    """Everything in a structure, each with the key it lies under. Ends also where YAML aliases make it circular."""
    waiting, seen = [(None, value)], set()
    while waiting:
        key, item = waiting.pop()
        yield key, item
        if id(item) in seen:
            continue
        if isinstance(item, Mapping):
            seen.add(id(item))
            waiting.extend(item.items())
        elif isinstance(item, list):
            seen.add(id(item))
            waiting.extend((None, part) for part in item)
