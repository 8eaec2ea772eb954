"""Secrets in the environment of containers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.endpoint.values import Unknown, Value, text_of
from replicas.rules.access_rules import looks_like_token
from replicas.rules.practice.containers import containers_of
from replicas.rules.practice.findings import broken
from replicas.rules.report import Finding
from replicas.template.endpoints import View

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|API_?KEY|ACCESS_?KEY(?:_ID)?|PRIVATE_?KEY|"
    r"SECRET_?KEY|AUTH)$",
    re.IGNORECASE,
)
"""Names of variables that hold secrets. Not `..._TOKENS`: those are limits."""
_NO_SECRET = re.compile(r"(?:true|false|none|null|auto|\d*|<[^>]*>|\[[^\]]*\]|[./~].*|s3://.*)", re.IGNORECASE)
"""Values that are switches, numbers, special tokens of a vocabulary, or places."""
_KEY_OF_AWS = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_FROM_A_STORE = re.compile(r"\{\{resolve:(?:secretsmanager|ssm-secure):")


def secrets(view: View) -> Iterator[Finding]:
    """A literal secret is a problem; one that is looked up at the deployment is shown by whoever may describe."""
    for written in containers_of(view):
        for name, value in written.container.environment.items():
            logical_id = written.resource.logical_id
            if _is_literal_secret(name, value):
                yield broken(
                    "secret-in-environment",
                    logical_id,
                    f"{name} holds a secret",
                    "revoke it; then weights in S3, which need no token, or {{resolve:secretsmanager:...}}",
                )
            elif _is_looked_up(name, value):
                yield broken(
                    "secret-shown-by-describe",
                    logical_id,
                    f"{name} is read at the deployment and stored in the model's environment",
                    "the weights in S3 (`replicas stage`), so that serving needs no token",
                )


def _is_literal_secret(name: str, value: Value) -> bool:
    if not isinstance(value, str) or looks_like_token(value):
        return False  # a Hugging Face token is found by `token-in-template`, wherever it stands
    named = _SECRET_NAME.search(name) is not None and not _NO_SECRET.fullmatch(value)
    return named or _KEY_OF_AWS.search(value) is not None


def _is_looked_up(name: str, value: Value) -> bool:
    if not isinstance(value, Unknown):
        return False
    return _FROM_A_STORE.search(text_of(value)) is not None or _SECRET_NAME.search(name) is not None
