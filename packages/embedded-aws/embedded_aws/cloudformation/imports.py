"""Import of existing resources into a stack: finds them and checks the request of CreateChangeSet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from embedded_aws.cloudformation.changes import Comparison
from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.handlers import HANDLERS
from embedded_aws.cloudformation.handlers.handler import Importable
from embedded_aws.cloudformation.schemas import exists, schema_of
from embedded_aws.cloudformation.state import DesiredState, Stack
from embedded_aws.evidence import LIMIT, documented, quoted
from embedded_aws.service import Parameters

Identifiers = dict[str, dict[str, str]]
"""The identifier of each resource to import, by logical id."""

_ANSWERED = quoted("ministackorg/ministack, tests/test_cfn_import_change_set.py: the answers of AWS")
_POLICY = quoted("linuxacademy/content-aws-certified-cloud-practioner, pull request 1")
_SECTIONS = quoted("aws/aws-cdk, issue 24954; awslabs/aws-security-assessment-solution, issue 6")


def check_entries(params: Parameters, desired: DesiredState, region: str) -> Identifiers:
    """Return the identifier of each resource to import, by logical id. Refuse entries that differ from the template."""
    entries: Sequence[Mapping[str, Any]] = params.get("ResourcesToImport") or []
    if not entries:
        raise invalid("Must Provide at least one resource to import", _ANSWERED)
    for number, entry in enumerate(entries, 1):
        if not entry.get("ResourceIdentifier"):
            raise invalid(
                f"1 validation error detected: Value null at 'resourcesToImport.{number}.member.resourceIdentifier' "
                "failed to satisfy constraint: Member must not be null",
                _ANSWERED,
            )
    if max(Counter(entry["LogicalResourceId"] for entry in entries).values()) > 1:
        raise invalid("Every resource to import must have unique LogicalResourceId", _ANSWERED)
    _check_types([str(entry["ResourceType"]) for entry in entries], region)
    for entry in entries:
        kind = str(entry["ResourceType"])
        expected = identifier_of(kind, region)
        if set(entry["ResourceIdentifier"]) != set(expected):
            raise invalid(
                f"Invalid resource identifier for resource type {kind}. Expected [{', '.join(expected)}]", _ANSWERED
            )
    resources = desired.template.resources
    missing = [entry["LogicalResourceId"] for entry in entries if entry["LogicalResourceId"] not in resources]
    if missing:
        raise invalid(
            f"The logical resource ids [{', '.join(missing)}] provided in ResourceToImport do not exist in the "
            "template.",
            _ANSWERED,
        )
    for entry in entries:
        name, listed = entry["LogicalResourceId"], entry["ResourceType"]
        declared = resources[name]["Type"]
        if listed != declared:
            raise invalid(
                f"Resource type of [{name}] passed in ResourceToImport does not match with resource type defined in "
                f"the template. Resource type in ResourceToImport: {listed}; Resource type in Template: {declared}.",
                _ANSWERED,
            )
    return {entry["LogicalResourceId"]: dict(entry["ResourceIdentifier"]) for entry in entries}


def check_only_imports(
    identifiers: Identifiers, stack: Stack, desired: DesiredState, comparison: Comparison, params: Parameters
) -> None:
    """Refuse an import that also changes the stack, or that leaves a resource without a DeletionPolicy."""
    present = {name for name, resource in stack.resources.items() if resource.live}
    new = [change["LogicalResourceId"] for change in _of(comparison, "Add")]
    unlisted = [name for name in new if name not in identifiers]
    if unlisted:
        raise invalid(f"Resources [{', '.join(unlisted)}] is missing from ResourceToImport list", _ANSWERED)
    if not new:
        raise invalid("The template should contain at least one new resource to import.", _ANSWERED)
    known = [name for name in identifiers if name in present]
    if known:
        raise invalid(
            f"Resources [{', '.join(known)}] passed in ResourceToImport are already in a stack and cannot be imported.",
            quoted("aws-cloudformation/cloudformation-coverage-roadmap, issue 1607"),
        )
    changed = [change["LogicalResourceId"] for change in _of(comparison, "Modify", "Remove")]
    if changed:
        raise invalid(
            f"You have modified resources [{', '.join(changed)}] in your template that are not being imported. Update, "
            "create or delete operations cannot be executed during import operations.",
            _ANSWERED,
        )
    resources = desired.template.resources
    without = [name for name in identifiers if "DeletionPolicy" not in resources[name]]
    if without:
        raise invalid(
            f"The following resources to import [{', '.join(without)}] must have DeletionPolicy attribute specified in "
            "the template.",
            _POLICY,
        )
    added = list(_changes_outside_resources(stack, desired, params))
    if added:
        raise invalid(f"As part of the import operation, you cannot modify or add [{', '.join(added)}]", _SECTIONS)


def check_existence(
    identifiers: Identifiers,
    desired: DesiredState,
    client: Callable[[str], Any],
    holder: Callable[[str, str], str | None],
) -> None:
    """Refuse an identifier if no resource has it, or if a stack already owns its resource.

    `holder` returns the id of the stack that owns a resource, given by type and physical id.
    """
    for name, identifier in identifiers.items():
        kind, value = str(desired.template.resources[name]["Type"]), physical_id(identifier)
        handler = HANDLERS[kind]
        existing = handler.find(client, identifier) if isinstance(handler, Importable) else None
        if existing is None:
            raise invalid(f"Resource of type '{kind}' with identifier '{value}' was not found.", _ANSWERED)
        owner = holder(kind, existing.physical_id)
        if owner:
            raise invalid(f"{value} already exists in stack {owner}", _ANSWERED)


def changes_of(identifiers: Identifiers, desired: DesiredState) -> list[dict[str, Any]]:
    """Return the changes of an import in botocore's shape `Change`."""
    return [
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": "Import",
                "LogicalResourceId": name,
                "PhysicalResourceId": physical_id(identifier),
                "ResourceType": desired.template.resources[name]["Type"],
                "Scope": [],
                "Details": [],
            },
        }
        for name, identifier in identifiers.items()
    ]


