"""The record of one request, and its JSON Lines file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Record:
    """The measurement of one request."""

    began: float
    """Start of the request, in seconds since the start of the measurement."""
    seconds: float
    """Time until the last byte, or until the failure."""
    ttft_seconds: float | None
    """Time to the first token; None if the answer was not streamed."""
    output_tokens: int
    input_tokens: int | None
    """Input tokens as counted by the engine; None if it does not report them."""
    error: str | None
    """Kind of failure; None if the request was answered."""

    @property
    def ended(self) -> float:
        """End of the request, in seconds since the start of the measurement."""
        return self.began + self.seconds

    @property
    def tpot_seconds(self) -> float | None:
        """Mean time for each token after the first; None if the answer was not streamed or has one token."""
        if self.ttft_seconds is None or self.output_tokens < 2:
            return None
        return (self.seconds - self.ttft_seconds) / (self.output_tokens - 1)

    @property
    def times(self) -> dict[str, float | None]:
        """The times of the request that an objective can limit, in seconds, by figure."""
        return {"latency": self.seconds, "ttft": self.ttft_seconds, "tpot": self.tpot_seconds}


NAMES = [field.name for field in fields(Record)]


def write(path: Path, records: Iterable[Record]) -> None:
    """Append records to a JSON Lines file."""
    with path.open("a") as file:
        file.writelines(json.dumps(astuple(record)) + "\n" for record in records)


def read(path: Path) -> list[Record]:
    """Read all records of a file. A last line that a crash cut off is ignored."""
    entries = []
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            entries.append(Record(*json.loads(line)))
    return entries
