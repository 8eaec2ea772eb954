"""Names that a message suggests: of the same family and generation, of the nearest size."""

from __future__ import annotations

import pytest

from replicas.catalogue.models import find_model
from replicas.catalogue.near_names import near_models

TABLE = (
    *("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-8B", "Qwen/Qwen3-32B", "Qwen/Qwen3-30B-A3B", "Qwen/Qwen3-VL-30B-A3B"),
    *("meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-13b-hf", "meta-llama/Llama-3.1-8B", "openai/gpt-oss-20b"),
    *("openai/gpt-oss-120b", "mistralai/Mistral-7B-v0.3", "mistralai/Mixtral-8x7B-v0.1", "google/gemma-2-9b-it"),
)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        # One family and generation; the size decides.
        ("Qwen3-14B", ["Qwen/Qwen3-8B", "Qwen/Qwen3-30B-A3B", "Qwen/Qwen3-32B"]),
        ("llama-2-70b", ["meta-llama/Llama-2-13b-hf", "meta-llama/Llama-2-7b-hf"]),
        ("Llama-3.1-70B-Instruct", ["meta-llama/Llama-3.1-8B"]),
        ("Meta-Llama-3.1-8B-Instruct", ["meta-llama/Llama-3.1-8B"]),
        ("gpt-oss-100b", ["openai/gpt-oss-120b", "openai/gpt-oss-20b"]),
        ("Mixtral-8x22B-v0.1", ["mistralai/Mixtral-8x7B-v0.1"]),
        ("qwen2.5-72b", ["Qwen/Qwen2.5-7B-Instruct"]),
        # A model that reads images is nearest to another that does.
        ("Qwen3-VL-8B", ["Qwen/Qwen3-VL-30B-A3B"]),
        # A family with a typing error, a size without its unit.
        ("lama-2-13b", ["meta-llama/Llama-2-13b-hf", "meta-llama/Llama-2-7b-hf"]),
        ("gpt-oss-20", ["openai/gpt-oss-20b", "openai/gpt-oss-120b"]),
        ("Mistal-7B", ["mistralai/Mistral-7B-v0.3"]),
        # Another generation is another model.
        ("Qwen3.5-27B", []),
        ("gemma-3-27b-it", []),
        ("Llama-4-Scout-17B-16E", []),
        ("deepseek-v3", []),
        ("", []),
    ],
)
def test_near_names_share_the_family_and_the_generation(name: str, near: list[str]) -> None:
    assert near_models(name, TABLE) == near


def test_a_vision_language_model_is_near_to_others_of_its_generation_alone() -> None:
    assert find_model("Qwen3-VL-8B").id == "Qwen/Qwen3-VL-8B-Instruct"
    with pytest.raises(LookupError) as fault:
        find_model("Qwen3-VL-7B")
    near = str(fault.value).partition("near: ")[2].partition(". `replicas")[0].split(", ")
    assert near[0].lower() in ("qwen3-vl-8b", "qwen/qwen3-vl-8b-instruct")
    assert all("qwen3-vl" in name.lower() for name in near)
