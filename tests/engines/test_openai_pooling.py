"""Answers of the stand-in to bodies that embed and score, against OpenAI's client and the fields of vLLM's protocol."""

from __future__ import annotations

import base64
import json
import math
import struct
from typing import Any

import pytest

from replicas.catalogue.tasks import Task
from replicas.engines.answering import Refused, ServedModel
from replicas.engines.openai import OpenAi

OPENAI = OpenAi()
SENTENCES = ["a card with many cores", "a card with many cores and memory", "the river of a valley"]


def served(task: Task = "embed", **more: Any) -> ServedModel:
    facts = {"max_input_tokens": 64, "max_total_tokens": 64, "has_chat_template": False, "embedding_size": 256}
    return ServedModel(id="org/model", task=task, **{**facts, **more})


def answered(body: dict[str, Any], task: Task = "embed") -> Any:
    return json.loads(OPENAI.accept(json.dumps(body).encode(), served(task)).whole([]))


def refused(body: Any, task: Task = "embed") -> tuple[int, str]:
    with pytest.raises(Refused) as refusal:
        OPENAI.accept(json.dumps(body).encode(), served(task))
    return refusal.value.status, json.loads(refusal.value.body)["error"]["message"]


def cosine(one: list[float], other: list[float]) -> float:
    return sum(left * right for left, right in zip(one, other, strict=True))


def test_embeddings_are_read_by_openais_client() -> None:
    from openai.types import CreateEmbeddingResponse

    response = CreateEmbeddingResponse.model_validate(answered({"input": SENTENCES}))
    assert [entry.index for entry in response.data] == [0, 1, 2]
    assert {len(entry.embedding) for entry in response.data} == {256}
    assert response.usage.prompt_tokens == response.usage.total_tokens > 0
    assert all(math.isclose(cosine(entry.embedding, entry.embedding), 1, abs_tol=1e-3) for entry in response.data)


def test_alike_texts_have_alike_vectors() -> None:
    one, near, far = (entry["embedding"] for entry in answered({"input": SENTENCES})["data"])
    assert cosine(one, near) > 0.8 > 0.5 > cosine(one, far)


def test_base64_which_openais_client_asks_for_holds_the_same_numbers() -> None:
    (plain,), (packed,) = (
        answered({"input": "a text", "encoding_format": form})["data"] for form in ("float", "base64")
    )
    numbers = struct.unpack("<256f", base64.b64decode(packed["embedding"]))
    assert numbers == pytest.approx(plain["embedding"], abs=1e-6)


def test_a_ranking_is_sorted_and_keeps_the_places_of_its_documents() -> None:
    """RerankResponse in vllm/entrypoints/pooling/scoring/protocol.py (0.32.0)."""
    document = answered({"query": "river valley", "documents": SENTENCES}, "score")
    assert set(document) == {"id", "model", "usage", "results"}
    assert document["results"][0]["index"] == 2
    scores = [result["relevance_score"] for result in document["results"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert document["results"][0]["document"] == {"text": SENTENCES[2], "multi_modal": None}
    assert len(answered({"query": "river", "documents": SENTENCES, "top_n": 1}, "score")["results"]) == 1
    assert OPENAI.read_pooled(json.dumps(document).encode()).scores[2] == scores[0]


@pytest.mark.parametrize("names", [("text_1", "text_2"), ("data_1", "data_2"), ("queries", "documents")])
def test_pairs_are_scored_under_each_name_that_vllm_takes(names: tuple[str, str]) -> None:
    left, right = names
    document = answered({left: "river", right: SENTENCES}, "score")
    assert [(entry["index"], entry["object"]) for entry in document["data"]] == [
        (number, "score") for number in range(3)
    ]


def test_an_embedding_model_scores_by_the_cosine_of_its_vectors() -> None:
    """SCORE_TYPE_MAP in vllm/tasks.py: `embed` is scored as a bi-encoder."""
    (score,) = OPENAI.read_pooled(json.dumps(answered({"text_1": "a text", "text_2": "a text"})).encode()).scores
    assert score == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("body", "task", "status", "words"),
    [
        ({"input": []}, "embed", 400, "none of them empty"),
        ({"input": [1, 2]}, "embed", 400, "a text or a list of texts"),
        ({"prompt": "a text"}, "embed", 400, "Cannot find suitable handler for request"),
        ({"prompt": "a text"}, "score", 400, "Cannot find suitable handler for request"),
        ({"input": "word " * 100}, "embed", 400, "maximum context length is 64 tokens"),
        ({"input": "a text", "dimensions": 32}, "embed", 400, "does not support Matryoshka embeddings"),
        ({"input": "a text", "model": "another"}, "embed", 404, "The model `another` does not exist."),
        ({"text_1": ["one", "two"], "text_2": ["a", "b", "c"]}, "score", 400, "1:1, 1:N or N:N"),
        ({"query": "one", "documents": []}, "score", 400, "a list with at least one text"),
    ],
)
def test_a_body_that_the_engine_does_not_take_is_refused_in_its_words(
    body: dict[str, Any], task: Task, status: int, words: str
) -> None:
    assert refused(body, task)[0] == status
    assert words in refused(body, task)[1]


def test_each_text_is_a_prompt_of_its_own() -> None:
    accepted = OPENAI.accept(json.dumps({"input": SENTENCES}).encode(), served())
    assert len(accepted.prompts) == 3
    assert sum(accepted.prompts) == accepted.input_tokens
    assert accepted.output_tokens == 0


def test_a_text_model_refuses_an_image_as_vllm_does() -> None:
    """`MultiModalRegistry` in vllm/multimodal/registry.py: "... is not a multimodal model"."""
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}
    body = json.dumps({"messages": [{"role": "user", "content": [part, {"type": "text", "text": "What is it?"}]}]})
    with pytest.raises(Refused) as refusal:
        OPENAI.accept(body.encode(), served("generate", has_chat_template=True))
    assert b"org/model is not a multimodal model" in refusal.value.body
    sees = served("generate", has_chat_template=True, takes_images=True, max_total_tokens=256)
    assert OPENAI.accept(body.encode(), sees).input_tokens > 0


@pytest.mark.parametrize("body", [b"{}", b'{"data": 1}', b'{"results": [{}]}', b"[]"])
def test_another_answer_is_not_read_as_embeddings(body: bytes) -> None:
    with pytest.raises(ValueError, match="an unexpected format"):
        OPENAI.read_pooled(body)
