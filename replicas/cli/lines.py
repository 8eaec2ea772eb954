"""A line of text for a terminal: keywords are coloured, and the line wraps between words and keeps its indentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.cli.colours import keyword_of, style_of_line
from replicas.escaping import log_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


class Line:
    """A single line of text. It is wrapped only in a terminal, not in a file, a pipe or a log."""

    def __init__(self, text: str = "", *, style: str = "") -> None:
        """Store the escaped text and the style of the whole line. Default: only keywords are styled."""
        self._text = log_line(text)
        self._style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the line, wrapped if the console is a terminal that is wide enough for the indent."""
        from rich.text import Text

        content = self._text.lstrip(" ")
        indent = len(self._text) - len(content)
        text = Text(content, self._style or style_of_line(content))
        if keyword := keyword_of(content):
            text.stylize(keyword[2], *keyword[:2])
        is_wrapped = console.is_terminal and options.max_width > 2 * indent
        for part in text.wrap(console, options.max_width - indent) if is_wrapped else [text]:
            yield Text(" " * indent, no_wrap=True, overflow="ignore", end="\n").append_text(part)
