"""Makes a trace from SageMaker's data capture: arrivals, lengths and shared prefixes, without any text."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from replicas.aws.captures import Captured, captured
from replicas.errors import OperationError
from replicas.load.trace import BLOCK_TOKENS, Trace, TracedRequest
from replicas.load.trace_files import write_trace

_CHARACTERS_A_TOKEN = 4
"""English text has about four characters per token (OpenAI's guide to tokens). The counts in an answer's `usage` are
used instead, if present."""
_MOST_NAMED = 3


@dataclass
class TraceMaking:
    """A trace, and its differences from the captured requests."""

    trace: Trace
    path: Path
    estimated: int
    """Requests whose lengths are estimated from the number of characters."""
    left_out: list[str] = field(default_factory=list)
    """A message for each line or request that is not in the trace, with the reason."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.benchmark.document.MadeTraceDocument`)."""
        return {
            "schema": "replicas.trace/1",
            "path": str(self.path),
            "requests": len(self.trace.requests),
            "seconds": self.trace.seconds,
            "requests_per_second": self.trace.requests_per_second,
            "input_tokens_mean": self.trace.input_tokens_mean,
            "output_tokens_mean": self.trace.output_tokens_mean,
            "estimated": self.estimated,
            "left_out": self.left_out,
        }


def make_trace(
    source: str,
    path: Path,
    *,
    region: str | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> TraceMaking:
    """Write the trace of captured requests to a file.

    Prompts are compared by keyed hashes of their blocks. The key is discarded, so that the trace does not reveal text.

    Args:
        source: `s3://bucket/prefix`, a folder, or a file of SageMaker's data capture.
        path: file to write.
        region: region of the bucket.
        tell: called with messages about estimated or skipped requests.

    Raises:
        OperationError: no capture file exists, or no captured request has the lengths of a prompt and an answer.

    """
    left_out: list[str] = []
    blocks = _Blocks()
    requests: list[tuple[float, TracedRequest, bool]] = []
    for captured_request in captured(source, region, left_out.append):
        made = _request(captured_request, blocks)
        if made is None:
            left_out.append(
                f"{captured_request.place}: its input or answer does not belong to a language model, or was not "
                f"captured"
            )
        else:
            requests.append((captured_request.moment.timestamp(), *made))
    if not requests:
        named = "; ".join(left_out[:_MOST_NAMED])
        raise OperationError(f"{source}: no captured request has the lengths of a prompt and an answer: {named}")
    requests.sort(key=lambda entry: entry[0])
    start = requests[0][0]
    trace = Trace(
        tuple(
            TracedRequest(round(moment - start, 3), request.input_tokens, request.output_tokens, request.hash_ids)
            for moment, request, _ in requests
        )
    )
    write_trace(trace.requests, path)
    estimated = sum(is_estimated for _, _, is_estimated in requests)
    if estimated:
        tell(
            f"the lengths of {estimated:,} of {len(requests):,} requests are estimated, at {_CHARACTERS_A_TOKEN} "
            f"characters per token, because their answers have no usage field"
        )
    if left_out:
        more = f" and {len(left_out) - _MOST_NAMED:,} more" if len(left_out) > _MOST_NAMED else ""
        tell(f"requests left out of the trace: {'; '.join(left_out[:_MOST_NAMED])}{more}")
    return TraceMaking(trace, path, estimated, left_out)


class _Blocks:
    """Assigns numbers to blocks of prompts: equal blocks after equal prefixes have the same number."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._numbers: dict[bytes, int] = {}

    def of(self, prompt: bytes, tokens: int) -> tuple[int, ...]:
        """Return the numbers of a prompt's blocks. Each has about 512 tokens; the last is the end of the prompt."""
        last, size = -(-tokens // BLOCK_TOKENS) - 1, BLOCK_TOKENS * _CHARACTERS_A_TOKEN
        digest, numbers = b"", list[int]()
        for block in range(last + 1):
            part = prompt[block * size : (block + 1) * size] if block < last else prompt[block * size :]
            digest = hmac.new(self._key, digest + part, hashlib.sha256).digest()
            numbers.append(self._numbers.setdefault(digest, len(self._numbers)))
        return tuple(numbers)


def _request(captured_request: Captured, blocks: _Blocks) -> tuple[TracedRequest, bool] | None:
    """Return the lengths of a captured request, and whether they are estimated; None if the lengths are unknown."""
    prompt = _prompt(captured_request.input)
    if prompt is None or captured_request.output is None:
        return None
    tokens_in, tokens_out = _usage(captured_request.output)
    is_estimated = tokens_in is None or tokens_out is None
    if tokens_in is None:
        tokens_in = max(1, round(len(prompt.decode(errors="replace")) / _CHARACTERS_A_TOKEN))
    if tokens_out is None:
        answer = _answer(captured_request.output)
        if answer is None:
            return None
        tokens_out = max(1, round(len(answer) / _CHARACTERS_A_TOKEN))
    return TracedRequest(0.0, tokens_in, tokens_out, blocks.of(prompt, tokens_in)), is_estimated


def _prompt(content: bytes) -> bytes | None:
    """Return the text of a prompt: the messages of a chat, or the prompt itself."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    if isinstance(document.get("messages"), list):
        return json.dumps([document.get("tools"), document["messages"]], sort_keys=True).encode()
    for name in ("prompt", "inputs", "input"):
        if isinstance(document.get(name), str):
            return str(document[name]).encode()
    return None


def _usage(content: bytes) -> tuple[int | None, int | None]:
    """Return the token counts of prompt and answer that an answer states."""
    for document in _answers(content):
        usage = document.get("usage")
        if isinstance(usage, dict):
            return _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
        details = document.get("details")
        if isinstance(details, dict) and _count(details.get("generated_tokens")):
            return _count(len(details.get("prefill") or ())), _count(details["generated_tokens"])
    return None, None


def _answer(content: bytes) -> str | None:
    texts: list[str] = []
    for document in _answers(content):
        if isinstance(document.get("generated_text"), str):
            return str(document["generated_text"])
        for choice in document.get("choices") or ():
            part = choice.get("message") or choice.get("delta") or choice
            texts += [str(part[name]) for name in ("content", "text") if isinstance(part.get(name), str)]
    return "".join(texts) or None


def _answers(content: bytes) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of an answer: a single object, the items of a list, or the events of a stream, last event
    first.
    """
    text = content.decode(errors="replace")
    lines = [line.removeprefix("data:").strip() for line in text.splitlines() if line.startswith("data:")]
    for part in reversed(lines) if lines else [text]:
        try:
            document = json.loads(part)
        except (ValueError, RecursionError):
            continue
        entries = document if isinstance(document, list) else [document]
        yield from (entry for entry in entries if isinstance(entry, dict))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
