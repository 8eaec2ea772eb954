r"""Gateway of foreign text (of a template, of AWS, of a model) to terminals, logs, pages, Markdown, CSV and URIs.

Escape sequences of a terminal, line breaks and invisible characters are written out as escapes, so that a text stays
one line and shows what it holds. GitHub Actions runs a line of a log that starts with `::`, or that holds `##[`, as a
command: neither passes unescaped, not even where a line is wrapped before such a word. A spreadsheet computes a cell
that starts with `=`: it gets an apostrophe.
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
"""Unicode categories that a terminal does not show, or obeys: controls, formats, surrogates, line separators."""
_JOINERS = "\u200c\u200d"
"""Invisible characters that scripts of Asia and emoji need: an answer keeps them."""

_COMMAND = re.compile(r"(?<!\S)::")
"""A command of GitHub Actions, at the start of a word: a line may be wrapped before it."""
_OLD_COMMAND = "##["
_UNFINISHED = re.compile(r"(?:(?<!\S):|#{1,2}|\r)\Z")
"""End of a piece of text that may become a command with the next piece."""

_SGR = re.compile(r"\x1b\[[0-9;]*m")
"""Colours, as tools write them."""
_CONTROL = re.compile(r"(?!\x1b\[[0-9;]*m)[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Controls, which a terminal executes, and directions, which make a text look like another; colours are neither."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Starts of a cell that a spreadsheet computes (OWASP, "CSV Injection")."""


def printable(text: str, *, keeps: str = "") -> str:
    """Return a text in one line, with control and invisible characters written as escapes, except those to keep."""
    if text.isprintable() and text.isascii():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _HIDDEN and character not in keeps
        else character
        for character in text
    )


def log_line(text: str) -> str:
    """Return a line for a terminal or a log, in which GitHub Actions finds no command."""
    return without_commands(printable(text))


def log_lines(text: str) -> str:
    """Return a message of several lines, each as `log_line` returns it."""
    return "\n".join(map(log_line, text.split("\n")))


def without_commands(text: str) -> str:
    """Return a text in which GitHub Actions finds no command, with lines and colours as they are."""
    return _COMMAND.sub(r"\\::", _without_brackets(text))


class Answer:
    """A model's answer on its way to a terminal, piece by piece. Line breaks and tabs stay."""

    def __init__(self) -> None:
        self._last = "x\n"  # the last letter, after one that tells a colon of another piece from the start of a word
        self._held = ""

    def piece(self, text: str) -> str:
        """Return the next piece, without an end that may become a command together with the piece after it."""
        text = (self._held + text).replace("\r\n", "\n")
        unfinished = _UNFINISHED.search(self._last + text)
        cut = len(text) - len(unfinished[0]) if unfinished else len(text)
        self._held = text[cut:]
        return self._escaped(text[:cut])

    def end(self) -> str:
        """Return what was held back."""
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
    """Return a JSON document as text in which GitHub Actions finds no command."""
    return json.dumps(document, indent=2).replace(_OLD_COMMAND, "##\\u005b")


def code_span(text: str) -> str:
    """Return a name or value as a Markdown code span that it cannot close: on one line, its backticks removed."""
    return f"`{printable(' '.join(text.replace('`', ' ').split())) or ' '}`"


def without_controls(text: str, *, keeps_colours: bool = False) -> str:
    """Return a text of several lines without control characters, and without colours unless they are kept."""
    text = _CONTROL.sub("", text)
    return text if keeps_colours else _SGR.sub("", text)


def page_value(value: Any) -> Any:
    """Return a value for a page: a text without what is invisible. The template escapes HTML (`autoescape`)."""
    return printable(value, keeps=f"\n\t{_JOINERS}") if type(value) is str else value


def csv_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a CSV file in which no text is a formula or has a second line."""
    return {name: _cell(value) if isinstance(value, str) else value for name, value in row.items()}


def uri_of(path: PurePath) -> str:
    """Return the URI of a file: relative for a relative path."""
    return path.as_uri() if path.is_absolute() else quote(path.as_posix().encode(errors="surrogateescape"), safe="/")


def _cell(text: str) -> str:
    return f"'{printable(text)}" if text.lstrip(" ").startswith(_FORMULA) else printable(text)


def _without_brackets(text: str) -> str:
    """Return a text without `##[`, which starts a command of the older form anywhere in a line."""
    return text.replace(_OLD_COMMAND, "##\\[")


def _data(text: str) -> str:
    return _without_brackets(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