def physical_id(identifier: Mapping[str, str]) -> str:
    """Return the physical id of an import identifier: its values, joined by `|`."""
    return "|".join(identifier.values())


def identifier_of(kind: str, region: str) -> list[str]:
    """Return the names of the properties that identify an existing resource of a type."""
    return ["/".join(path) for path in sorted(schema_of(kind, region).identifiers)]


def _check_types(kinds: Sequence[str], region: str) -> None:
    unreadable = [
        kind
        for kind in kinds
        if not exists(kind, region) or "read" not in schema_of(kind, region).content.get("handlers", {})
    ]
    if unreadable:
        raise invalid(
            f"The following resource types are not supported for resource import: {','.join(unreadable)}",
            quoted("pbudzon/aws-maintenance, issue 16"),
        )
    foreign = [kind for kind in dict.fromkeys(kinds) if not isinstance(HANDLERS.get(kind), Importable)]
    if foreign:
        allowed = ", ".join(sorted(kind for kind, handler in HANDLERS.items() if isinstance(handler, Importable)))
        raise invalid(f"The embedded AWS does not import {', '.join(foreign)}. It imports {allowed}.", LIMIT)


def _of(comparison: Comparison, *actions: str) -> list[dict[str, Any]]:
    changes = [change["ResourceChange"] for change in comparison.changes]
    return [change for change in changes if change["Action"] in actions]


def _changes_outside_resources(stack: Stack, desired: DesiredState, params: Parameters) -> Iterator[str]:
    """Yield the names of the changed parts of a stack that are not resources: outputs, service role, tags."""
    if stack.desired.template.section("Outputs") != desired.template.section("Outputs"):
        yield "Outputs"
    if params.get("RoleARN") not in (None, stack.desired.options.get("RoleARN")):
        yield "RoleArn"
    if desired.tags != stack.desired.tags:
        yield "Tags"


def check_type(kind: str, params: Parameters) -> None:
    """Refuse ResourcesToImport in a change set whose type is not IMPORT."""
    if kind != "IMPORT" and params.get("ResourcesToImport"):
        raise invalid(
            "ResourcesToImport can only be specified for a change set of the type IMPORT.",
            documented("CloudFormation API: CreateChangeSet, ChangeSetType and ResourcesToImport"),
        )
