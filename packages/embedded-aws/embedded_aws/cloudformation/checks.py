"""Checks of a template and its capabilities, which run before any resource is touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from embedded_aws.cloudformation import schemas
from embedded_aws.cloudformation.errors import invalid, refusal_of, refuse
from embedded_aws.cloudformation.handlers import HANDLERS
from embedded_aws.cloudformation.template import Template
from embedded_aws.evidence import LIMIT, quoted
from embedded_aws.service import ServiceError
from replicas.names import ResourceType
from replicas.template import references
from replicas.template.evaluation import LANGUAGE_EXTENSIONS
from replicas.template.faults import Fault
from replicas.template.structure import reference_faults

_NAMED_IAM = {ResourceType.ROLE: "RoleName", ResourceType.MANAGED_POLICY: "ManagedPolicyName"}


def check_template(template: Template, region: str) -> None:
    """Refuse unknown resource types, references to missing resources or attributes, and circular dependencies."""
    unrecognized = [type_ for type_ in template.types if not schemas.exists(type_, region)]
    if unrecognized:
        raise invalid(
            f"Template format error: Unrecognized resource types: [{', '.join(unrecognized)}]",
            quoted("aws/aws-cli, issues 7226 and 8032"),
        )
    foreign = [type_ for type_ in template.types if type_ not in HANDLERS]
    if foreign:
        raise invalid(
            f"The embedded AWS does not provision {', '.join(foreign)}. It provisions {', '.join(sorted(HANDLERS))}.",
            LIMIT,
        )
    refuse(reference_faults(template.content))
    for member in (*template.resources.values(), *template.section("Outputs").values()):
        _check_attributes(template, member)


SLOW_TYPES = {ResourceType.COMPONENT: 1, ResourceType.ENDPOINT: 2}
"""Types whose creation takes minutes. Among independent resources, types with a higher number come later."""


def needs_of(definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the dependencies of each resource by logical id; the keys are in the order of provisioning.

    CloudFormation creates independent resources in parallel. The embedded AWS creates one resource at a time: the types
    of `SLOW_TYPES` come after all resources that do not depend on them.
    """
    needs = references.needs_of(definitions)
    if isinstance(needs, Fault):
        raise refusal_of(needs)
    remaining, in_order = dict(needs), dict[str, list[str]]()
    while remaining:
        ready = [name for name, others in remaining.items() if not any(other in remaining for other in others)]
        chosen = min(ready, key=lambda name: SLOW_TYPES.get(str(definitions[name].get("Type")), 0))
        in_order[chosen] = remaining.pop(chosen)
    return in_order


def _check_attributes(template: Template, member: Mapping[str, Any]) -> None:
    """Refuse a Fn::GetAtt of an attribute that its resource does not have."""
    stated = {key: value for key, value in member.items() if key not in ("Metadata", "DependsOn")}
    for name, attribute in references.mentions(stated):
        if name in template.resources and attribute:
            handler = HANDLERS[str(template.resources[name]["Type"])]
            if attribute not in handler.attributes:
                raise invalid(
                    f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt",
                    quoted("localstack/localstack, issue 2372"),
                )


def capabilities_needed(template: Template) -> list[str]:
    """Return the capabilities that a request for this template must acknowledge."""
    needed = set()
    for definition in template.resources.values():
        kind = str(definition["Type"])
        if kind in _NAMED_IAM and _NAMED_IAM[kind] in definition.get("Properties", {}):
            needed.add("CAPABILITY_NAMED_IAM")
        elif kind.startswith(ResourceType.IAM):
            needed.add("CAPABILITY_IAM")
    if "CAPABILITY_NAMED_IAM" in needed:
        needed.discard("CAPABILITY_IAM")
    if LANGUAGE_EXTENSIONS in template.transforms:
        needed.add("CAPABILITY_AUTO_EXPAND")
    return sorted(needed)


def check_capabilities(template: Template, acknowledged: Iterable[str]) -> None:
    """Refuse a template if the request does not acknowledge all capabilities that it needs."""
    covered = set(acknowledged)
    if "CAPABILITY_NAMED_IAM" in covered:
        covered.add("CAPABILITY_IAM")
    missing = [capability for capability in capabilities_needed(template) if capability not in covered]
    if missing:
        raise ServiceError(
            "InsufficientCapabilitiesException",
            f"Requires capabilities : [{', '.join(missing)}]",
            quoted("aws/serverless-application-model, issue 51"),
        )
