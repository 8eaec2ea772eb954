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
