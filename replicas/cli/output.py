"""Output of the commands: data to stdout, everything else to stderr. All text is escaped.

In a terminal, lines have colours (unless `NO_COLOR` is set) and wrap between words; in a file, a pipe or a log they
are not changed. `FORCE_COLOR` enables colours everywhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from replicas.cli.colours import STOP
from replicas.cli.lines import Line
from replicas.errors import OutputError
from replicas.escaping import Answer, json_text, log_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_WIDTH_OF_FILES = 200
"""Width in columns for a file or a pipe, wide enough that no table breaks a word."""


def say(*lines: str) -> None:
    """Print lines to stdout. A line break within a line is escaped."""
    if lines:
        _write(sys.stdout, lines)


def tell(*messages: str) -> None:
    """Print messages of one or more lines to stderr, for example progress, warnings and refusals."""
    if messages:
        _write(sys.stderr, "\n".join(messages).split("\n"))


def complain(message: str) -> None:
    """Print an error to stderr. A failure to write it does not change the exit code."""
    try:
        _write(sys.stderr, message.split("\n"), first_style=STOP)
    except OutputError:
        return


def say_answer(pieces: Iterable[str]) -> None:
    """Print a model's answer to stdout, piece by piece. Line breaks stay."""
    answer = Answer()
    for piece in pieces:
        say_raw(answer.piece(piece))
    say_raw(answer.end())


def prompt(text: str) -> None:
    """Print a prompt to stderr without a line break."""
    print(text, end="", file=sys.stderr, flush=True)


def say_raw(text: str) -> None:
    """Print text that is already escaped to stdout, without a line break at the end."""
    try:
        print(text, end="", flush=True)
    except OSError as fault:
        raise _not_written(fault) from None


def show(content: RenderableType) -> None:
    """Print a table, or a group of tables and lines, to stdout."""
    try:
        console(sys.stdout).print(content, crop=False)
        sys.stdout.flush()
    except OSError as fault:
        raise _not_written(fault) from None


def print_json(document: object) -> None:
    """Print a JSON document to stdout."""
    say_raw(f"{json_text(document)}\n")


def console(stream: TextIO) -> Console:
    """Return the console of a stream, with the width of its terminal or of COLUMNS."""
    from rich.console import Console

    has_width = stream.isatty() or "COLUMNS" in os.environ
    return Console(
        file=stream, highlight=False, markup=False, emoji=False, width=None if has_width else _WIDTH_OF_FILES
    )


def has_colours(stream: TextIO) -> bool:
    """True if the stream shows colours: it is a capable terminal or FORCE_COLOR is set, and NO_COLOR is not set."""
    if os.environ.get("NO_COLOR"):
        return False
    return _is_terminal(stream) and console(stream).color_system is not None


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() or bool(os.environ.get("FORCE_COLOR"))


def _write(stream: TextIO, texts: Sequence[str], *, first_style: str = "") -> None:
    try:
        if _is_terminal(stream):
            from rich.console import Group

            lines = [Line(text, style=first_style if number == 0 else "") for number, text in enumerate(texts)]
            console(stream).print(Group(*lines), crop=False)
        else:
            print("\n".join(map(log_line, texts)), file=stream)
        stream.flush()
    except OSError as fault:
        raise _not_written(fault) from None


def _not_written(fault: OSError) -> OutputError | OSError:
    """Return an error for output that could not be written; a BrokenPipeError is returned unchanged."""
    if isinstance(fault, BrokenPipeError):
        return fault
    return OutputError(f"the output cannot be written: {fault.strerror}")
