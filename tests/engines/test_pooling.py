"""The pooling runner of vLLM: embeddings and scores, as its code takes them (vLLM 0.32.0)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from replicas import Component, ComponentPlan, Deployment, SizingError, plan
from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.parts import Cache
from replicas.catalogue.instances import find_instance
from replicas.catalogue.models import Model, find_model
from replicas.catalogue.tasks import Task
from replicas.engines import ContainerSettings, engine_kinds, find_engine, read_settings
from replicas.sizing.copies import Unfit, size_copy
from replicas.sizing.resolved import ResolvedComponent

EMBEDDING, RERANKER, CHAT = "Qwen/Qwen3-Embedding-0.6B", "Qwen/Qwen3-Reranker-0.6B", "Qwen/Qwen3-0.6B"
L40S = "ml.g6e.xlarge"
# examples/pooling/score/qwen3_reranker_online.py of vLLM's repository
QWEN3_RERANKER = {
    "architectures": ["Qwen3ForSequenceClassification"],
    "classifier_from_token": ["no", "yes"],
    "is_original_qwen3_reranker": True,
}


def component(model: str = EMBEDDING, **options: Any) -> ComponentPlan:
    deployment = Deployment(name="test", instance_type=L40S, components=[Component(model=model, **options)])
    (planned,) = plan(deployment).components
    return planned


def refusal(model: str, **options: Any) -> str:
    with pytest.raises(SizingError) as refused:
        component(model, **options)
    return str(refused.value)


class Encoder(Architecture):
    """An encoder with bidirectional attention, of which no layer keeps keys and values."""

    @property
    def caches(self) -> tuple[tuple[Cache, int], ...]:  # type: ignore[override]
        return ()


_DECODER = find_model(CHAT).architecture
ENCODER = Encoder(
    model_type="encoder",
    class_name="BertModel",
    hidden_size=_DECODER.hidden_size,
    vocab_size=_DECODER.vocab_size,
    context_tokens=512,
    stack=_DECODER.stack,
    ends=_DECODER.ends,
    head="pooling",
)


def encoder(task: Task = "embed", instance: str = L40S, **wishes: Any) -> ResolvedComponent:
    model = Model(id="org/encoder", architecture=ENCODER, source="this test")
    return ResolvedComponent(
        name="encoder",
        options=Component(model=model.id, **wishes),
        model=model,
        engine=find_engine("vllm").serving(model, task),
        task=task,
        quantization=None,
    )


@pytest.mark.parametrize(("model", "task", "convert"), [(EMBEDDING, "embed", "embed"), (RERANKER, "score", "classify")])
def test_the_container_is_told_what_it_serves(model: str, task: Task, convert: str) -> None:
    planned = component(model)
    assert planned.task == task
    assert planned.environment["SM_VLLM_RUNNER"] == "pooling"
    assert planned.environment["SM_VLLM_CONVERT"] == convert
    assert not planned.accepts_chat


def test_a_reranker_that_was_published_as_a_language_model_is_loaded_as_vllms_example_says() -> None:
    assert json.loads(component(RERANKER).environment["SM_VLLM_HF_OVERRIDES"]) == QWEN3_RERANKER
    assert "SM_VLLM_HF_OVERRIDES" not in component(EMBEDDING).environment


def test_a_model_that_generates_text_has_the_variables_of_before() -> None:
    planned = component(CHAT)
    assert planned.task == "generate"
    assert not {"SM_VLLM_RUNNER", "SM_VLLM_CONVERT"} & set(planned.environment)


def test_a_request_is_its_prompt_and_takes_no_room_for_sampling() -> None:
    embedding, chat = component(EMBEDDING, max_total_tokens=4096), component(CHAT, max_total_tokens=4096)
    assert (embedding.max_input_tokens, chat.max_input_tokens) == (4096, 4095)
    assert embedding.prefill_tokens == 4096  # at least the longest prompt: a pooler of all tokens takes it whole
    assert embedding.reasons["max_input_tokens"] == "the whole request, because no token is generated"
    same_step = component(CHAT, max_total_tokens=4096, max_batch_prefill_tokens=4096)
    assert embedding.memory.activations < same_step.memory.activations


def test_the_longest_prompt_alone_is_the_longest_request() -> None:
    planned = component(EMBEDDING, max_input_tokens=512)
    assert (planned.max_total_tokens, planned.environment["SM_VLLM_MAX_MODEL_LEN"]) == (512, "512")
    assert "a request for task='embed' has only a prompt" in refusal(
        EMBEDDING, max_input_tokens=512, max_total_tokens=600
    )


def test_a_language_model_embeds_where_the_deployment_says_so() -> None:
    assert component(CHAT, task="embed").environment["SM_VLLM_CONVERT"] == "embed"


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (CHAT, {"task": "score"}, "has no classification head, and how vllm-[0-9.]+ computes scores .* Qwen3-Reranker"),
        (CHAT, {"task": "embed", "engine": "tgi"}, "tgi-3.3.6 serves only generate: use engine='vllm'"),
        (CHAT, {"task": "embed", "engine": "lmi"}, "serves only generate: use engine='vllm'"),
        (CHAT, {"task": "embed", "engine": "sglang"}, "serves only generate: use engine='vllm'"),
        (CHAT, {"task": "translate"}, "task='translate': give 'generate', 'embed' or 'score'"),
        (EMBEDDING, {"environment": {"SM_VLLM_RUNNER": "generate"}}, "contradicts the plan, which sets 'pooling'"),
        (CHAT, {"environment": {"SM_VLLM_RUNNER": "pooling"}}, ": an option sets this variable: use task= instead"),
        (CHAT, {"environment": {"SM_VLLM_RUNNER": "draft"}}, "may change the memory of a copy"),
    ],
)
def test_what_cannot_be_served_is_refused_with_what_can(model: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(SizingError, match=words):
        component(model, **options)


@pytest.mark.parametrize(
    ("environment", "own", "task"),
    [
        ({}, "generate", "generate"),
        ({}, "embed", "embed"),
        ({"SM_VLLM_RUNNER": "pooling"}, "generate", "embed"),
        ({"SM_VLLM_RUNNER": "pooling"}, "score", "score"),
        ({"SM_VLLM_RUNNER": "pooling", "SM_VLLM_CONVERT": "classify"}, "generate", "score"),
        ({"SM_VLLM_CONVERT": "embed"}, "generate", "embed"),
        ({"SM_VLLM_RUNNER": "generate"}, "embed", "generate"),
    ],
)
def test_the_task_of_a_container_is_what_vllm_resolves(environment: dict[str, str], own: Task, task: Task) -> None:
    """`_get_runner_type` and `_get_convert_type` in vllm/config/model.py; a table row stands for the files of a
    repository that make `--runner auto` a pooling runner (modules.json).
    """
    assert engine_kinds()["vllm"].task(environment, own) == task


def test_the_variables_of_a_plan_are_followed_where_a_template_is_checked() -> None:
    settings: ContainerSettings = read_settings(
        engine_kinds()["vllm"],
        dict(component(RERANKER).environment),
        has_local_weights=False,
        version=find_engine("vllm").version,
    )
    assert settings.not_followed == ()


def test_bidirectional_attention_keeps_no_cache_and_takes_prompts_whole() -> None:
    sized = size_copy(encoder(), find_instance(L40S))
    assert sized.memory.kv_cache_tokens == 0
    assert sized.prefill_tokens >= sized.max_input_tokens == 512
    with pytest.raises(Unfit, match="cannot split a prompt: set max_batch_prefill_tokens=512"):
        size_copy(encoder(max_batch_prefill_tokens=256), find_instance(L40S))


def test_a_copy_without_a_cache_still_has_to_fit_its_card() -> None:
    size_copy(encoder(), find_instance("ml.g5.xlarge"))
    large = replace(encoder().model, architecture=replace(ENCODER, stack=ENCODER.stack * 60))
    with pytest.raises(Unfit, match="of weights"):
        size_copy(replace(encoder(), model=large), find_instance("ml.g5.xlarge"))


@pytest.mark.parametrize(
    ("head", "task", "words"),
    [
        ("pooling", "generate", "is a pooling head, which supports only task='embed': leave task out"),
        ("classification", "embed", "is a classification head, which supports only task='score'"),
    ],
)
def test_a_head_answers_what_it_was_made_for(head: Any, task: Task, words: str) -> None:
    from replicas.sizing.faults import faults_of

    architecture = replace(find_model(CHAT).architecture, head=head)
    model = replace(find_model(CHAT), architecture=architecture)
    asked = replace(encoder(), model=model, task=task, engine=find_engine("vllm").serving(model, task))
    assert any(words in fault.sentence for fault in faults_of(asked, None, has_token=False))
