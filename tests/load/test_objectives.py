"""Objectives: `ttft_p90=0.5,latency_p90=15`, and what a run misses of them."""

from __future__ import annotations

import pytest

from replicas.errors import UsageError
from replicas.load.objectives import Bound, Bounds


def test_bounds_are_read_and_written_alike() -> None:
    bounds = Bounds.parse("ttft_p90=0.5, latency_p99=15", option="--hold")
    assert bounds.bounds == (Bound("ttft", "p90", 0.5), Bound("latency", "p99", 15.0))
    assert str(bounds) == "ttft_p90=0.5,latency_p99=15"


def test_all_faults_of_an_objective_come_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        Bounds.parse("ttft_p90=0,speed_p90=1,latency_p95=1,tpot_p50=fast,ttft_p50=1,ttft_p50=2,", option="--hold")
    message = str(caught.value)
    assert message.startswith("--hold 'ttft_p90=0,")
    assert "'ttft_p90=0': the seconds must be a number above 0" in message
    assert "'speed_p90=1' is not one of latency, ttft, tpot with _p50, _p90 or _p99" in message
    assert "'latency_p95=1' is not one of" in message
    assert "'tpot_p50=fast': the seconds" in message
    assert "'ttft_p50=2' is given twice" in message
    assert "'' is not one of" in message


def test_what_is_missed_is_said_with_both_numbers() -> None:
    bounds = Bounds.parse("ttft_p90=0.5,latency_p90=15,tpot_p50=0.05", option="--hold")
    values = {"ttft_p90": 0.71, "latency_p90": 14.0, "tpot_p50": None}
    assert list(bounds.misses(values, 3)) == [
        "3 requests were not answered",
        "ttft p90 0.71 s, wanted 0.5 s",
        "tpot p50: nothing was measured",
    ]
