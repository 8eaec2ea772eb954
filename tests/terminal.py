"""A terminal to run commands in: a pseudo-terminal, and the screen that an emulator (pyte) draws from the output."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

ROOT = Path(__file__).parent.parent
_LINES = 500
"""Lines of the screen: enough that nothing scrolls away."""
REPLICAS = Path(sys.executable).parent / "replicas"


@dataclass(frozen=True)
class Screen:
    """What stands on a screen after a command has ended."""

    code: int
    rows: tuple[str, ...]
    """Rows without the blanks at their end; the empty rows below the last one are left out."""
    colours: Mapping[str, frozenset[str]]
    """Colours of the letters of each word on the screen."""

    @property
    def text(self) -> str:
        """All rows as one line, as a person reads it."""
        return " ".join(" ".join(self.rows).split())

    @property
    def words(self) -> set[str]:
        """The words of all rows: one that the edge of the screen breaks is two."""
        return {word for row in self.rows for word in row.split()}


class Terminal:
    """A command that runs in a pseudo-terminal."""

    def __init__(
        self, *command: str, columns: int = 80, folder: Path = ROOT, environment: Mapping[str, str] | None = None
    ) -> None:
        self._screen = pyte.Screen(columns, _LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, "TERM": "xterm-256color", **(environment or {})},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def type(self, text: str) -> None:
        """Type a text; `\\x03` is Ctrl-C."""
        os.write(self._master, text.encode())

    def wait_for(self, text: str, seconds: float = 300) -> None:
        """Return when a text stands on the screen."""
        deadline = time.monotonic() + seconds
        while text not in self._text():
            assert time.monotonic() < deadline, f"{text!r} did not come:\n" + "\n".join(self._rows())
            assert self._read(), f"the command ended without {text!r}:\n" + "\n".join(self._rows())

    def end(self, seconds: float = 300) -> Screen:
        """Return the screen when the command has ended."""
        deadline = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < deadline, "\n".join(self._rows())
        os.close(self._master)
        return Screen(self.process.wait(), tuple(self._rows()), self._colours())

    def _read(self) -> bool:
        """Draw what the command has written meanwhile; False when it has ended."""
        ready, _, _ = select.select([self._master], [], [], 0.2)
        if not ready:
            return True
        try:
            written = os.read(self._master, 65536)
        except OSError:  # Linux: the last process has closed the other end
            return False
        self._stream.feed(written)
        return bool(written)

    def _text(self) -> str:
        return " ".join(" ".join(self._rows()).split())

    def _rows(self) -> Sequence[str]:
        rows = [row.rstrip() for row in self._screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def _colours(self) -> Mapping[str, frozenset[str]]:
        colours: dict[str, frozenset[str]] = {}
        for number, row in enumerate(self._rows()):
            cells, at = self._screen.buffer[number], 0
            for word in row.split():
                at = row.index(word, at)
                seen = {cells[at + place].fg for place in range(len(word))}
                colours[word] = colours.get(word, frozenset()) | seen
                at += len(word)
        return colours


def on_screen(*arguments: str, columns: int = 80, folder: Path = ROOT, **environment: str) -> Screen:
    """Run the command `replicas` in a terminal, and return the screen when it has ended."""
    return Terminal(str(REPLICAS), *arguments, columns=columns, folder=folder, environment=environment).end()
