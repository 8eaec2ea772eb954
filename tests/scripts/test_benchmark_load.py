"""The load that `make benchmark` measures runs against its stub."""

from __future__ import annotations

import pytest

from scripts.benchmark_load import cost


@pytest.mark.slow  # three times the latency of the stub
def test_each_user_gets_an_answer_after_the_latency_of_the_stub() -> None:
    measured = cost(users=2, latency_seconds=2, stream=True)

    assert 4 <= measured.requests <= 6  # each of the two users sends two requests or three
    assert measured.added_percent > -1
