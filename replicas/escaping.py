r"""Escapes untrusted text (from a template, AWS or a model) for terminals, logs, HTML pages, Markdown, CSV and URIs.

Terminal control sequences, line breaks and invisible characters are replaced by visible escapes. GitHub Actions
executes a log line that starts with `::` or contains `##[` as a command, so both are escaped, also in the middle of a
line, because the line may be wrapped there. A spreadsheet evaluates a cell that starts with `=`, so an apostrophe is
put before it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories that a terminal does not show or treats as commands: controls, formats, surrogates, separators."""
_JOINERS = "\u200c\u200d"
"""Invisible characters that Asian scripts and emoji need. They are kept in a model's answer."""

_COMMAND = re.compile(r"(?<!\S)::")
"""A command of GitHub Actions at the start of any word, because a line may be wrapped before that word."""
_OLD_COMMAND = "##["
_UNFINISHED = re.compile(r"(?:(?<!\S):|#{1,2}|\r)\Z")
"""End of a streamed piece of text that could form a command together with the next piece."""

_SGR = re.compile(r"\x1b\[[0-9;]*m")
"""ANSI colour sequences."""
_CONTROL = re.compile(r"(?!\x1b\[[0-9;]*m)[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and characters that change the text direction. Colour sequences are not matched."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters of a cell that a spreadsheet evaluates (OWASP, "CSV Injection")."""


def printable(text: str, *, keeps: str = "") -> str:
    """Return text on one line with control and invisible characters as escapes. Characters in `keeps` stay."""
    if text.isprintable() and text.isascii():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _HIDDEN and character not in keeps
        else character
        for character in text
    )


def log_line(text: str) -> str:
    """Return a line for a terminal or a log that GitHub Actions cannot execute as a command."""
    return without_commands(printable(text))


def log_lines(text: str) -> str:
    """Return a message of several lines, each escaped with `log_line`."""
    return "\n".join(map(log_line, text.split("\n")))


def without_commands(text: str) -> str:
    """Return text that GitHub Actions cannot execute as a command. Line breaks and colours stay."""
    return _COMMAND.sub(r"\\::", _without_brackets(text))


class Answer:
    """Escapes a streamed model answer for a terminal, piece by piece. Line breaks and tabs stay."""

    def __init__(self) -> None:
        self._last = "x\n"  # the last two characters: a command starts only at the start of a word
        self._held = ""

    def piece(self, text: str) -> str:
        """Escape the next piece. An end that could form a command with the following piece is held back."""
        text = (self._held + text).replace("\r\n", "\n")
        unfinished = _UNFINISHED.search(self._last + text)
        cut = len(text) - len(unfinished[0]) if unfinished else len(text)
        self._held = text[cut:]
        return self._escaped(text[:cut])

    def end(self) -> str:
        """Return the text that was held back."""
        held, self._held = self._held, ""
        return self._escaped(held)

    def _escaped(self, text: str) -> str:
        escaped = without_commands(self._last + printable(text, keeps=f"\n\t{_JOINERS}"))[2:]
        self._last = f"x{text[-1]}" if text else self._last
        return escaped


def workflow_command(command: str, message: str, **properties: str | int | None) -> str:
    """Return a command of GitHub Actions: `::error file=template.json,line=3,title=rule::message`."""
    given = [f"{name}={_property(printable(str(value)))}" for name, value in properties.items() if value is not None]
    return f"::{command}{' ' if given else ''}{','.join(given)}::{_data(printable(message))}"


def json_text(document: object) -> str:
    """Return a document as JSON text that GitHub Actions cannot execute as a command."""
    return json.dumps(document, indent=2).replace(_OLD_COMMAND, "##\\u005b")


def code_span(text: str) -> str:
    """Return a name or value as a Markdown code span: on one line, without backticks that would close the span."""
    return f"`{printable(' '.join(text.replace('`', ' ').split())) or ' '}`"


def without_controls(text: str, *, keeps_colours: bool = False) -> str:
    """Return text of several lines without control characters, and without colours unless `keeps_colours`."""
    text = _CONTROL.sub("", text)
    return text if keeps_colours else _SGR.sub("", text)


def page_value(value: Any) -> Any:
    """Return a value for an HTML page: strings lose invisible characters. The template escapes HTML (`autoescape`)."""
    return printable(value, keeps=f"\n\t{_JOINERS}") if type(value) is str else value


def csv_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a CSV file. No string in it is a formula or contains a line break."""
    return {name: _cell(value) if isinstance(value, str) else value for name, value in row.items()}


def uri_of(path: PurePath) -> str:
    """Return the URI of a file: relative for a relative path."""
    return path.as_uri() if path.is_absolute() else quote(path.as_posix().encode(errors="surrogateescape"), safe="/")


def _cell(text: str) -> str:
    return f"'{printable(text)}" if text.lstrip(" ").startswith(_FORMULA) else printable(text)


def _without_brackets(text: str) -> str:
    """Escape `##[`. In an older syntax, it starts a GitHub Actions command anywhere in a line."""
    return text.replace(_OLD_COMMAND, "##\\[")


def _data(text: str) -> str:
    return _without_brackets(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
