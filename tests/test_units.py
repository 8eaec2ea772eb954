"""Figures in words."""

from __future__ import annotations

import pytest

from replicas.units import rate_text


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (10_000.0, "10,000"),
        (12_914.4, "12,914"),
        (150.4, "150"),
        (27.46, "27.5"),
        (2.0, "2"),
        (0.333333, "0.333"),
        (0.001, "0.001"),
        (1e-7, "0.0000001"),
        (0.0, "0"),
    ],
)
def test_a_rate_has_no_exponent(rate: float, words: str) -> None:
    assert rate_text(rate) == words
