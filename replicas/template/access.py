"""Execution roles of a template's models and endpoint configurations, and all strings in the template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from replicas.endpoint.access import Role, WrittenText
from replicas.endpoint.identity import Kind, Subject
from replicas.endpoint.values import Reference, Unknown, Value, list_of, text_of
from replicas.names import ResourceType
from replicas.template.creation import CreationOrder
from replicas.template.policies import AttachedPolicies, boundary_of, statements_of
from replicas.template.resources import Resource, Resources

_KINDS: tuple[tuple[str, Kind], ...] = (("EndpointConfig", "configuration"), ("Model", "model"))
_CREATED: tuple[tuple[str, Kind], ...] = (*_KINDS, ("Endpoint", "endpoint"), ("InferenceComponent", "component"))


def roles_of(resources: Resources) -> Iterator[Role]:
    """Yield the execution roles that the template defines, each with the first resource that uses it."""
    users: dict[str, Subject] = {}
    for type_name, kind in _KINDS:
        for resource in resources.of_sagemaker(type_name):
            role = role_in(resource.get("ExecutionRoleArn"), resources)
            if role is not None:
                users.setdefault(role.name, Subject(kind=kind, name=resource.logical_id))
    order = CreationOrder(
        resources,
        {
            resource.logical_id: Subject(kind=kind, name=resource.logical_id)
            for type_name, kind in _CREATED
            for resource in resources.of_sagemaker(type_name)
        },
    )
    attached = AttachedPolicies(resources, order)
    for logical_id, user in users.items():
        resource_of_role = resources.get(logical_id)
        if resource_of_role is not None:
            yield _role(resource_of_role, user, resources, attached)


def role_in(arn: Value, resources: Resources) -> Subject | None:
    """Return the role of this template that an ARN refers to; None for a role outside the template."""
    references = (arn,) if isinstance(arn, Reference) else arn.references if isinstance(arn, Unknown) else ()
    for reference in references:
        resource = resources.get(reference.logical_id)
        if resource is not None and resource.type == ResourceType.ROLE:
            return Subject(kind="role", name=resource.logical_id)
    return None


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


def _role(role: Resource, user: Subject, resources: Resources, attached: AttachedPolicies) -> Role:
    managed = list_of(role.get("ManagedPolicyArns"))
    bounded, boundary = role.get("PermissionsBoundary"), boundary_of(role, resources)
    own = [policy for policy in managed if isinstance(policy, Reference) and resources.get(policy.logical_id)]
    return Role(
        subject=Subject(kind="role", name=role.logical_id),
        user=user,
        managed_policies=tuple(text_of(policy).rpartition("/")[2] for policy in managed),
        policies_elsewhere=tuple(text_of(policy) for policy in managed if policy not in own),
        policies=tuple(attached.of(role, own)),
        boundary=boundary,
        boundary_elsewhere=text_of(bounded) if bounded is not None and boundary is None else "",
        trust=tuple(statements_of(role.get("AssumeRolePolicyDocument"))),
    )


def _entries(section: Any) -> Iterator[tuple[str, Any]]:
    return ((str(name), body) for name, body in section.items()) if isinstance(section, Mapping) else iter(())


def _texts(subject: Subject, place: str, value: Any) -> Iterator[WrittenText]:
    """Yield every string in a value. Each object or list is visited only once, so aliases are cheap and cycles end."""
    pending, visited = [value], set()
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield WrittenText(subject=subject, place=place, text=item)
        elif isinstance(item, Mapping | list) and id(item) not in visited:
            visited.add(id(item))
            pending.extend(item.values() if isinstance(item, Mapping) else item)
