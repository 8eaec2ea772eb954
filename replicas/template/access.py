"""Execution roles of a template's models and endpoint configurations, and all strings in the template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from replicas.endpoint.access import Role, Statement, WrittenText
from replicas.endpoint.identity import Kind, Subject
from replicas.endpoint.values import Reference, Value, at, list_of, text_of
from replicas.names import ResourceType
from replicas.template.resources import Resource, Resources

_POLICY_TYPES = (ResourceType.POLICY, ResourceType.MANAGED_POLICY, "AWS::IAM::RolePolicy")


def roles_of(resources: Resources) -> Iterator[Role]:
    """Yield the execution roles that the template defines, each with the first resource that uses it."""
    users: dict[str, Subject] = {}
    kinds: tuple[tuple[str, Kind], ...] = (("EndpointConfig", "configuration"), ("Model", "model"))
    for type_name, kind in kinds:
        for resource in resources.of_sagemaker(type_name):
            role = resource.get("ExecutionRoleArn")
            if isinstance(role, Reference):
                users.setdefault(role.logical_id, Subject(kind=kind, name=resource.logical_id))
    for logical_id, user in users.items():
        resource_of_role = resources.get(logical_id)
        if resource_of_role is not None and resource_of_role.type == ResourceType.ROLE:
            yield _role(resource_of_role, user, resources)


def texts_of(template: Mapping[str, Any]) -> Iterator[WrittenText]:
    """Yield every string of the template as it is written, with its location."""
    for name, parameter in _entries(template.get("Parameters")):
        default = parameter.get("Default") if isinstance(parameter, Mapping) else None
        yield from _texts(Subject(kind="parameter", name=name), "the parameter's Default", default)
    for logical_id, body in _entries(template.get("Resources")):
        properties = body.get("Properties") if isinstance(body, Mapping) else None
        yield from _texts(Subject(kind="resource", name=logical_id), "its properties", properties)
    for name, output in _entries(template.get("Outputs")):
        yield from _texts(Subject(kind="output", name=name), "an output", output)


def _role(role: Resource, user: Subject, resources: Resources) -> Role:
    attached = list_of(role.get("ManagedPolicyArns"))
    trust = list_of(role.get("AssumeRolePolicyDocument", "Statement"))
    return Role(
        subject=Subject(kind="role", name=role.logical_id),
        user=user,
        managed_policies=tuple(text_of(policy).rpartition("/")[2] for policy in attached),
        statements=tuple(map(_statement, _statements(role, resources))),
        trust=tuple(map(_statement, trust)),
    )


def _statements(role: Resource, resources: Resources) -> Iterator[Value]:
    """Yield the statements of a role's policies: inline ones, and those that the template defines and attaches."""
    policies = list_of(role.get("Policies"))
    for policy in list_of(role.get("ManagedPolicyArns")):
        if isinstance(policy, Reference) and (managed := resources.get(policy.logical_id)):
            policies.append(managed.properties)
    for attached in resources.of_type(*_POLICY_TYPES):
        of = [*list_of(attached.get("Roles")), attached.get("RoleName")]
        if any(isinstance(name, Reference) and name.logical_id == role.logical_id for name in of):
            policies.append(attached.properties)
    for policy in policies:
        yield from list_of(at(policy, "PolicyDocument", "Statement"))


def _statement(statement: Value) -> Statement:
    resources = list_of(at(statement, "Resource"))
    return Statement(
        allows=at(statement, "Effect") == "Allow",
        actions=tuple(action for action in list_of(at(statement, "Action")) if isinstance(action, str)),
        excludes_actions=at(statement, "NotAction") is not None,
        resources=tuple(map(text_of, resources)),
        known_resources=tuple(resource for resource in resources if isinstance(resource, str)),
        is_conditional=at(statement, "Condition") is not None,
        principals=tuple(_principals(at(statement, "Principal"))),
    )


def _principals(principal: Value) -> Iterator[str]:
    if isinstance(principal, str):
        yield principal
    for kind in ("AWS", "Service", "Federated"):
        if isinstance(principal, dict) and principal.get(kind) is not None:
            yield from map(text_of, list_of(principal[kind]))


def _entries(section: Any) -> Iterator[tuple[str, Any]]:
    return ((str(name), body) for name, body in section.items()) if isinstance(section, Mapping) else iter(())


def _texts(subject: Subject, place: str, value: Any) -> Iterator[WrittenText]:
    """Yield every string in a value. Each container is visited once, so that aliases are cheap and cycles end."""
    pending, visited = [value], set()
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield WrittenText(subject=subject, place=place, text=item)
        elif isinstance(item, Mapping | list) and id(item) not in visited:
            visited.add(id(item))
            pending.extend(item.values() if isinstance(item, Mapping) else item)
