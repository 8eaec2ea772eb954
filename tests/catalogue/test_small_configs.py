"""Families that no shipped configuration has, by configs of a few layers that the engine's own code built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replicas.catalogue.reading import read_config

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
