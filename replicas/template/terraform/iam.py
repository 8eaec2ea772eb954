"""Roles and policies of a Terraform plan, whose policy documents are JSON strings."""

from __future__ import annotations

import json
from typing import Any

from replicas.template.terraform.plans import PlannedResource
from replicas.template.terraform.types import AFTER_APPLY, SENSITIVE


def iam_properties(resource: PlannedResource, role: Any) -> dict[str, Any]:
    """Return the properties of a role or a policy; `role` is the role that a policy belongs to."""
    values = resource.values
    match resource.type:
        case "aws_iam_role":
            written = {
                "RoleName": values.get("name"),
                "AssumeRolePolicyDocument": _document(resource, "assume_role_policy"),
                "ManagedPolicyArns": values.get("managed_policy_arns"),
                "PermissionsBoundary": values.get("permissions_boundary"),
                "Policies": [
                    {"PolicyName": str(entry.get("name")), "PolicyDocument": read_json(entry["policy"])}
                    for entry in values.get("inline_policy") or ()
                    if entry.get("policy")
                ],
            }
        case "awscc_iam_role":
            written = {
                "RoleName": values.get("role_name"),
                "AssumeRolePolicyDocument": _document(resource, "assume_role_policy_document"),
                "ManagedPolicyArns": values.get("managed_policy_arns"),
                "PermissionsBoundary": values.get("permissions_boundary"),
                "Policies": [
                    {"PolicyName": str(entry.get("policy_name")), "PolicyDocument": read_json(entry["policy_document"])}
                    for entry in values.get("policies") or ()
                    if entry.get("policy_document")
                ],
            }
        case "aws_iam_role_policy":
            written = {
                "PolicyName": values.get("name"),
                "PolicyDocument": _document(resource, "policy"),
                "Roles": [role],
            }
        case _:
            written = {"ManagedPolicyName": values.get("name"), "PolicyDocument": _document(resource, "policy")}
    given = {name: value for name, value in written.items() if value not in (None, [])}
    # The provider computes attributes that the configuration lacks: only configured ones count.
    unknown = resource.unknown if isinstance(resource.unknown, dict) else {}
    unknown = {key: value for key, value in unknown.items() if key in resource.expressions}
    if _has_unknown(unknown.get("managed_policy_arns")):
        given["ManagedPolicyArns"] = [*given.get("ManagedPolicyArns", ()), {AFTER_APPLY: ""}]
    if any(_has_unknown(unknown.get(key)) for key in ("inline_policy", "policies")):
        given.setdefault("Policies", []).append({"PolicyName": "unknown", "PolicyDocument": {AFTER_APPLY: ""}})
    return given


def _has_unknown(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_unknown, value.values() if isinstance(value, dict) else value))
    return value is True


def _document(resource: PlannedResource, key: str) -> Any:
    if isinstance(resource.sensitive, dict) and resource.sensitive.get(key) is True:
        return {SENSITIVE: ""}
    return read_json(resource.values.get(key))


def read_json(text: Any) -> Any:
    """Parse a JSON string; an unknown or invalid one becomes an unknown value."""
    try:
        return json.loads(text) if isinstance(text, str) else {AFTER_APPLY: ""}
    except ValueError:
        return {AFTER_APPLY: ""}
