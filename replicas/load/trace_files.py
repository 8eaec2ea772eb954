"""Reads and writes traces as JSON lines. One error lists all faults of a file, with line numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from replicas.deployment.bounds import MAX_REQUEST_TOKENS
from replicas.errors import TraceError, unreadable
from replicas.load.trace import BLOCK_TOKENS, Trace, TracedRequest
from replicas.units import SECONDS_PER_HOUR

MAX_REQUESTS = 1_000_000
"""Maximum number of requests in a trace."""
MAX_SECONDS = 24 * SECONDS_PER_HOUR
"""Maximum duration of a trace: a forecast simulates at most a day."""
_FIELDS = ("timestamp", "input_length", "output_length", "hash_ids")
_NAMED_LINES = 5
"""Maximum number of lines that a message names for one kind of fault. Further lines are only counted."""
_PAUSE_SECONDS, _PAUSE_OF_MEDIAN = 60.0, 100.0
"""Minimum length of a pause that is reported: in seconds, and as a multiple of the median of the other pauses."""


def read_trace(path: Path, tell: Callable[[str], None] = lambda _line: None) -> Trace:
    """Read a trace.

    Args:
        path: a file of JSON lines.
        tell: called with a message about unknown fields, which are ignored, and about a long pause, which is replayed.

    Raises:
        TraceError: the file or some of its lines cannot be read. The message names all faults and their lines.

    """
    faults, unknown = _Faults(), dict[str, int]()
    requests: list[TracedRequest] = []
    lines: list[int] = []
    milliseconds: list[float] = []
    try:
        for number, document in _documents(path, faults):
            for name in document:
                if name not in _FIELDS:
                    unknown.setdefault(name, number)
            timestamp, request = _request(number, document, faults)
            if timestamp is not None and milliseconds and timestamp < milliseconds[-1]:
                faults.add("timestamp is earlier than on the line before: sort the lines by timestamp", number)
            if timestamp is not None:
                milliseconds.append(timestamp)
            if request is not None:
                requests.append(request)
                lines.append(number)
    except (OSError, UnicodeDecodeError) as fault:
        raise TraceError(f"{path} cannot be read: {unreadable(fault)}") from None
    if not requests and not faults.lines:
        raise TraceError(f"{path} has no requests: each line of a trace is a JSON object with {_form()}")
    span = (milliseconds[-1] - milliseconds[0]) / 1000 if milliseconds else 0.0
    if not faults.lines and span > MAX_SECONDS:
        faults.add(f"the requests span {span:,.0f} s, but a trace may span at most {MAX_SECONDS:,.0f} s: shorten it")
    if faults.lines:
        raise TraceError(f"{path}: {'; '.join(faults.sentences())}")
    if unknown:
        names = ", ".join(f"{name} (line {number})" for name, number in unknown.items())
        tell(f"{path}: ignored fields: {names}; a trace has {_form()}")
    start = requests[0].seconds
    trace = Trace(
        tuple(
            TracedRequest(request.seconds - start, request.input_tokens, request.output_tokens, request.hash_ids)
            for request in requests
        )
    )
    if pause := _longest_pause(trace):
        tell(
            f"{path}: no request arrives for {pause[1]:,.0f} s between lines {lines[pause[0]]} and "
            f"{lines[pause[0] + 1]}: the pause is replayed"
        )
    return trace


def write_trace(requests: Iterable[TracedRequest], path: Path) -> None:
    """Write a trace; missing folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for request in requests:
            document: dict[str, Any] = {
                "timestamp": round(1000 * request.seconds),
                "input_length": request.input_tokens,
                "output_length": request.output_tokens,
            }
            if request.hash_ids:
                document["hash_ids"] = list(request.hash_ids)
            file.write(json.dumps(document) + "\n")


