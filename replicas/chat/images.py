"""Images of a conversation: a file is embedded in the message, a URL is passed on."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from replicas.aws.invocation import MOST_BODY_BYTES
from replicas.errors import UsageError

_FORMATS: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
"""Media type of a file by its first bytes. A WebP file begins with RIFF, its length and WEBP."""
_MOST_BYTES = (MOST_BODY_BYTES - 64 * 1024) // 4 * 3
"""Largest image file, in bytes. Its base64 text, four characters for three bytes, and 64 KiB of other fields fit in a
request body of the maximum size."""


def image_part(reference: str) -> dict[str, Any]:
    """Return the part of a message that contains an image, in the form of the OpenAI API.

    Args:
        reference: a file (PNG, JPEG, GIF or WebP), which is sent with the message, or an address that begins with
            `https://` or `http://`, which the container fetches.

    Raises:
        UsageError: the file cannot be read, is not an image, or is too large for a request.

    """
    url = reference if reference.startswith(("https://", "http://")) else _data_url(Path(reference))
    return {"type": "image_url", "image_url": {"url": url}}


def _data_url(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as fault:  # ValueError: an invalid file name
        reason = getattr(fault, "strerror", None) or fault
        raise UsageError(
            f"--image {path}: {reason}: give a PNG, JPEG, GIF or WebP file, or an https:// address"
        ) from None
    if len(content) > _MOST_BYTES:
        raise UsageError(
            f"--image {path}: a request has at most {MOST_BODY_BYTES:,} bytes, so a file may have at most "
            f"{_MOST_BYTES:,}: use a smaller image, or its https:// address"
        )
    kind = next((kind for start, kind in _FORMATS.items() if content.startswith(start)), None)
    if kind is None and content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is None:
        raise UsageError(f"--image {path} is not an image of a known format: use a PNG, JPEG, GIF or WebP file")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
