"""Recognises CDK tokens: placeholders for values that are known only at deployment."""

from __future__ import annotations

import re
import struct
from typing import Any

_TEXT = re.compile(r"[$#]\{Token\[")
_NUMBER = b"\xfb\xff"
"""First bytes of a floating-point number that is a CDK token (aws-cdk-lib, core/lib/private/encoding.ts,
`DOUBLE_TOKEN_MARKER_BITS`)."""


def is_unresolved(value: Any) -> bool:
    """Return whether a string, a number or a list of strings is or contains a CDK token.

    `Token.is_unresolved` of aws-cdk-lib returns the same value, but needs a call to the Node process.
    """
    if isinstance(value, str):
        return _TEXT.search(value) is not None
    if isinstance(value, float):
        return struct.pack(">d", value).startswith(_NUMBER)
    return isinstance(value, list | tuple) and any(map(is_unresolved, value))