@dataclass
class _Faults:
    """Faults of a file: one message for each kind of fault, with its line numbers."""

    lines: dict[str, list[int]] = field(default_factory=dict)

    def add(self, sentence: str, line: int | None = None) -> None:
        self.lines.setdefault(sentence, []).extend([] if line is None else [line])

    def sentences(self) -> Iterator[str]:
        for sentence, numbers in self.lines.items():
            if not numbers:
                yield sentence
                continue
            named = ", ".join(map(str, numbers[:_NAMED_LINES]))
            more = len(numbers) - _NAMED_LINES
            noun = "line" if len(numbers) == 1 else "lines"
            yield f"{noun} {named}{f' and {more:,} more' if more > 0 else ''}: {sentence}"


def _form() -> str:
    return "timestamp (milliseconds), input_length, output_length (tokens) and, optionally, hash_ids"


def _documents(path: Path, faults: _Faults) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the lines of a file that are JSON objects, each with its line number."""
    empty: list[int] = []
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if number > MAX_REQUESTS:
                faults.add(f"the file has more than {MAX_REQUESTS:,} lines")
                return
            if not line.strip():
                empty.append(number)
                continue
            for gap in empty:
                faults.add("empty: each line of a trace must have a request", gap)
            empty.clear()
            try:
                document = json.loads(line)
            except (ValueError, RecursionError):
                is_cut = not line.endswith("\n") or not line.rstrip().endswith("}")
                faults.add("cut off: not a complete JSON object" if is_cut else "not JSON", number)
                continue
            if isinstance(document, dict):
                yield number, document
            else:
                faults.add("not a JSON object", number)


def _request(number: int, document: Mapping[str, Any], faults: _Faults) -> tuple[float | None, TracedRequest | None]:
    """Return the timestamp and the request of a line; None in place of a faulty value."""
    timestamp = document.get("timestamp")
    if timestamp is None:
        faults.add("timestamp is missing", number)
    elif not _is_number(timestamp) or not 0 <= timestamp < float("inf"):
        faults.add("timestamp is not a number of milliseconds of at least 0", number)
        timestamp = None
    lengths: dict[str, int | None] = {}
    for name, least in (("input_length", 1), ("output_length", 0)):
        value = document.get(name)
        is_valid = isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_REQUEST_TOKENS
        lengths[name] = value if is_valid else None
        if value is None:
            faults.add(f"{name} is missing", number)
        elif not is_valid:
            faults.add(f"{name} is not a whole number of tokens, {least} to {MAX_REQUEST_TOKENS:,}", number)
    tokens_in, tokens_out = lengths["input_length"], lengths["output_length"]
    hash_ids = _hash_ids(number, document, tokens_in, faults)
    if timestamp is None or tokens_in is None or tokens_out is None or hash_ids is None:
        return timestamp, None
    return timestamp, TracedRequest(timestamp / 1000, tokens_in, tokens_out, hash_ids)


def _hash_ids(
    number: int, document: Mapping[str, Any], input_tokens: int | None, faults: _Faults
) -> tuple[int, ...] | None:
    ids = document.get("hash_ids")
    if ids is None:
        return ()
    if not isinstance(ids, list) or not all(isinstance(entry, int) and not isinstance(entry, bool) for entry in ids):
        faults.add("hash_ids is not a list of whole numbers", number)
        return None
    if ids and input_tokens is not None and len(ids) != -(-input_tokens // BLOCK_TOKENS):
        faults.add(f"hash_ids needs one id for each {BLOCK_TOKENS} tokens of input_length", number)
        return None
    return tuple(ids)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _longest_pause(trace: Trace) -> tuple[int, float] | None:
    """Return the index of the request before the longest pause, and the pause in seconds.

    The result is None if the longest pause is too short to be reported.
    """
    pauses = [later.seconds - earlier.seconds for earlier, later in pairwise(trace.requests)]
    if len(pauses) < 2:
        return None
    longest = max(range(len(pauses)), key=pauses.__getitem__)
    usual = median(pauses[:longest] + pauses[longest + 1 :])
    if pauses[longest] < max(_PAUSE_SECONDS, _PAUSE_OF_MEDIAN * usual):
        return None
    return longest, pauses[longest]
