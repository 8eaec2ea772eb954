"""Identity of constructs: the texts that logical ids and fixed names are made of. They never hold a token.

The text of a token holds a number that every other token of the app changes. An id made of it would replace a component
because of a construct beside it.
"""

from __future__ import annotations

import hashlib

from aws_cdk import Stack
from constructs import Construct

from replicas.deployment.unresolved import is_unresolved

_TOKEN = "<token>"  # noqa: S105 (a placeholder)


def component_digest(endpoint_identity: str, variant_name: str, component_name: str | None) -> str:
    """Digest of endpoint, variant and name of a component, for its logical id.

    A token counts as a value that is always the same: a name by parameter has one id, whatever the parameter is called.
    """
    parts = (endpoint_identity, variant_name, component_name or "")
    identity = "\n".join(_TOKEN if is_unresolved(part) else part for part in parts)
    return hashlib.sha256(identity.encode()).hexdigest()[:8]


def path_from_stack(construct: Construct, stack: Stack) -> str:
    """Name of the stack that is deployed, and the path of a construct of `stack` within it.

    The name of a nested stack is a token, because CloudFormation makes it: the outermost stack counts instead.
    """
    name = stack.stack_name
    while is_unresolved(name) and (parent := stack.nested_stack_parent) is not None:
        stack, name = parent, parent.stack_name
    within = construct.node.path.removeprefix(f"{stack.node.path}/")
    return f"{_TOKEN if is_unresolved(name) else name}//{within}"


def literal(value: str | None) -> str | None:
    """Return a string, or None in place of a token."""
    return None if is_unresolved(value) else value


def digest_in_stack(construct: Construct) -> str:
    """Digest of the path of a construct within its stack: another one for each construct of the stack."""
    within = construct.node.path.removeprefix(f"{Stack.of(construct).node.path}/")
    return hashlib.sha256(within.encode()).hexdigest()[:8]
