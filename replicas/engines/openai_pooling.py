"""Server side of requests for embeddings and scores: bodies with `input`, with `query` and `documents`, or with pairs.

The formats of bodies and answers are those of vLLM (entrypoints/pooling/{embed,scoring,classify}/protocol.py, 0.32.0),
and so are the bodies that `/invocations` accepts for each model (`get_pooling_invocation_types` in
entrypoints/pooling/factories.py).
"""

from __future__ import annotations

import base64
import math
import struct
import time
import zlib
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from replicas.engines.answering import (
    AcceptedRequest,
    ServedModel,
    compact,
    count_tokens,
    words_of,
)
from replicas.engines.openai_answers import bad, read_json, refusal

_PAIRS = (("queries", "documents"), ("queries", "items"), ("data_1", "data_2"), ("text_1", "text_2"))
"""Field names of the two sides of a score request, in the order in which they are looked up."""
_SPECIAL_TOKENS = 2
"""Approximate number of tokens that a tokenizer adds to a text. A pair has one more token between its texts."""

Pair = tuple[str, str]


class PoolingRequest(AcceptedRequest):
    """One request for embeddings, scores or a ranking."""

    stream = False
    output_tokens = 0

    def __init__(self, body: bytes, model: ServedModel) -> None:
        """Read and validate a body.

        Raises:
            Refused: the body is invalid; the status is 400 or 404, with the message of the server.

        """
        self._document = read_json(body)
        requested = self._document.get("model")
        if model.checks_name and requested and requested != model.id:
            raise refusal(404, f"The model `{requested}` does not exist.", "NotFoundError", "model", requested)
        self._model = model
        self._texts: list[str] = []
        self._pairs: list[Pair] = []
        if "input" in self._document or "messages" in self._document:
            self._texts = self._inputs()
            prompts = [count_tokens(text) + _SPECIAL_TOKENS for text in self._texts]
        else:
            self._pairs = self._scored()
            prompts = [count_tokens(left) + count_tokens(right) + _SPECIAL_TOKENS + 1 for left, right in self._pairs]
        self._prompts = tuple(prompts)
        self.input_tokens = sum(prompts)
        longest = max(prompts)
        if longest > model.max_total_tokens:
            raise bad(
                f"This model's maximum context length is {model.max_total_tokens} tokens. However, your prompt "
                f"contains {longest} input tokens, which exceeds this limit even without any output tokens. Please "
                "reduce the length of the input prompt."
            )
        if (dimensions := self._document.get("dimensions")) is not None and model.task == "embed":
            raise bad(
                f"Model {model.id!r} does not support Matryoshka embeddings; dimensions must be unset (received "
                f"dimensions={dimensions})."
            )

    @property
    def prompts(self) -> Sequence[int]:
        """Number of tokens of each text, or of each pair."""
        return self._prompts

    def whole(self, tokens: Sequence[str]) -> bytes:  # noqa: ARG002 (nothing is generated)
        """Return the embeddings, classes, scores or ranking, and the token usage."""
        if not self._pairs:
            data = self._vectors() if self._model.task == "embed" else self._classes()
            return self._listed("embd" if self._model.task == "embed" else "classify", data)
        scores = [self._score(*pair) for pair in self._pairs]
        if "query" not in self._document:
            entries = [{"index": index, "object": "score", "score": score} for index, score in enumerate(scores)]
            return self._listed("score", entries)
        results = [
            {"index": index, "document": {"text": document, "multi_modal": None}, "relevance_score": scores[index]}
            for index, (_, document) in enumerate(self._pairs)
        ]
        results.sort(key=lambda result: -scores[int(str(result["index"]))])
        usage = {"prompt_tokens": self.input_tokens, "total_tokens": self.input_tokens}
        top = self._document.get("top_n") or len(results)
        ranking = {"id": f"rerank-{uuid4().hex}", "model": self._model.id, "usage": usage, "results": results[:top]}
        return compact(ranking).encode()

    def events(self, tokens: Sequence[str], begin: int, end: int) -> list[bytes]:
        """Return no events, because these answers are not streamed."""
        del tokens, begin, end
        return []

    def _inputs(self) -> list[str]:
        if "messages" in self._document:
            messages = self._document["messages"]
            if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
                raise bad("messages must be a list of messages.")
            return [" ".join(str(message.get("content", "")) for message in messages)]
        given = self._document["input"]
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
            raise bad("input must be a text or a list of texts, none of them empty.")
        return texts

    def _scored(self) -> list[Pair]:
        """Return the pairs of a rerank or score request. A single text on one side is paired with each text on the
        other side.
        """
        body = self._document
        if isinstance(body.get("query"), str) and "documents" in body:
            return [(body["query"], document) for document in _texts_of(body["documents"])]
        for left, right in _PAIRS:
            if left in body and right in body:
                ones, others = _texts_of(body[left]), _texts_of(body[right])
                if len(ones) not in (1, len(others)):
                    raise bad("Input lengths must be either 1:1, 1:N or N:N")
                return list(zip(ones * len(others) if len(ones) == 1 else ones, others, strict=True))
        known = "EmbeddingRequest" if self._model.task == "embed" else "ClassificationRequest"
        raise bad(
            f"Cannot find suitable handler for request. Expected one of: ['{known}', 'RerankRequest', 'ScoreRequest']"
        )

    def _vectors(self) -> list[dict[str, Any]]:
        is_base64 = self._document.get("encoding_format") == "base64"
        entries = []
        for index, text in enumerate(self._texts):
            vector = self._vector(text)
            written = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if is_base64 else vector
            entries.append({"index": index, "object": "embedding", "embedding": written})
        return entries

    def _classes(self) -> list[dict[str, Any]]:
        """Return the only class of a reranker. The stand-in derives the probability from the letters of the text."""
        return [
            {"index": index, "label": "LABEL_0", "probs": [_rounded(_letters(text))], "num_classes": 1}
            for index, text in enumerate(self._texts)
        ]

    def _vector(self, text: str) -> list[float]:
        """Return a unit vector that counts the words of the text. Similar texts get similar vectors."""
        places = [0.0] * self._model.embedding_size
        for word in words_of(text):
            places[zlib.crc32(word.lower().encode()) % len(places)] += 1.0
        norm = math.sqrt(sum(place * place for place in places)) or 1.0
        return [_rounded(place / norm) for place in places]

    def _score(self, first: str, second: str) -> float:
        """Return the score of a pair.

        It is the cosine of two embeddings or, for a reranker, the share of the first text's words that the second text
        contains.
        """
        if self._model.task == "embed":
            pairs = zip(self._vector(first), self._vector(second), strict=True)
            return _rounded(sum(left * right for left, right in pairs))
        left_words, right_words = ({word.lower() for word in words_of(text)} for text in (first, second))
        return _rounded(len(left_words & right_words) / (len(left_words) or 1))

    def _listed(self, kind: str, data: list[dict[str, Any]]) -> bytes:
        usage = {"prompt_tokens": self.input_tokens, "total_tokens": self.input_tokens, "completion_tokens": 0}
        envelope = {"id": f"{kind}-{uuid4().hex}", "object": "list", "created": int(time.time())}
        return compact({**envelope, "model": self._model.id, "data": data, "usage": usage}).encode()


def _texts_of(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise bad("each side of a score must be a text or a list with at least one text.")
    return texts


def _letters(text: str) -> float:
    return sum(character.isalpha() for character in text) / len(text)


def _rounded(value: float) -> float:
    return round(value, 6)
