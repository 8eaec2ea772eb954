"""Traces on disk: the form that AIPerf and Mooncake have, and every fault of a file at once, with its lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replicas.errors import TraceError
from replicas.load import TracedRequest
from replicas.load.trace_files import read_trace, write_trace

FIRST = '{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0,1,2,3,4,5,6,7,8,9,10,11,12,13]}'
"""The first line of Mooncake's conversation trace (FAST25-release/traces, the example of its README)."""


def written(folder: Path, *lines: str, end: str = "\n") -> Path:
    path = folder / "trace.jsonl"
    path.write_text("\n".join(lines) + end)
    return path


def line(timestamp: object = 0, **changes: object) -> str:
    return json.dumps({"timestamp": timestamp, "input_length": 100, "output_length": 9, **changes})


def test_a_published_line_is_read(tmp_path: Path) -> None:
    (request,) = read_trace(written(tmp_path, FIRST)).requests
    assert request == TracedRequest(0.0, 6758, 500, tuple(range(14)))


def test_a_trace_begins_with_its_first_request(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path, line(1_700_000_000_000), line(1_700_000_002_500)))
    assert [request.seconds for request in trace.requests] == [0.0, 2.5]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    requests = (TracedRequest(0.0, 600, 5, (7, 8)), TracedRequest(1.5, 3, 1))
    write_trace(requests, tmp_path / "made" / "trace.jsonl")
    assert read_trace(tmp_path / "made" / "trace.jsonl").requests == requests


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((line(), "", line(5)), "line 2: empty: each line of a trace must have a request"),
        ((line(9), line(3)), "line 2: timestamp is earlier than on the line before: sort"),
        ((line(), '{"timestamp": 4, "input_length": 7'), "line 2: cut off: not a complete JSON object"),
        ((line(), "{nonsense}"), "line 2: not JSON"),
        ((line(), "[1]"), "line 2: not a JSON object"),
        ((line("soon"),), "line 1: timestamp is not a number of milliseconds"),
        ((line(-1),), "line 1: timestamp is not a number of milliseconds of at least 0"),
        ((line(float("nan")),), "line 1: timestamp is not a number"),
        (('{"input_length": 4, "output_length": 4}',), "line 1: timestamp is missing"),
        (('{"timestamp": 4, "output_length": 4}',), "line 1: input_length is missing"),
        ((line(input_length=0),), "line 1: input_length is not a whole number of tokens, 1 to"),
        ((line(output_length=-3),), "line 1: output_length is not a whole number of tokens, 0 to"),
        ((line(output_length=3.5),), "line 1: output_length is not a whole number"),
        ((line(input_length=True),), "line 1: input_length is not a whole number"),
        ((line(input_length=1025, hash_ids=[1, 2]),), "line 1: hash_ids needs one id for each 512 tokens"),
        ((line(hash_ids=["a"]),), "line 1: hash_ids is not a list of whole numbers"),
        ((line(0), line(90_000_000)), "the requests span 90,000 s, but a trace may span at most 86,400 s"),
        (tuple(line(9 - number) for number in range(9)), "lines 2, 3, 4, 5, 6 and 3 more: timestamp is earlier"),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, lines: tuple[str, ...], expected: str) -> None:
    with pytest.raises(TraceError) as caught:
        read_trace(written(tmp_path, *lines))
    assert expected in str(caught.value)
    assert ";" not in str(caught.value), "one fault"


def test_a_last_line_without_its_end_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="line 2: cut off"):
        read_trace(written(tmp_path, line(), line()[:-9], end=""))


def test_all_faults_of_a_file_come_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, line(5, input_length=-1), line(2), "", '{"timestamp": 9', end="")
    with pytest.raises(TraceError) as caught:
        read_trace(path)
    message = str(caught.value).removeprefix(f"{path}: ")
    assert [fault.split(": ")[0] for fault in message.split("; ")] == ["line 1", "line 2", "line 3", "line 4"]


def test_a_file_without_requests_says_what_a_trace_is(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="has no requests: each line of a trace is a JSON object"):
        read_trace(written(tmp_path, end=""))
    with pytest.raises(TraceError, match="No such file"):
        read_trace(tmp_path / "none.jsonl")


def test_a_binary_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "trace.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TraceError, match="cannot be read"):
        read_trace(tmp_path / "trace.jsonl")


def test_what_is_not_followed_and_long_pauses_are_said(tmp_path: Path) -> None:
    told: list[str] = []
    lines = [line(1000 * number) for number in range(9)] + [line(2_000_000, session_id="s")]
    read_trace(written(tmp_path, *lines), told.append)
    assert len(told) == 2
    assert "ignored fields: session_id (line 10)" in told[0]
    assert "no request arrives for 1,992 s between lines 9 and 10: the pause is replayed" in told[1]
