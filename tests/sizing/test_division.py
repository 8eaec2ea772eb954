"""What a tensor-parallel degree must divide, against the arithmetic of the kernels that refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from replicas.catalogue import data
from replicas.catalogue.models import find_model
from replicas.catalogue.quantization import METHODS, Quantization
from replicas.catalogue.reading import read_config
from replicas.engines import find_engine
from replicas.sizing.division import division_problems, possible_degrees

VLLM, TGI = find_engine("vllm"), find_engine("tgi")
BLOCKS = replace(METHODS["fp8"], block=(128, 128))
GROUPS = METHODS["compressed-tensors"]
LLAMA = data.load("models")["architectures"]["llama-3.1-8b"]["config"]
CHANNELS = replace(GROUPS, bits=8, group_size=-1)


def _degrees(model: str, quantization: Quantization | None = None, engine: Any = VLLM) -> list[int]:
    return possible_degrees(find_model(model).architecture, quantization, engine, 8)


@pytest.mark.parametrize(
    ("model", "quantization", "degrees"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", None, [1, 2, 4]),  # 28 heads
        ("Qwen/Qwen2.5-72B-Instruct", None, [1, 2, 4, 8]),
        # vllm issues 17569, 25292: 768/4=192 is not a multiple of the block of 128.
        ("Qwen/Qwen3-30B-A3B", BLOCKS, [1, 2, 3, 6]),
        # llm-compressor issue 57: 29568/4=7392 is not a multiple of 128; 29568/2=14784 neither.
        ("Qwen/Qwen2.5-72B-Instruct", GROUPS, [1]),
        ("Qwen/Qwen2.5-72B-Instruct", CHANNELS, [1]),
        # The padded repositories (29696) exist for this reason: model card of Qwen2.5-72B-Instruct-AWQ.
        ("Qwen/Qwen2.5-72B-Instruct-AWQ", METHODS["awq"], [1, 2, 4, 8]),
        ("meta-llama/Llama-3.1-8B-Instruct", BLOCKS, [1, 2, 4, 8]),
        ("meta-llama/Llama-3.1-8B-Instruct", METHODS["nvfp4"], [1, 2, 4, 8]),
        ("openai/gpt-oss-120b", METHODS["mxfp4"], [1, 2, 4, 8]),
        # 8 KV heads of 64: at degree 8 each card has 64 columns of a block of 128.
        ("meta-llama/Llama-3.2-1B-Instruct", BLOCKS, [1, 2, 4]),
    ],
)
def test_the_degrees_of_a_model_are_those_that_its_kernels_divide(
    model: str, quantization: Quantization | None, degrees: list[int]
) -> None:
    powers = [degree for degree in degrees if degree & (degree - 1) == 0]
    assert [degree for degree in _degrees(model, quantization) if degree & (degree - 1) == 0] == powers


def test_the_vocabulary_is_padded_to_64_before_it_is_split() -> None:
    """32064 tokens are 501 times 64: not divisible by 5 (vocab_parallel_embedding.py divides evenly)."""
    medium = find_model("microsoft/Phi-3-medium-4k-instruct").architecture
    assert division_problems(medium, None, VLLM, 5) == (
        "vocabulary 32064 (padded to a multiple of 64: 32064) is not divisible by 5",
    )
    assert division_problems(medium, None, TGI, 5) == ()  # TGI gives the last card fewer rows


@pytest.mark.parametrize(
    ("model", "quantization", "degree", "reason"),
    [
        (
            "Qwen/Qwen3-30B-A3B",
            BLOCKS,
            4,
            "width 768/4=192 is not a multiple of the quantization block of 128",
        ),
        ("Qwen/Qwen2.5-72B-Instruct", CHANNELS, 4, "29568/4=7392 is not a multiple of 128 (Marlin: min_thread_k)"),
        ("Qwen/Qwen2.5-72B-Instruct", GROUPS, 4, "29568/4=7392 is not a multiple of the quantization group of 128"),
        (
            "Qwen/Qwen2.5-0.5B-Instruct",
            METHODS["awq"],
            2,
            "width of the attention heads 896/2=448 is not a multiple of",
        ),
        ("Qwen/Qwen2.5-7B-Instruct", None, 8, "28 attention heads are not divisible by 8"),
        ("microsoft/phi-4", None, 4, "10 KV heads are neither a divisor nor a multiple of 4"),
    ],
)
def test_the_reason_has_the_arithmetic(model: str, quantization: Quantization | None, degree: int, reason: str) -> None:
    assert reason in "; ".join(division_problems(find_model(model).architecture, quantization, VLLM, degree))


def test_a_layer_that_no_kernel_takes_whole_is_refused_at_every_degree() -> None:
    odd = read_config({**LLAMA, "intermediate_size": 14_400})
    assert possible_degrees(odd, GROUPS, VLLM, 8) == []
