"""Images of a message: files that are sent, addresses that the container fetches."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from replicas.chat.images import image_part
from replicas.errors import UsageError

# The first bytes of each format, by their specifications; a decoder needs more.
PNG, JPEG, WEBP = b"\x89PNG\r\n\x1a\n rest", b"\xff\xd8\xff\xe0 rest", b"RIFF\x10\x00\x00\x00WEBPVP8 "


@pytest.mark.parametrize(("content", "kind"), [(PNG, "png"), (JPEG, "jpeg"), (b"GIF89a rest", "gif"), (WEBP, "webp")])
def test_a_file_is_sent_within_the_message(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "picture.of-any-name"
    path.write_bytes(content)
    url = image_part(str(path))["image_url"]["url"]
    assert url == f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def test_an_address_is_passed_on() -> None:
    part = image_part("https://example.com/a.png")
    assert part == {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def test_what_is_no_image_or_not_there_is_refused_with_what_is_taken(tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("not a picture")
    large = tmp_path / "large.png"
    large.write_bytes(PNG + bytes(6 * 2**20))
    for reference, words in (
        (
            str(tmp_path / "none.png"),
            "No such file or directory: give a PNG, JPEG, GIF or WebP file, or an https",
        ),
        (str(tmp_path), "Is a directory"),
        (str(text), "is not an image of a known format: use a PNG, JPEG, GIF or WebP file"),
        (str(large), "a request has at most 6,291,456 bytes, so a file may have at most 4,669,440"),
        ("a\0b.png", "null"),
    ):
        with pytest.raises(UsageError, match=words):
            image_part(reference)
