"""Formats differences between templates as text for a terminal and as Markdown for a pull request. Starts no process
and reads no file.

Names and values are untrusted, because anyone may have written the templates. In Markdown, names are put into code
spans, and diffs into a code block whose fence is longer than any run of backticks in it. Control characters are
removed.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from replicas.escaping import without_controls
from replicas.template.changes import StackChange, Status, quote

MARKDOWN_LIMIT = 60_000  # characters; a comment on GitHub has at most 65,536

_MARK = re.compile(r"^([ │├└─]*)\[([+~-])\] ?")
_HIGHLIGHT = {"+": "+", "-": "-", "~": "!"}


@dataclass(frozen=True)
class TemplateReport:
    """Differences between the templates of a base revision and of the head.

    `stacks` is the number of stacks of the head. `diffs` contains the CLI's text for each changed stack, by name; the
    text may contain colours. `base_has_app` is false if the base revision has no cdk.json.
    """

    base: str
    stacks: int
    changes: list[StackChange]
    diffs: dict[str, str] = field(default_factory=dict)
    base_has_app: bool = True

    @property
    def refused(self) -> list[str]:
        """Names of the stacks that cannot be deployed at the head."""
        return [change.name for change in self.changes if change.status is Status.REFUSED]

    @property
    def summary(self) -> str:
        """Summary of the differences in one or two sentences."""
        if not self.changes:
            return f"No stack differs from {quote(self.base)}."
        count = {status: sum(change.status is status for change in self.changes) for status in Status}
        parts = [f"{number} {status}" for status, number in count.items() if number]
        unchanged = self.stacks - sum(change.is_present for change in self.changes)
        reason = "" if self.base_has_app else " The base has no cdk.json, so every stack is new."
        return f"Stacks against {quote(self.base)}: {', '.join(parts)}, {unchanged} unchanged.{reason}"


def as_text(report: TemplateReport, *, colours: bool = False) -> str:
    """Return the report for a terminal: the diffs, then notes and serving changes, then the summary."""
    parts = [f"Stack {name}\n{diff}\n" for name, diff in report.diffs.items()]
    parts += [f"{change.name}: {change.note}" for change in report.changes if change.note]
    for change in report.changes:
        for serving in change.serving:
            headline = f"!! {change.name}: {serving.headline}"
            parts += [f"\x1b[1;31m{headline}\x1b[0m" if colours else headline, f"   {serving.meaning}"]
    return without_controls("\n".join([*parts, report.summary]) + "\n", keeps_colours=colours)


def as_markdown(report: TemplateReport, limit: int = MARKDOWN_LIMIT) -> str:
    """Return the report for a pull request in at most `limit` characters: summary, alerts, and a block
    for each diff.
    """
    blocks = [_Block(name, diff) for name, diff in report.diffs.items()]
    head = _head(report)
    whole = head + "".join(block.text() for block in blocks)
    if len(whole) <= limit:
        return whole
    note = f"\n_Cut at {limit:,} characters. The full text: {quote(f'make diff BASE={report.base}')}_\n"
    room = max(0, limit - len(note))
    text = _cut(head, room)
    for block in blocks:
        if len(text) + len(block.text()) > room:
            text += block.text(room - len(text))
            break
        text += block.text()
    return text + note


def _head(report: TemplateReport) -> str:
    """Return summary, alerts and notes. The text may be cut after any line."""
    lines = [report.summary, ""]
    serving = [(change.name, item) for change in report.changes for item in change.serving]
    if serving:
        lines += ["> [!CAUTION]"]
        lines += [f"> - {quote(name)}: **{item.headline}.** {item.meaning}" for name, item in serving]
        lines += [""]
    notes = [f"- {quote(change.name)}: {change.note}" for change in report.changes if change.note]
    return without_controls("\n".join([*lines, *notes, *([""] if notes else [])])).rstrip("\n") + "\n"


@dataclass(frozen=True)
class _Block:
    """The diff of a stack as a <details> element, which GitHub shows folded."""

    name: str
    diff: str

    def text(self, room: int | None = None) -> str:
        """Return the element in at most `room` characters with a cut diff; empty if not even the tags fit."""
        body = "\n".join(_highlight(line) for line in without_controls(self.diff).splitlines())
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", body)), default=0))
        name = html.escape(" ".join(without_controls(self.name).split()))
        start = f"\n<details><summary><code>{name}</code></summary>\n\n{fence}diff\n"
        end = f"\n{fence}\n\n</details>\n"
        if room is None:
            return start + body + end
        left = room - len(start) - len(end)
        return start + _cut(body, left) + end if left > 0 else ""


def _highlight(line: str) -> str:
    """Move the CLI's `[+]`, `[-]`, `[~]` to the start of the line, where the mark determines the colour of
    a diff block.
    """
    mark = _MARK.match(line)
    return f"{_HIGHLIGHT[mark[2]]} {mark[1]}{line[mark.end() :]}" if mark else f"  {line}"


def _cut(text: str, room: int) -> str:
    """Return the whole lines that fit into `room` characters, or the start of the first line if it is too long."""
    return text if len(text) <= room else text[:room].rpartition("\n")[0] or text[:room]
