"""Gateway of foreign text (of a template, of AWS, of a model) to a terminal, a log of GitHub Actions, or a URI.

Escape sequences of a terminal, line breaks and invisible characters are written out as escapes, so that a text stays
one line and shows what it holds. GitHub Actions runs a line of a log that starts with `::`, or that holds `##[`, as a
command: neither passes unescaped.
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePath
from urllib.parse import quote

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories that a terminal does not show, or obeys: controls, formats, surrogates, line separators."""


def printable(text: str) -> str:
    """Return a text in one line, with control and invisible characters written as escapes."""
    if text.isprintable() and text.isascii():
        return text
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in _HIDDEN else character
        for character in text
    )


def log_line(text: str) -> str:
    """Return a line for a terminal or a log, in which GitHub Actions finds no command."""
    line = _without_brackets(printable(text))
    return f"\\{line}" if line.lstrip().startswith("::") else line


def log_lines(text: str) -> str:
    """Return a message of several lines, each as `log_line` returns it."""
    return "\n".join(map(log_line, text.split("\n")))


def workflow_command(command: str, message: str, **properties: str | int | None) -> str:
    """Return a command of GitHub Actions: `::error file=template.json,line=3,title=rule::message`."""
    given = [f"{name}={_property(printable(str(value)))}" for name, value in properties.items() if value is not None]
    return f"::{command}{' ' if given else ''}{','.join(given)}::{_data(printable(message))}"


def uri_of(path: PurePath) -> str:
    """Return the URI of a file: relative for a relative path."""
    return path.as_uri() if path.is_absolute() else quote(path.as_posix().encode(errors="surrogateescape"), safe="/")


def _without_brackets(text: str) -> str:
    """Return a text without `##[`, which starts a command of the older form anywhere in a line."""
    return text.replace("##[", "##\\[")


def _data(text: str) -> str:
    return _without_brackets(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
