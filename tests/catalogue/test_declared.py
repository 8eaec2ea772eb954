"""Sizes that are declared by hand."""

from __future__ import annotations

import pytest

from replicas.catalogue.declared import with_declared_sizes
from replicas.catalogue.models import find_model, model_ids
from replicas.units import GIB


def test_a_declared_model_has_the_declared_sizes_and_says_what_is_not_judged() -> None:
    model = with_declared_sizes(None, "some/new", 60.5, 73_728)
    assert model.weights_bytes == 60.5 * GIB
    assert [model.kv_bytes_per_token(degree) for degree in (1, 8)] == [73_728, 73_728]  # how it splits is not known
    assert model.declared.fields == ("weights_gib", "kv_bytes_per_token")
    assert "weights_gib=60.5 and kv_bytes_per_token=73728 declared by hand" in model.warnings[0]
    assert "not judged" in model.warnings[0]


def test_a_model_of_the_table_keeps_its_split_and_its_other_sizes() -> None:
    llama = find_model("meta-llama/Llama-3.1-8B")
    model = with_declared_sizes(llama, llama.id, None, 100_000)
    assert model.weights_bytes == llama.weights_bytes
    assert [model.kv_bytes_per_token(degree) for degree in (1, 4, 8)] == [100_000, 25_000, 12_500]


@pytest.mark.parametrize("degree", [1, 2, 8])
def test_the_activations_of_an_unknown_model_are_no_smaller_than_any_of_the_table(degree: int) -> None:
    unknown = with_declared_sizes(None, "some/new", 1, 1).architecture
    for name in model_ids():
        known = find_model(name).architecture
        assert unknown.activation_bytes_per_token(degree) >= known.activation_bytes_per_token(degree)
        assert unknown.vocab_size >= known.vocab_size
