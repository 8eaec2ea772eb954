"""Plans of models whose sizes are declared by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from replicas import Component, Deployment, SizingError, plan
from replicas.forecast import ForecastError, Load, forecast
from replicas.planning.plans import EndpointPlan

CONFIGS = Path(__file__).parents[1] / "cases" / "configs"
ERNIE, WHISPER = CONFIGS / "ernie21b.json", CONFIGS / "whisper.json"


def _plan(**options: Any) -> EndpointPlan:
    component = Component(**{"model": "some/new-model", "weights_gib": 60, "kv_bytes_per_token": 100_000, **options})
    return plan(Deployment(name="mine", instance_type="ml.g6e.12xlarge", components=[component]))


def test_an_unknown_model_is_planned_by_its_declared_sizes_and_marked_everywhere() -> None:
    planned = _plan()
    (component,) = planned.components
    assert component.weights_gib_per_accelerator == 30
    assert component.to_document()["declared"] == ["weights_gib", "kv_bytes_per_token"]
    assert "declared by hand" in component.reasons["weights_gib_per_accelerator"]
    assert "100,000 B a token, declared by hand" in component.reasons["kv_cache_tokens"]
    assert any("weights_gib=60 and kv_bytes_per_token=100000 declared by hand" in said for said in planned.warnings)


def test_a_declared_model_that_does_not_fit_says_that_its_weights_are_declared() -> None:
    with pytest.raises(SizingError, match=r"200.0 of weights declared by hand|50.0 of weights declared by hand"):
        _plan(weights_gib=200)


def test_a_config_that_cannot_be_sized_is_planned_by_declared_sizes() -> None:
    """vLLM's recipe of ERNIE 4.5 21B: 40.7 GiB in bfloat16 on one card of 80 GB."""
    planned = _plan(model="baidu/LFM2-4.5-21B-A3B-PT", config=ERNIE, weights_gib=40.7, kv_bytes_per_token=57_344)
    assert planned.components[0].memory.weights * planned.components[0].accelerators / 2**30 == pytest.approx(40.7)


def test_a_model_of_the_table_may_have_one_declared_size() -> None:
    planned = _plan(model="NousResearch/Meta-Llama-3.1-8B", weights_gib=20, kv_bytes_per_token=None, tensor_parallel=1)
    assert planned.components[0].to_document()["declared"] == ["weights_gib"]
    assert planned.components[0].memory.pool.block_bytes == 131_072 * 16


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"kv_bytes_per_token": None}, "not in the table.*to declare its sizes, set kv_bytes_per_token= too"),
        ({"weights_gib": None}, "not in the table.*to declare its sizes, set weights_gib= too"),
        ({"weights_gib": None, "kv_bytes_per_token": None}, "not in the table.*weights_gib= and kv_bytes_per_token="),
        ({"config": WHISPER, "weights_gib": None}, "num_mel_bins.*set weights_gib= too"),
        (
            {"model": "NousResearch/Meta-Llama-3.1-8B", "weights_gib": 10, "kv_bytes_per_token": None},
            "weights_gib=10: NousResearch/Meta-Llama-3.1-8B takes 14.96 GiB: remove weights_gib or raise it",
        ),
        (
            {"model": "NousResearch/Meta-Llama-3.1-8B", "weights_gib": None, "kv_bytes_per_token": 1024},
            "kv_bytes_per_token=1024: NousResearch/Meta-Llama-3.1-8B takes 131,072 bytes",
        ),
        ({"weights_gib": -1}, r"components.0.weights_gib=-1: give more than 0"),
        ({"weights_gib": 0}, r"components.0.weights_gib=0: give more than 0"),
        ({"weights_gib": float("nan")}, "components.0.weights_gib=nan: it is not finite: give a finite number"),
        ({"weights_gib": float("inf")}, "components.0.weights_gib=inf: it is not finite: give a finite number"),
        ({"weights_gib": 1e9}, "components.0.weights_gib=1000000000.0: give at most 10,000"),
        ({"weights_gib": "60"}, "components.0.weights_gib='60': it is not a number of this size: give a number"),
        ({"kv_bytes_per_token": 0}, "components.0.kv_bytes_per_token=0: give 1 or more"),
        (
            {"kv_bytes_per_token": 1.5},
            "components.0.kv_bytes_per_token=1.5: it is not a whole number: give one such as 2",
        ),
    ],
)
def test_a_bad_declaration_is_one_sentence(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(SizingError, match=reason) as refused:
        _plan(**options)
    assert len(refused.value.problems) == 1


def test_no_forecast_is_made_of_a_model_whose_layers_are_not_known() -> None:
    planned = _plan()
    with pytest.raises(ForecastError, match="the sizes of some/new-model are declared by hand"):
        forecast(planned, planned.components[0], [Load(users=1, input_tokens=10, output_tokens=10)])
