"""Recognises CDK tokens: placeholders for values that are known only at deployment."""

from __future__ import annotations

import re
import struct
from typing import Any

_TEXT = re.compile(r"[$#]\{Token\[")
_NUMBER = b"\xfb\xff"
"""First bytes of a double that stands for a number (aws-cdk-lib, core/lib/private/encoding.ts,
`DOUBLE_TOKEN_MARKER_BITS`)."""


def is_unresolved(value: Any) -> bool:
    """True if a text, a number or a list of texts is or contains a token of the CDK.

    `Token.is_unresolved` of aws-cdk-lib gives the same answer, after a call to the process of Node.
    """
    if isinstance(value, str):
        return _TEXT.search(value) is not None
    if isinstance(value, float):
        return struct.pack(">d", value).startswith(_NUMBER)
    return isinstance(value, list | tuple) and any(map(is_unresolved, value))
