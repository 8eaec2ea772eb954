"""Families that no shipped configuration has, by configs of a few layers that the engine's own code built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replicas.catalogue.reading import read_config
from scripts.oracle import configs

MODELS = json.loads((Path(__file__).parents[1] / "data" / "engine" / "small.json").read_bytes())["models"]


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_those_that_the_engine_builds(name: str) -> None:
    assert read_config(MODELS[name]["config"]).parameters == MODELS[name]["parameters"]


GEMMA4 = MODELS["gemma4e"]["config"]


@pytest.mark.parametrize("field", ["layer_types", "global_head_dim"])
def test_gemma_4_is_not_sized_without_the_fields_that_tell_its_layers_apart(field: str) -> None:
    config = {name: value for name, value in GEMMA4.items() if name != field}
    with pytest.raises(ValueError, match=f"lacks the field '{field}', which sizing needs: download"):
        read_config(config)


def test_gemma_4_has_the_embeddings_of_each_layer_that_the_library_gives_it() -> None:
    """`Gemma4TextConfig().hidden_size_per_layer_input` is 256 (transformers 5.8)."""
    without = {name: value for name, value in GEMMA4.items() if name != "hidden_size_per_layer_input"}
    assert read_config(without) == read_config({**GEMMA4, "hidden_size_per_layer_input": 256})


def test_the_adapters_of_phi_4_multimodal_are_said_not_to_be_counted() -> None:
    """vllm/model_executor/models/phi4mm.py, 0.32.0: the class builds no LoRA weights, users name them as adapters."""
    read = read_config(configs.families()["phi-4-multimodal"])
    assert ["vision_lora" in doubt or "speech_lora" in doubt for doubt in read.doubts] == [True, True]


@pytest.mark.parametrize("kind", ["afmoe", "jamba", "olmoe", "glm4_moe_lite"])
def test_a_tied_head_counts_where_the_engine_builds_it_all_the_same(kind: str) -> None:
    """vLLM 0.32.0 builds `lm_head` in these classes whatever `tie_word_embeddings` says."""
    config = next(config for config in configs.families().values() if config["model_type"] == kind)
    tied, own = (read_config({**config, "tie_word_embeddings": value}).parameters for value in (True, False))
    assert tied == own


@pytest.mark.parametrize(("field", "value"), [("num_shared_expert", 2), ("moe_intermediate_size", [1024] * 32)])
def test_fields_of_hunyuan_that_the_library_ignores_have_one_value(field: str, value: object) -> None:
    """`HunYuanMoEV1Moe` of transformers 5.19 builds one shared block, and experts of `intermediate_size`."""
    config = configs.families()["hunyuan-a13b"]
    with pytest.raises(ValueError, match=f"{field} is not"):
        read_config({**config, field: value})
