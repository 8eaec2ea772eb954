"""Rules about rights and secrets: execution roles that are too wide, and tokens that are readable in a template."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.endpoint.access import Statement
from replicas.endpoint.topology import Topology
from replicas.errors import looks_like_token
from replicas.rules.declaration import rule
from replicas.rules.finding import Case

_WIDE_POLICY = re.compile(r"FullAccess$|^AdministratorAccess$|^PowerUserAccess$")
_EVERY_RESOURCE = re.compile(r"^(\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:\*+(/\*)?)$")
_WIDE_ACTIONS = ("*", "sagemaker:*", "iam:*", "s3:*")
_OF_THE_ACCOUNT = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess", "NotAction", "*", "iam:*")
"""Rights to nearly everything in the account. The other wide rights are all rights to one service."""


@rule(
    "role-too-wide",
    checks="An execution role has nearly all rights in the account, or all rights to a service (then a warning).",
    why="an attacker in the container gets all rights of the role",
)
def role_too_wide(topology: Topology) -> Iterator[Case]:
    """An execution role must not have wide rights: serving needs only rights to the image, the weights and the logs."""
    for role in topology.roles:
        rights = [("policy", name) for name in role.managed_policies if _WIDE_POLICY.search(name)]
        rights += [right for statement in role.statements for right in wide_rights(statement)]
        for kind, right in dict.fromkeys(rights):
            numbers = {"user": role.user.name, "right": right}
            yield Case(subject=role.subject, kind=kind, numbers=numbers, certain=right in _OF_THE_ACCOUNT)


def wide_rights(statement: Statement) -> Iterator[tuple[str, str]]:
    """Yield kind of finding and right, for each wide right that a statement grants on every resource."""
    if not statement.allows or statement.is_conditional:
        return
    if not any(_EVERY_RESOURCE.match(resource) for resource in statement.known_resources):
        return
    if statement.excludes_actions:
        yield "all but some", "NotAction"
    for action in statement.covered_actions:
        if action.lower() in _WIDE_ACTIONS:
            yield "action", action.lower()


@rule(
    "token-in-template",
    checks="The template contains a Hugging Face token.",
    why="everyone who can read the template, the stack or the model can read the token",
)
def token_in_template(topology: Topology) -> Iterator[Case]:
    """A template must not contain a token: everyone who can read the stack can read the token.

    The finding does not repeat the token.
    """
    exposed = dict.fromkeys((text.subject, text.place) for text in topology.texts if looks_like_token(text.text))
    for subject, place in exposed:
        yield Case(subject=subject, numbers={"place": place})
