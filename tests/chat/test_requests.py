"""Streams are read the same however they are cut, and prompts are rendered as the published formats say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.chat.prompts import ChatTemplate, read_template, template_for
from replicas.engines import dialects
from replicas.errors import OperationError

texts = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), min_size=1, max_size=12)


def tgi_stream(tokens: list[str]) -> bytes:
    events = [
        {"token": {"id": 1, "text": token, "logprob": 0, "special": False}, "generated_text": None} for token in tokens
    ]
    return b"".join(b"data:" + json.dumps(event, ensure_ascii=False).encode() + b"\n\n" for event in events)


def openai_stream(tokens: list[str]) -> bytes:
    events: list[dict[str, object]] = [{"choices": [{"delta": {"role": "assistant", "content": ""}}]}]
    events += [{"choices": [{"delta": {"content": token}}]} for token in tokens]
    events += [{"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": len(tokens)}}]
    lines = [b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n" for event in events]
    return b"".join([*lines, b"data: [DONE]\n\n"])


@given(texts, st.sampled_from(["tgi", "openai"]), st.data())
def test_a_stream_reads_the_same_however_it_is_cut(tokens: list[str], dialect: str, data: st.DataObject) -> None:
    stream = (tgi_stream if dialect == "tgi" else openai_stream)(tokens)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    reader = dialects()[dialect].reader()
    bounds = zip([0, *cuts], [*cuts, len(stream)], strict=True)
    pieces = [piece for begin, end in bounds for piece in reader.feed(stream[begin:end])]
    assert "".join(piece.text for piece in pieces) == "".join(tokens)
    assert sum(piece.tokens for piece in pieces) == len(tokens)
    assert reader.input_tokens == (None if dialect == "tgi" else 11)


def test_an_error_inside_a_stream_is_an_error() -> None:
    with pytest.raises(ValueError, match="CUDA out of memory"):
        list(dialects()["tgi"].reader().feed(b'data:{"error":"CUDA out of memory","error_type":"generation"}\n\n'))


TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "Why?"},
]


@pytest.mark.parametrize(
    ("model", "prompt"),
    [
        (
            "NousResearch/Llama-2-13b-chat-hf",
            "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello </s><s>[INST] Why? [/INST]",
        ),
        ("mistralai/Mistral-7B-Instruct-v0.1", "[INST] Be brief.\n\nHi [/INST] Hello</s>[INST] Why? [/INST]"),
    ],
)
def test_our_templates_render_the_formats_that_the_models_were_trained_with(model: str, prompt: str) -> None:
    template = template_for(model)
    assert template
    assert template.render(TALK) == prompt


def test_a_model_without_a_chat_format_takes_plain_prompts() -> None:
    assert template_for("google/flan-t5-xxl") is None


def test_another_model_asks_for_its_template() -> None:
    with pytest.raises(
        OperationError, match=r"no chat template is bundled for x/y: give --chat-template .*tokenizer_config.json"
    ):
        template_for("x/y")


def test_a_template_is_read_from_the_models_own_file(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer_config.json"
    text = "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{{ eos_token }}{% endfor %}"
    file.write_text(json.dumps({"chat_template": text, "bos_token": {"content": "<b>"}, "eos_token": "</b>"}))
    assert read_template(file).render(TALK[1:2]) == "<user>Hi</b>"


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "is not JSON"), ("[]", "contains no chat_template"), ("{}", "where newer models store it")],
)
def test_a_file_without_a_template_says_so(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "tokenizer_config.json"
    file.write_text(content)
    with pytest.raises(OperationError, match=words):
        read_template(file)


@pytest.mark.parametrize("text", ["{{", "{{ raise_exception('no') }}", "{{ ''.__class__.__mro__ }}"])
def test_a_template_can_fail_and_can_do_nothing_else(text: str) -> None:
    with pytest.raises(OperationError, match="the chat template does not accept this conversation"):
        ChatTemplate(text).render(TALK)
