"""What CloudFormation refuses before it touches anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from embedded_aws.cloudformation import schemas
from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.handlers import HANDLERS
from embedded_aws.cloudformation.references import conditions_in, depends_on, in_order, mentions
from embedded_aws.cloudformation.template import LANGUAGE_EXTENSIONS, Template
from embedded_aws.service import ServiceError
from replicas.names import ResourceType

PSEUDO_PARAMETERS = frozenset(
    {
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)
_NAMED_IAM = {ResourceType.ROLE: "RoleName", ResourceType.MANAGED_POLICY: "ManagedPolicyName"}


def check_template(template: Template, region: str) -> None:
    """Refuse types that do not exist, references to nothing and circles."""
    unrecognized = [one for one in template.types if not schemas.exists(one, region)]
    if unrecognized:
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(unrecognized)}]")
    foreign = [one for one in template.types if one not in HANDLERS]
    if foreign:
        raise invalid(
            f"The embedded AWS does not provision {', '.join(foreign)}. It provisions {', '.join(sorted(HANDLERS))}."
        )
    _check_references(template, template.resources, "Resources")
    _check_references(template, template.section("Outputs"), "Outputs")
    for section, content in (("Resources", template.resources), ("Outputs", template.section("Outputs"))):
        wanted = [*conditions_in(content), *(one["Condition"] for one in content.values() if "Condition" in one)]
        for name in wanted:
            if name not in template.section("Conditions"):
                raise invalid(
                    f"Template format error: Unresolved condition dependency {name} in the {section} block of the "
                    "template"
                )
    for logical_id, definition in template.resources.items():
        explicit = definition.get("DependsOn") or []
        for name in [explicit] if isinstance(explicit, str) else explicit:
            if name not in template.resources:
                raise _unresolved([name], "Resources")
            if name == logical_id:
                raise invalid(f"Circular dependency between resources: [{logical_id}]")
    needs_of(template.resources)


def needs_of(definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """What each resource depends on, in an order of provisioning."""
    needs = {logical_id: depends_on(definition, definitions) for logical_id, definition in definitions.items()}
    return {logical_id: needs[logical_id] for logical_id in in_order(needs)}


def _check_references(template: Template, content: Mapping[str, Any], section: str) -> None:
    parameters = template.section("Parameters")
    absent: list[str] = []
    for part in content.values():
        stated = {key: value for key, value in part.items() if key not in ("Metadata", "DependsOn")}
        for name, attribute in mentions(stated):
            if name in template.resources:
                handler = HANDLERS[str(template.resources[name]["Type"])]
                if attribute and attribute not in handler.attributes:
                    raise invalid(
                        f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
                    )
            elif attribute is not None or (name not in parameters and name not in PSEUDO_PARAMETERS):
                absent.append(name)
    if absent:
        raise _unresolved(absent, section)


def _unresolved(names: Iterable[str], section: str) -> ServiceError:
    listed = ", ".join(dict.fromkeys(names))
    return invalid(
        f"Template format error: Unresolved resource dependencies [{listed}] in the {section} block of the template"
    )


def capabilities_needed(template: Template) -> list[str]:
    """The capabilities that the caller has to acknowledge."""
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
    """Refuse a template whose effects on permissions nobody acknowledged."""
    given = set(acknowledged)
    if "CAPABILITY_NAMED_IAM" in given:
        given.add("CAPABILITY_IAM")
    missing = [one for one in capabilities_needed(template) if one not in given]
    if missing:
        raise ServiceError("InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]")
