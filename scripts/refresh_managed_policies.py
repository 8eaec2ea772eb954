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
POLICIES = (
    "AdministratorAccess",
    "AmazonEC2ContainerRegistryFullAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSageMakerFullAccess",
    "AmazonSageMakerModelRegistryFullAccess",
    "AmazonSageMakerReadOnly",
    "AmazonVPCFullAccess",
    "CloudWatchAgentServerPolicy",
    "CloudWatchFullAccess",
    "CloudWatchFullAccessV2",
    "CloudWatchLogsFullAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
)


def managed_policies() -> dict[str, Any]:
    """Return the statements about these services, by managed policy."""
    shipped = json.loads(aws_managed_policies_data)
    policies = {}
    for name in POLICIES:
        policy = shipped[name]
        statements = [_narrowed(statement) for statement in policy["Document"]["Statement"]]
        policies[name] = {
            "version": policy["DefaultVersionId"],
            "updated": policy["UpdateDate"][:10],
            "statements": [statement for statement in statements if statement],
        }
    return {
        "retrieved": datetime.now(UTC).date().isoformat(),
        "source": f"AWS managed policies as shipped with moto {version('moto')}, moto/iam/aws_managed_policies.py",
        "policies": policies,
    }


def _narrowed(statement: dict[str, Any]) -> dict[str, Any] | None:
    """Return a statement without actions of other services; None if none is left or it only reads tagged objects."""
    if any("s3:ExistingObjectTag" in str(keys) for keys in statement.get("Condition", {}).values()):
        return None
    kept = {key: value for key, value in statement.items() if key != "Sid"}
    if "Action" in kept:
        actions = [kept["Action"]] if isinstance(kept["Action"], str) else kept["Action"]
        kept["Action"] = [action for action in actions if action == "*" or action.split(":")[0] in SERVICES]
    return kept if kept.get("Action", kept.get("NotAction")) else None


if __name__ == "__main__":
    _FILE.write_text(json.dumps(managed_policies(), indent=2) + "\n")
