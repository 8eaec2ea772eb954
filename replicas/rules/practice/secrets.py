"""Rules about secrets in the environment of containers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, Value, text_of
from replicas.errors import looks_like_token
from replicas.rules.declaration import rule
from replicas.rules.finding import Case
from replicas.rules.practice.containers import containers_of

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|API_?KEY|ACCESS_?KEY(?:_ID)?|PRIVATE_?KEY|"
    r"SECRET_?KEY|AUTH)$",
    re.IGNORECASE,
)
"""Matches names of variables with secrets. Names that end in `_TOKENS` do not match, because they set limits on numbers
of tokens."""
_NO_SECRET = re.compile(r"(?:true|false|none|null|auto|\d*|<[^>]*>|\[[^\]]*\]|[./~].*|s3://.*)", re.IGNORECASE)
"""Matches values that are not secrets: switches, numbers, special tokens of a vocabulary, paths and addresses."""
_KEY_OF_AWS = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_FROM_A_STORE = re.compile(r"\{\{resolve:(?:secretsmanager|ssm-secure):")


@rule(
    "secret-in-environment",
    pack="practice",
    checks="The environment of a container contains a secret.",
    why="everyone who can read the template, the stack or the model can read the secret",
)
def secret_in_environment(topology: Topology) -> Iterator[Case]:
    """The environment of a container must not contain a literal secret."""
    for subject, container in containers_of(topology):
        for name, value in container.environment.items():
            if _is_literal_secret(name, value):
                yield Case(subject=subject, numbers={"variable": name})


@rule(
    "secret-shown-by-describe",
    pack="practice",
    severity="warning",
    checks="CloudFormation writes a secret into a container's environment at deployment.",
    why="the template does not show the value, but DescribeModel and DescribeInferenceComponent do, and the value is "
    "not updated when the secret is rotated",
)
def secret_shown_by_describe(topology: Topology) -> Iterator[Case]:
    """A dynamic reference must not put a secret into the environment, because describe calls show the value."""
    for subject, container in containers_of(topology):
        for name, value in container.environment.items():
            if not _is_literal_secret(name, value) and _is_looked_up(name, value):
                yield Case(subject=subject, numbers={"variable": name})


def is_secret_name(variable: str) -> bool:
    """Return whether a variable of this name usually contains a secret."""
    return _SECRET_NAME.search(variable) is not None


def _is_literal_secret(name: str, value: Value) -> bool:
    if not isinstance(value, str) or looks_like_token(value):
        return False  # `token-in-template` reports Hugging Face tokens
    return (is_secret_name(name) and not _NO_SECRET.fullmatch(value)) or _KEY_OF_AWS.search(value) is not None


def _is_looked_up(name: str, value: Value) -> bool:
    if not isinstance(value, Unknown):
        return False
    return _FROM_A_STORE.search(text_of(value)) is not None or is_secret_name(name)
