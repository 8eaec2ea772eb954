"""Start-up timeouts of a plan: open ones follow the expected start, short ones are warned of."""

from __future__ import annotations

from typing import Any

import pytest

from replicas import Component, Deployment, EndpointPlan, Rollout, plan
from replicas.deployment.file import load_catalogue
from tests.conftest import ROOT


def planned(instance_type: str = "ml.g6e.12xlarge", **options: Any) -> EndpointPlan:
    component = Component(**{"model": "Qwen/Qwen3-8B", "engine": "vllm-0.29.0", "copies": 2, **options})
    return plan(Deployment(name="start", instance_type=instance_type, components=[component]))


@pytest.mark.parametrize(("seconds", "warned"), [(60, True), (200, True), (300, False), (3600, False), (None, False)])
def test_a_short_timeout_is_warned_of(seconds: int | None, *, warned: bool) -> None:
    warnings = [
        warning for warning in planned(startup_timeout_seconds=seconds).warnings if "a start can take" in warning
    ]
    assert bool(warnings) is warned


def test_a_timeout_that_the_article_used_is_not_warned_of() -> None:
    """Llama 2 13B by TGI 1.1.0 started within 300 s: "Scale LLM Inference on Amazon SageMaker", 11 January 2024."""
    article = planned(
        "ml.p4d.24xlarge",
        model="NousResearch/Llama-2-13b-chat-hf",
        engine="tgi-1.1.0",
        max_total_tokens=4096,
        startup_timeout_seconds=300,
    )
    assert not any("a start can take" in warning for warning in article.warnings)


def test_no_entry_of_this_project_leaves_its_timeout_open() -> None:
    """An open timeout follows the evidence, and a new one would roll the endpoint."""
    for deployment in load_catalogue(ROOT / "deployments.py"):
        assert all(component.startup_timeout_seconds for component in deployment.components), deployment.name


def test_weights_in_s3_are_given_their_own_time() -> None:
    (from_hub,), (from_s3,) = planned().components, planned(weights="s3://bucket/qwen/").components
    assert from_hub.download_timeout_seconds is None
    assert from_s3.download_timeout_seconds is not None
    assert from_s3.download_timeout_seconds >= 2 * from_s3.start.download.high
    assert from_s3.startup_timeout_seconds < from_hub.startup_timeout_seconds


def test_a_stated_timeout_counts_for_both() -> None:
    (component,) = planned(weights="s3://bucket/qwen/", startup_timeout_seconds=900).components
    assert (component.startup_timeout_seconds, component.download_timeout_seconds) == (900, 900)


def test_the_time_limit_of_a_roll_holds_both_timeouts() -> None:
    (component,) = planned(weights="s3://bucket/qwen/", rollout=Rollout(batch_copies=1, wait_seconds=60)).components
    assert component.rollout
    start = component.startup_timeout_seconds + (component.download_timeout_seconds or 0)
    assert component.rollout.timeout_seconds == 2 * 2 * (start + 60)


def test_the_page_says_how_long_waking_and_rolling_take(run: Any, tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "deployments.py").write_text(
        "from replicas import Component, Deployment, Rollout, Scaling\n"
        "DEPLOYMENTS = [Deployment(name='start', instance_type='ml.g6e.12xlarge', components=["
        "Component(model='Qwen/Qwen3-8B', engine='vllm-0.29.0', copies=2, scaling=Scaling(to_zero=True, max_copies=2), "
        "rollout=Rollout(batch_copies=1))])]\n"
    )
    monkeypatch.chdir(tmp_path)
    outcome = run("plan", "start")
    assert "the first request fails and starts a copy, which serves after " in outcome.said
    assert "an update of all copies is expected to end after " in outcome.said
