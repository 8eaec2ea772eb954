"""Reads a JSON file that a user names. Each error message says in one sentence what is wrong with the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_GIT_LFS = b"version https://git-lfs"


def read_object(file: Path, name: str) -> dict[str, Any]:
    """Return the JSON object in a file.

    Args:
        file: path of the file.
        name: the file's name in a repository (`config.json`), for error messages.

    Raises:
        ValueError: the file cannot be read, is not JSON, is truncated, or contains no object.

    """
    try:
        content = file.read_bytes()
    except (OSError, ValueError) as fault:  # ValueError: an invalid file name
        raise ValueError(f"{name} cannot be read: {str(file)!r}: {getattr(fault, 'strerror', fault)}") from None
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as fault:
        raise ValueError(
            f"{file} is not JSON: {_reason(content, fault)}: download the repository's {name} again"
        ) from None
    if not isinstance(value, dict):
        raise ValueError(
            f"{file} is not the {name} of a model: it contains {_KINDS.get(type(value), 'a number')} instead of a "
            f"JSON object"
        )
    return value


_KINDS = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def _reason(content: bytes, fault: Exception) -> str:
    if not content.strip():
        return "it is empty"
    if content.startswith(_GIT_LFS):
        return "it is a Git LFS pointer instead of the file itself"
    if content.lstrip().startswith(b"<"):
        return "it is a web page"
    if isinstance(fault, RecursionError):
        return "its values are nested too deeply"
    if not isinstance(fault, json.JSONDecodeError):
        return "it is not text in UTF-8"
    place = f"line {fault.lineno}, column {fault.colno}"
    if not fault.doc[fault.pos :].strip() or fault.msg.startswith("Unterminated string"):
        return f"it is cut off at {place}"
    return f"{fault.msg} at {place}"
