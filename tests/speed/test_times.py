"""Step times against figures from outside."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas import Component, Deployment, plan
from replicas.catalogue.instances import Instance, instance_types
from replicas.deployment.file import find_deployment
from replicas.engines import engine_names, find_engine, image_versions
from replicas.forecast.copies import CopyEngine, copy_engine
from replicas.speed.accelerators import accelerator_of
from replicas.speed.kernels import chosen_experts
from replicas.speed.times import Chunk, Parts, StepTimes
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
    assert llama_13b.times.prefill([929]) == pytest.approx(0.115, rel=0.08)


def test_a_decoding_step_reads_the_weights_and_the_cache(llama_13b: CopyEngine) -> None:
    """25.7 GB (all but the embeddings) at 1555 GB/s take 16.5 ms, and 20 MB an attention kernel far less than its
    start: kernels reach 60 to 80 % of the bandwidth (A100's measured products of 25 to 70 million weights).
    """
    alone = Parts(*llama_13b.times.parts((), 1, 1))
    assert 0.0165 / 0.80 < alone.weights < 0.0165 / 0.60
    many, more = llama_13b.times.decode(32, 32 * 1000), llama_13b.times.decode(32, 32 * 2000)
    assert more - many == pytest.approx(32_000 * 819_200 / 1555e9 / 0.8, rel=0.15)


chunks = st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 4000)), max_size=4)


@given(chunks, st.integers(0, 64), st.integers(0, 60_000), st.integers(1, 500))
def test_more_work_never_takes_less_time(parts: list[Chunk], sequences: int, context: int, more: int) -> None:
    for times in (engine_of("qwen3-30b-a3b").times, engine_of("llama-2-70b").times):
        seconds = times.step(parts, sequences, context)
        assert seconds <= times.step([*parts, (more, 0)], sequences, context)
        longest = context / max(1, sequences)  # one long context is read by fewer blocks than two short ones
        assert seconds <= times.step(parts, sequences + 1, context + more + longest)


def test_splitting_a_model_pays_for_long_prompts_and_costs_an_exchange() -> None:
    alone, split = (_llama_8b(degree) for degree in (1, 4))
    assert alone.exchange is None
    assert split.exchange is not None
    assert split.prefill([4000]) < alone.prefill([4000]) < 4 * split.prefill([4000])


def test_an_exchange_over_pcie_takes_longer_and_grows_with_its_message() -> None:
    """Two all-reduces a layer. 4 MiB over four cards: 118 us by NVLink of A100, 2.5 ms by PCIe of L40S (NCCL,
    aiconfigurator-core 0.12.0).
    """
    for instance, microseconds in (("ml.p4d.24xlarge", 111), ("ml.g6e.12xlarge", 2459)):
        exchange = _llama_8b(4, instance).exchange
        assert exchange is not None
        assert exchange(512) == pytest.approx(64 * microseconds * 1e-6, rel=0.1)  # 512 tokens of 4,096 elements
        assert exchange(1) < exchange(512) / 8


def _llama_8b(degree: int, instance: str = "ml.p4d.24xlarge") -> StepTimes:
    component = Component(model="llama-3.1-8b", tensor_parallel=degree, copies=1)
    planned = plan(Deployment(name="x", instance_type=instance, components=[component]), to_deploy=False)
    return copy_engine(planned.components[0], planned.instance).times


def test_a_mixture_of_experts_reads_only_the_experts_that_its_tokens_choose() -> None:
    """Qwen3 30B-A3B: 3.3 of 30.5 billion parameters are active for a token (its model card)."""
    planned = plan(find_deployment("qwen3-30b-a3b", ROOT / "deployments.py"))
    shape = planned.components[0].model.architecture
    ((block, layers),) = shape.mixtures
    everything = layers * block.experts * block.expert_parameters
    one = layers * chosen_experts(1, block.experts_per_token, block.experts) * block.expert_parameters
    rest = shape.linear_parameters - everything
    rest += 2 * shape.hidden_size * shape.vocab_size  # embeddings and the output head
    assert (one + rest) / shape.parameters == pytest.approx(3.3 / 30.5, rel=0.15)
    assert chosen_experts(4000, block.experts_per_token, block.experts) == pytest.approx(block.experts)


def test_fp8_is_not_faster_than_half_precision_where_the_card_cannot_multiply_it() -> None:
    """Ampere unpacks fp8 (Marlin): prompts take no less than at two bytes. Hopper multiplies it at twice the rate."""
    for instance, is_faster in (("ml.p4de.24xlarge", False), ("ml.p5.48xlarge", True)):
        half, fp8 = (_qwen_14b(model, instance).prefill([8000]) for model in ("Qwen/Qwen3-14B", "Qwen/Qwen3-14B-FP8"))
        assert (fp8 < half) is is_faster, instance
        half, fp8 = (_qwen_14b(model, instance).decode(1, 100) for model in ("Qwen/Qwen3-14B", "Qwen/Qwen3-14B-FP8"))
        assert fp8 < 0.75 * half


@cache
def _qwen_14b(model: str, instance: str) -> StepTimes:
    component = Component(model=model, tensor_parallel=1, copies=1, max_total_tokens=16384)
    planned = plan(Deployment(name="x", instance_type=instance, components=[component]), to_deploy=False)
    return copy_engine(planned.components[0], planned.instance).times


def test_paged_attention_of_old_engines_cannot_draw_the_bandwidth_at_small_batches() -> None:
    """One block a head and sequence: 40 heads on 108 multiprocessors."""
    times = engine_of("llama-2-13b").times
    one, sixteen = (Parts(*times.parts((), sequences, sequences * 2000)).cache / sequences for sequences in (1, 16))
    assert one > 1.2 * sixteen


def test_an_asynchronous_engine_hides_its_host_behind_the_accelerators() -> None:
    times = replace(engine_of("llama-2-13b").times, step_host=0.002, sequence_host=0.0, least=0.0)
    shown, hidden = (Parts(*each.parts((), 8, 8000)) for each in (times, replace(times, hides_host=True)))
    assert (shown.host, hidden.host) == (0.002, 0.0)
    slow = replace(times, hides_host=True, step_host=1.0)
    assert slow.decode(8, 8000) == pytest.approx(1.0)


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
