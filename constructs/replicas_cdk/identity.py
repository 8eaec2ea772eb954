"""Strings from which logical ids and fixed names are built. They never contain a CDK token.

The text of a CDK token contains a number that depends on all tokens created before it. If a logical id contained that
number, an unrelated change of the app would replace the component.
"""

from __future__ import annotations

import hashlib

from aws_cdk import Stack
from constructs import Construct

from replicas.deployment.unresolved import is_unresolved

_TOKEN = "<token>"  # noqa: S105 (a placeholder)


def component_digest(endpoint_identity: str, variant_name: str, component_name: str | None) -> str:
    """Return a digest of the endpoint, variant and name of a component, for the logical id.

    All CDK tokens count as the same value, so renaming a CloudFormation parameter does not change the id.
    """
    parts = (endpoint_identity, variant_name, component_name or "")
    identity = "\n".join(_TOKEN if is_unresolved(part) else part for part in parts)
    return hashlib.sha256(identity.encode()).hexdigest()[:8]


def path_from_stack(construct: Construct, stack: Stack) -> str:
    """Return the name of the outermost stack and the path of a construct within that stack.

    The name of a nested stack is a CDK token, because CloudFormation generates it. Therefore the outermost stack is
    used.
    """
    name = stack.stack_name
    while is_unresolved(name) and (parent := stack.nested_stack_parent) is not None:
        stack, name = parent, parent.stack_name
    within = construct.node.path.removeprefix(f"{stack.node.path}/")
    return f"{_TOKEN if is_unresolved(name) else name}//{within}"


def literal(value: str | None) -> str | None:
    """Return the string, or None if it is a CDK token."""
    return None if is_unresolved(value) else value


def digest_in_stack(construct: Construct) -> str:
    """Return a digest of the path of a construct within its stack. It is unique within the stack."""
    within = construct.node.path.removeprefix(f"{Stack.of(construct).node.path}/")
    return hashlib.sha256(within.encode()).hexdigest()[:8]
