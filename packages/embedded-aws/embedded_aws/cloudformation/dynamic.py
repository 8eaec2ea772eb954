"""Dynamic references: `{{resolve:ssm:...}}` and `{{resolve:secretsmanager:...}}`, resolved when a resource is created.

The resolved value goes only to the service of the resource; stacks and events keep the reference as written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.cloudformation.errors import invalid
from embedded_aws.evidence import ASSUMED, LIMIT

_REFERENCE = re.compile(r"\{\{resolve:([a-z-]+):([^{}]+)\}\}")


class DynamicReferences:
    """Resolves dynamic references, and remembers the resolved secrets so that messages can be masked."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self._secrets: set[str] = set()

    def resolved(self, value: Any) -> Any:
        """Return a copy of a value with every dynamic reference in it resolved."""
        if isinstance(value, str):
            return _REFERENCE.sub(lambda match: self._look_up(match.group(1), match.group(2)), value)
        if isinstance(value, Mapping):
            return {key: self.resolved(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.resolved(inner) for inner in value]
        return value

    def without_secrets(self, message: str) -> str:
        """Return a message with all resolved secrets masked."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            message = message.replace(secret, "****")
        return message

    def _look_up(self, service: str, name: str) -> str:
        try:
            if service == "ssm":
                value = str(self._client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
            elif service == "secretsmanager":
                value = self._secret(name)
            else:
                raise invalid(
                    f"The embedded AWS resolves ssm and secretsmanager, not {service}: {{{{resolve:{service}:...}}}}",
                    LIMIT,
                )
        except ClientError as error:
            raise invalid(
                f"Could not resolve {service} reference {name}: {error.response['Error']['Message']}", ASSUMED
            ) from None
        if value and service == "secretsmanager":
            self._secrets.add(value)
        return value

    def _secret(self, name: str) -> str:
        parts = name.split(":")
        if name.startswith("arn:"):
            parts = [":".join(parts[:7]), *parts[7:]]
        secret_id, kind, key, stage, version = [*parts, "", "", "", ""][:5]
        if kind not in ("", "SecretString"):
            raise invalid(f"Dynamic references to secrets can return only SecretString, not {kind}", ASSUMED)
        chosen = {"VersionStage": stage} if stage else {"VersionId": version} if version else {}
        text = str(self._client("secretsmanager").get_secret_value(SecretId=secret_id, **chosen)["SecretString"])
        if not key:
            return text
        try:
            return str(json.loads(text)[key])
        except (ValueError, KeyError, TypeError):
            raise invalid(
                f"Could not find a value associated with JSONKey in SecretString: {key} of {secret_id}", ASSUMED
            ) from None
