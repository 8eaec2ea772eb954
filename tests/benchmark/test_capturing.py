"""Traces from SageMaker's data capture: arrivals, lengths and shared beginnings, without any text."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from replicas.load.trace_files import read_trace
from tests.commands import Run


def line(second: float, request: object, answer: object, encoding: str = "JSON") -> str:
    """One line of a capture file, as the developer guide of SageMaker AI shows it."""

    def part(mode: str, content: object) -> dict[str, Any]:
        text = content if isinstance(content, str) else json.dumps(content)
        data = base64.b64encode(text.encode()).decode() if encoding == "BASE64" else text
        return {"observedContentType": "application/json", "mode": mode, "data": data, "encoding": encoding}

    return json.dumps(
        {
            "captureData": {"endpointInput": part("INPUT", request), "endpointOutput": part("OUTPUT", answer)},
            "eventMetadata": {"eventId": "id", "inferenceTime": f"2026-11-20T10:00:{second:06.3f}Z"},
            "eventVersion": "0",
        }
    )


def chat(*contents: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content} for content in contents]}


def usage(prompt: int, answer: int) -> dict[str, Any]:
    return {
        "choices": [{"message": {"content": "secret answer"}}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": answer},
    }


def test_a_trace_has_arrivals_lengths_and_shared_beginnings_and_no_text(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "endpoint" / "AllTraffic" / "2026" / "11" / "20" / "10"
    folder.mkdir(parents=True)
    system = "secret " * 1000
    stream = "data: " + json.dumps({"choices": [{"delta": {"content": "secret"}}]}) + "\n\ndata: "
    stream += (
        json.dumps({"choices": [], "usage": {"prompt_tokens": 1500, "completion_tokens": 9}}) + "\n\ndata: [DONE]\n"
    )
    (folder / "b.jsonl").write_text(line(2.5, chat(system, "other"), stream, "BASE64") + "\n")
    (folder / "a.jsonl").write_text(
        line(1.0, chat(system, "question"), usage(1500, 40))
        + "\nnonsense\n"
        + line(1.25, {"inputs": "secret text of forty characters, or so .."}, [{"generated_text": "secret 12"}])
        + "\n"
        + line(3.0, "1,2,3", "4", "CSV")
        + "\n"
    )
    out = tmp_path / "trace.jsonl"
    told = run("trace", str(tmp_path / "endpoint"), "--out", str(out), "--json")
    assert told.code == 0, told.said
    assert (told.json["requests"], told.json["estimated"], len(told.json["left_out"])) == (3, 1, 2)
    assert "the lengths of 1 of 3 requests are estimated" in told.err
    assert "a.jsonl, line 2 is not a captured request" in told.err
    trace = read_trace(out)
    assert [request.seconds for request in trace.requests] == [0.0, 0.25, 1.5]
    assert [request.output_tokens for request in trace.requests] == [40, 2, 9]
    first, _, later = trace.requests
    assert (first.input_tokens, later.input_tokens) == (1500, 1500)
    assert first.hash_ids[:2] == later.hash_ids[:2]
    assert first.hash_ids[2] != later.hash_ids[2]
    assert "secret" not in out.read_text() + told.said


def test_where_nothing_was_captured_is_one_sentence(run: Run, tmp_path: Path) -> None:
    nothing = run("trace", str(tmp_path))
    assert nothing.code == 1
    assert "has no file with suffix .jsonl: data capture writes such a file" in nothing.said
    (tmp_path / "x.jsonl").write_text(line(3.0, "1,2,3", "4", "CSV") + "\n")
    unfit = run("trace", str(tmp_path))
    assert unfit.code == 1
    assert "no captured request has the lengths of a prompt and an answer" in unfit.said
