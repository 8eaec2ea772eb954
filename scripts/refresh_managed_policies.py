"""Refresh `replicas/catalogue/data/managed_policies.json` from the copies of AWS's managed policies that moto ships.

python -m scripts.refresh_managed_policies
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data

_FILE = Path(__file__).parent.parent / "replicas" / "catalogue" / "data" / "managed_policies.json"

SERVICES = ("cloudwatch", "ec2", "ecr", "kms", "logs", "s3")
"""Services whose actions an execution role needs. Statements about other services are omitted."""


def managed_policies() -> dict[str, Any]:
    """Return the content of the file: for each policy in the file, its statements about `SERVICES`.

    To add a policy, add its name to the file.
    """
    shipped = json.loads(aws_managed_policies_data)
    policies = {}
    for name in json.loads(_FILE.read_text())["policies"]:
        policy = shipped[name]
        given = policy["Document"]["Statement"]
        statements = [_narrowed(statement) for statement in given if not _is_of_tagged_objects(statement)]
        policies[name] = {
            "version": policy["DefaultVersionId"],
            "updated": policy["UpdateDate"][:10],
            "reads_tagged_objects": any(map(_is_of_tagged_objects, given)),
            "statements": [statement for statement in statements if statement],
        }
    return {
        "retrieved": datetime.now(UTC).date().isoformat(),
        "source": f"AWS managed policies as shipped with moto {version('moto')}, moto/iam/aws_managed_policies.py",
        "policies": policies,
    }


def _is_of_tagged_objects(statement: dict[str, Any]) -> bool:
    return any("s3:ExistingObjectTag" in str(keys) for keys in statement.get("Condition", {}).values())


def _narrowed(statement: dict[str, Any]) -> dict[str, Any] | None:
    """Return a statement without actions of other services; None if no action is left."""
    kept = {key: value for key, value in statement.items() if key != "Sid"}
    if "Action" in kept:
        actions = [kept["Action"]] if isinstance(kept["Action"], str) else kept["Action"]
        kept["Action"] = [action for action in actions if action == "*" or action.split(":")[0] in SERVICES]
    return kept if kept.get("Action", kept.get("NotAction")) else None


if __name__ == "__main__":
    _FILE.write_text(json.dumps(managed_policies(), indent=2) + "\n")
