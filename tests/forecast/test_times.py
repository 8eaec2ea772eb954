"""Step times against figures from outside."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas import Component, Deployment, plan
from replicas.catalogue.instances import Instance, instance_types
from replicas.deployment.file import find_deployment
from replicas.engines import engine_names, find_engine, image_versions
from replicas.forecast.accelerators import accelerator_of
from replicas.forecast.copies import CopyEngine, copy_engine
from replicas.forecast.times import Chunk, StepTimes
from tests.conftest import ROOT


@cache
def engine_of(name: str) -> CopyEngine:
    planned = plan(find_deployment(name, ROOT / "deployments.py"))
    return copy_engine(planned.components[0], planned.instance)


@pytest.fixture(scope="module")
def llama_13b() -> CopyEngine:
    return engine_of("llama-2-13b")


def test_a_prefill_of_the_articles_prompt_takes_as_long_as_was_measured(llama_13b: CopyEngine) -> None:
    """About 115 ms for 929 tokens of Llama 2 13B on an A100, at 68 to 77 % of 312 TFLOPS."""
    assert llama_13b.times.prefill([929]) == pytest.approx(0.115, rel=0.05)


def test_a_decoding_step_reads_the_weights_and_the_cache(llama_13b: CopyEngine) -> None:
    """25.7 GB (all but the embeddings) at 1555 GB/s and 76 %: 21.7 ms; 819,200 bytes a token at 70 %: 0.75 ms."""
    one, other = llama_13b.times.decode(1, 0), llama_13b.times.decode(1, 1000)
    assert one == pytest.approx(0.0217 + 0.00056, rel=0.01)
    assert other - one == pytest.approx(0.000753, rel=0.01)


chunks = st.lists(st.builds(Chunk, st.integers(1, 4000), st.integers(0, 4000)), max_size=4)


@given(chunks, st.integers(0, 64), st.integers(0, 60_000), st.integers(1, 500))
def test_more_work_never_takes_less_time(parts: list[Chunk], sequences: int, context: int, more: int) -> None:
    for times in (engine_of("qwen3-30b-a3b").times, engine_of("llama-2-70b").times):
        seconds = times.step(parts, sequences, context)
        assert seconds <= times.step([*parts, Chunk(more)], sequences, context)
        assert seconds <= times.step(parts, sequences + 1, context + more)


def test_splitting_a_model_pays_for_long_prompts_and_costs_an_exchange() -> None:
    alone, split = (_llama_8b(degree) for degree in (1, 4))
    assert alone.exchange_latency == 0 < split.exchange_latency
    assert split.prefill([4000]) < alone.prefill([4000]) < 4 * split.prefill([4000])


def _llama_8b(degree: int) -> StepTimes:
    component = Component(model="llama-3.1-8b", tensor_parallel=degree, copies=1)
    planned = plan(Deployment(name="x", instance_type="ml.p4d.24xlarge", components=[component]), to_deploy=False)
    return copy_engine(planned.components[0], planned.instance).times


def test_a_mixture_of_experts_reads_only_the_experts_that_its_tokens_choose() -> None:
    """Qwen3 30B-A3B: 3.3 of 30.5 billion parameters are active for a token (its model card)."""
    times = engine_of("qwen3-30b-a3b").times
    everything = times.attention_weights_read + times.experts * times.expert_read
    assert times._weights_read(1) / everything == pytest.approx(3.3 / 30.5, rel=0.1)
    assert times._weights_read(4000) == pytest.approx(everything)


@pytest.mark.parametrize("instance", instance_types().values(), ids=str)
def test_of_every_accelerator_in_the_table_a_speed_is_known(instance: Instance) -> None:
    speed = accelerator_of(instance)
    assert speed.tflops > 0 < speed.gb_per_second


def test_every_version_of_every_engine_has_a_profile() -> None:
    for name in engine_names():
        for version in image_versions(name):
            with suppress(LookupError):  # an image of which nothing is known is neither planned nor forecast
                engine = find_engine(f"{name}-{version}")
                assert engine.profile.profile
