"""Plans, loads and forecasts of models that embed or score."""

from __future__ import annotations

import json
from typing import Any

import pytest

from replicas import Component, ComponentPlan, Deployment, EndpointPlan, Scaling, SizingError, Traffic, plan
from replicas.errors import ForecastError, RecommendError
from replicas.forecast import Load, forecast
from replicas.forecast.declared import traffic_warnings
from replicas.forecast.requested_loads import loads_of
from replicas.load.options import LoadOptions
from replicas.recommend import Requirements, recommend
from tests.documents import validated

EMBEDDING, CHAT = "Qwen/Qwen3-Embedding-0.6B", "Qwen/Qwen3-0.6B"
L40S = "ml.g6e.xlarge"


def planned(model: str = EMBEDDING, **options: Any) -> tuple[EndpointPlan, ComponentPlan]:
    endpoint = plan(Deployment(name="test", instance_type=L40S, components=[Component(model=model, **options)]))
    return endpoint, endpoint.components[0]


def test_the_document_of_a_plan_says_the_task() -> None:
    endpoint, _ = planned()
    assert validated(endpoint.to_document())["components"][0]["task"] == "embed"
    assert planned(CHAT)[1].to_document()["task"] == "generate"


@pytest.mark.parametrize(
    ("model", "output_tokens", "words"),
    [
        (CHAT, 0, "traffic.output_tokens=0: set it to the length of an answer, at least 1"),
        (EMBEDDING, 9, "task='embed' generates no tokens"),
    ],
)
def test_declared_answers_suit_the_task(model: str, output_tokens: int, words: str) -> None:
    traffic = Traffic(users=1, input_tokens=100, output_tokens=output_tokens)
    with pytest.raises(SizingError, match=words):
        planned(model, traffic=traffic)


def test_an_objective_bounds_times_that_the_task_has() -> None:
    traffic = Traffic(users=1, input_tokens=100, objective="ttft_p90=1,latency_p90=1")
    with pytest.raises(SizingError, match=r"ttft_p90=1: task='embed' generates no tokens: use latency_p90 instead$"):
        planned(EMBEDDING, traffic=traffic)


def test_a_copy_scales_by_the_prompts_that_it_holds() -> None:
    _, component = planned(scaling=Scaling(), traffic=Traffic(users=1, input_tokens=512))
    assert component.scaling
    assert component.scaling.target == 192  # three quarters of the 256 sequences of a batch


def test_a_request_without_an_answer_ends_where_another_has_its_first_token() -> None:
    """One prompt alone: its time is that of the step which gives a language model the first token, less its head."""
    endpoint, component = planned()
    (embedded,) = forecast(endpoint, component, [Load(users=1, input_tokens=2000, output_tokens=0)]).points
    chat_endpoint, chat = planned(CHAT)
    (generated,) = forecast(chat_endpoint, chat, [Load(users=1, input_tokens=2000, output_tokens=1)]).points
    assert embedded.latency_p50_seconds == pytest.approx(generated.ttft_p50_seconds, rel=0.02)
    assert embedded.ttft_p50_seconds is None
    assert embedded.output_tokens_per_second == 0
    assert embedded.usd_per_million_output_tokens is None


def test_a_forecast_asks_without_answers_unless_told_otherwise() -> None:
    endpoint, component = planned(max_total_tokens=512)
    loads = loads_of(component, LoadOptions(users="1"))
    assert [(load.input_tokens, load.output_tokens) for load in loads] == [(512, 0)]
    result = forecast(endpoint, component, loads)
    assert (result.task, result.confidence) == ("embed", "unmeasured")
    validated(json.loads(json.dumps(result.to_document())))
    with pytest.raises(ForecastError, match="task='embed' generates no tokens: leave it out"):
        forecast(endpoint, component, [Load(users=1, input_tokens=100, output_tokens=5)])


def test_a_shorter_step_than_a_prompt_is_not_judged_aloud() -> None:
    endpoint, _ = planned(max_total_tokens=4096, max_batch_prefill_tokens=1024)
    assert any("is not judged: a last-token pooler" in warning for warning in endpoint.warnings)
    assert not any("is not judged" in warning for warning in planned(max_total_tokens=4096)[0].warnings)


def test_declared_traffic_is_held_against_the_forecast() -> None:
    endpoint, _ = planned(traffic=Traffic(requests_per_second=5000, input_tokens=1000))
    assert ["exceeds the forecast capacity of 1 copy" in line for line in traffic_warnings(endpoint)] == [True]


def test_a_recommendation_says_why_there_is_none() -> None:
    requirements = Requirements(model=EMBEDDING, load=Load(users=1, input_tokens=100, output_tokens=0))
    with pytest.raises(RecommendError, match="ranked by the price of generated tokens"):
        recommend(requirements)
