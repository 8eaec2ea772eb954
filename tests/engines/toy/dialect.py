"""Bodies of the toy: `ask` and `words`, answered in lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from replicas.engines.answering import AcceptedRequest, Refused, ServedModel, compact, count_tokens, read_object
from replicas.engines.dialect import Dialect, Generation, Messages, Piece, StreamReader, json_body, unexpected_answer


class ToyDialect(Dialect):
    """`ask` and `words`; the toy applies no chat template, and takes the last message as it is."""

    name = "toy"
    takes_messages = False

    def prompt_body(self, prompt: str, generation: Generation, *, stream: bool, exact_length: bool = False) -> bytes:
        """A question."""
        return json_body({"ask": prompt, "words": generation.max_new_tokens, "lines": stream})

    def chat_body(self, messages: Messages, generation: Generation, *, stream: bool) -> bytes:
        """The last message as a question."""
        return self.prompt_body(messages[-1]["content"], generation, stream=stream)

    def read_answer(self, body: bytes) -> Piece:
        """The whole answer."""
        document = json.loads(body)
        try:
            return Piece(document["said"], document["words"])
        except (KeyError, TypeError):
            raise unexpected_answer() from None

    def reader(self) -> StreamReader:
        """A line a word."""
        return _LineReader()

    def accept(self, body: bytes, model: ServedModel) -> AcceptedRequest:
        """A question; the toy says 418 where it takes none."""
        return ToyRequest(body, model)

    def overloaded(self) -> Refused:
        """All seats are taken."""
        return Refused(503, {"error": "no seat"})


class ToyRequest(AcceptedRequest):
    """One question."""

    stream_media_type = "application/jsonlines"

    def __init__(self, body: bytes, model: ServedModel) -> None:
        document = read_object(body)
        if "ask" not in document:
            raise Refused(418, {"error": "the toy is asked with `ask`"})
        self.stream = bool(document.get("lines"))
        self.input_tokens = count_tokens(document["ask"])
        self.output_tokens = int(document["words"])
        if self.input_tokens + self.output_tokens > model.max_total_tokens:
            raise Refused(418, {"error": f"the toy keeps {model.max_total_tokens} words"})

    def whole(self, tokens: Sequence[str]) -> bytes:
        """All words."""
        return compact({"said": "".join(tokens), "words": len(tokens)}).encode()

    def events(self, tokens: Sequence[str], begin: int, end: int) -> list[bytes]:
        """A line a word."""
        return [compact({"word": token}).encode() + b"\n" for token in tokens[begin:end]]


class _LineReader(StreamReader):
    def __init__(self) -> None:
        self._rest = b""

    def feed(self, content: bytes) -> Iterator[Piece]:
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            yield Piece(json.loads(line)["word"], 1)
