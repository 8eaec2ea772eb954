"""Error messages for text that is not Python: Python's message, and the change that fixes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_FIXES: Final[Mapping[str, str]] = MappingProxyType(
    {
        r"Perhaps you forgot a comma": "put a comma between two arguments or two entries",
        r"'.' was never closed": "add the bracket that closes it",
        r"does not match opening parenthesis": "close the inner bracket first",
        r"unterminated (?:triple-quoted )?string": "end the text with the quote that it begins with",
        r"invalid character '[“”„‟‘’‚«»]'": "use straight quotes",
        r"keyword argument repeated": "leave one out",
        r"positional argument follows keyword argument": "write the name of the positional argument",
        r"expression cannot contain assignment": "write the name of an argument without quotes",
        r"unexpected indent": "begin the line where the line before it begins",
        r"unindent does not match": "begin the line where its block begins",
        r"inconsistent use of tabs": "indent with spaces only",
    }
)
"""The change that fixes the fault, by a pattern of Python's message (CPython 3.11 to 3.13, Grammar/python.gram and
Parser/tokenizer)."""


def syntax_in_words(fault: SyntaxError) -> str:
    """Return the error message for a syntax error, without the file and the line."""
    message = fault.msg.rstrip(".?!")
    fix = next((fix for pattern, fix in _FIXES.items() if re.search(pattern, message)), "")
    if not fix and (fault.text or "")[(fault.offset or 0) - 1 : fault.offset] == ":":
        fix = "write = after the name of an argument"
    if "comma" in fix and (fault.end_lineno or 0) > (fault.lineno or 0):
        fix += f", in lines {fault.lineno} to {fault.end_lineno}"
    return f"{type(fault).__name__}: {message}{f'; {fix}' if fix else ''}"
