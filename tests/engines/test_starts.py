"""Phases that the log of a container states, as published logs print them."""

from __future__ import annotations

import pytest

from replicas.engines import engine_kinds

INIT = "init engine (profile, create kv cache, warmup model) took"
# llm-d-incubation/llm-d-planner, start-up of CodeLlama 7B with vLLM 0.19.0
LOG_0_19 = [
    "INFO 04-22 15:12:51 [weight_utils.py:581] Time spent downloading weights for codellama/CodeLlama-7b-hf: 25.845622 "
    "seconds",
    "INFO 04-22 15:13:02 [default_loader.py:384] Loading weights took 11.11 seconds",
    "INFO 04-22 15:13:24 [gpu_model_runner.py:6046] Graph capturing finished in 4 secs, took 0.89 GiB",
    f"INFO 04-22 15:13:24 [core.py:283] {INIT} 21.38 seconds",
]
# A log of June 2026: newer versions print `s`.
LOG_0_22 = [
    "INFO 06-04 00:38:39 [gpu_model_runner.py:6133] Graph capturing finished in 4 secs, took 0.12 GiB",
    f"INFO 06-04 00:38:39 [core.py:299] {INIT} 200.37 s (compilation: 54.60 s)",
]


@pytest.mark.parametrize("kind", ["vllm", "lmi"])
def test_phases_of_a_log(kind: str) -> None:
    assert engine_kinds()[kind].phases_in_log(LOG_0_19) == {
        "download": 25.845622,
        "load": 11.11,
        "capture": 4.0,
        "compile": pytest.approx(17.38),
    }
    assert engine_kinds()[kind].phases_in_log(LOG_0_22)["compile"] == pytest.approx(196.37)


def test_the_slowest_process_of_a_copy_counts() -> None:
    lines = ["Loading weights took 3.5 seconds", "Loading weights took 7.25 seconds", "Loading weights took 5 seconds"]
    assert engine_kinds()["vllm"].phases_in_log(lines) == {"load": 7.25}


def test_a_log_without_such_lines_states_nothing() -> None:
    for kind in engine_kinds().values():
        assert kind.phases_in_log(["starting", "Loading weights took long", ""]) == {}
