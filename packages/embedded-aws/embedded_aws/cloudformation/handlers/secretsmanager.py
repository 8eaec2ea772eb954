"""Handler for Secrets Manager secrets."""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

import json
from typing import Any, ClassVar

from embedded_aws.cloudformation.handlers.handler import (
    Handler,
    Made,
    Properties,
    Work,
    name_from_logical_id,
    only,
    quietly,
    tag_changes,
)


class Secret(Handler):
    """A secret with a given or generated value. `Ref` returns the ARN. It is deleted without a recovery window."""

    type = "AWS::SecretsManager::Secret"
    system_tags = True
    attributes = ("Id",)
    name_property = "Name"
    provisions: ClassVar[frozenset[str] | None] = frozenset(
        {"Name", "Description", "KmsKeyId", "SecretString", "GenerateSecretString", "Tags"}
    )

    def create(self, work: Work, desired: Properties) -> Made:
        client, name = work.client("secretsmanager"), desired.get("Name") or name_from_logical_id(work, 64)
        arguments = only(desired, "Description", "KmsKeyId")
        if desired.get("Tags"):
            arguments["Tags"] = desired["Tags"]
        arn = client.create_secret(Name=name, SecretString=_value(client, desired), **arguments)["ARN"]
        work.started(arn)
        return Made(arn, {"Id": arn})

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        client = work.client("secretsmanager")
        arguments = only(desired, "Description", "KmsKeyId")
        if work.changed & {"SecretString", "GenerateSecretString"}:
            arguments["SecretString"] = _value(client, desired)
        if arguments:
            client.update_secret(SecretId=physical_id, **arguments)
        put, drop = tag_changes(previous, desired)
        if put:
            client.tag_resource(SecretId=physical_id, Tags=put)
        if drop:
            client.untag_resource(SecretId=physical_id, TagKeys=drop)
        return Made(physical_id, {"Id": physical_id})

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(work.client("secretsmanager").delete_secret, SecretId=physical_id, ForceDeleteWithoutRecovery=True)


def _value(client: Any, desired: Properties) -> str:
    """Return the value of a secret: SecretString or a random password.

    With GenerateStringKey, the password is added to the JSON object SecretStringTemplate under that key.
    """
    if "GenerateSecretString" not in desired:
        return str(desired.get("SecretString", ""))
    options = desired["GenerateSecretString"]
    settings = {
        key: value for key, value in options.items() if key not in ("SecretStringTemplate", "GenerateStringKey")
    }
    password = str(client.get_random_password(**settings)["RandomPassword"])
    if "GenerateStringKey" not in options:
        return password
    return json.dumps({**json.loads(options.get("SecretStringTemplate", "{}")), options["GenerateStringKey"]: password})


HANDLERS: tuple[Handler, ...] = (Secret(),)
