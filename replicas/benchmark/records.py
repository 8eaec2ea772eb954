"""What is measured of every single request, as it travels from the load generator to the report."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Record:
    """One request."""

    began: float
    """Seconds since the point began."""
    seconds: float
    """Until its last byte, or until it failed."""
    ttft_seconds: float | None
    """Until its first token; None without a stream."""
    output_tokens: int
    input_tokens: int | None
    """As the engine counted them, where it tells."""
    error: str | None
    """Kind of failure; None where it was answered."""

    @property
    def ended(self) -> float:
        """Seconds since the point began."""
        return self.began + self.seconds


NAMES = [field.name for field in fields(Record)]


def write(path: Path, records: Iterable[Record]) -> None:
    """Append to a file of JSON lines."""
    with path.open("a") as file:
        file.writelines(json.dumps(astuple(record)) + "\n" for record in records)


def read(path: Path) -> list[Record]:
    """All records of a file; a last line that a crash cut off is left out."""
    found = []
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            found.append(Record(*json.loads(line)))
    return found
