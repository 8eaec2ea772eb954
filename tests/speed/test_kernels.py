"""The distilled kernels against the rows of NVIDIA's tables that they come from."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from replicas.catalogue.instances import find_instance
from replicas.speed.accelerators import Accelerator, accelerator_of
from replicas.speed.kernels import Curve, Format, Kernels, spread

_INSTANCES = {"a100_sxm": "ml.p4de.24xlarge", "h100_sxm": "ml.p5.48xlarge", "l40s": "ml.g6e.xlarge"}
needs_tables = pytest.mark.skipif(
    find_spec("aiconfigurator_core") is None, reason="aiconfigurator-core has no wheel for this platform"
)


def kernels_of(system: str) -> Kernels:
    card: Accelerator = accelerator_of(find_instance(_INSTANCES[system]))
    return card.kernels(1 / card.lasting_compute, 1.0)


@cache
def table(system: str, kind: str, name: str) -> Any:
    pandas = pytest.importorskip("pandas")
    folder = Path(str(files("aiconfigurator_core"))) / "systems" / "data" / system / kind
    return pandas.read_parquet(max(folder.glob(f"vllm/*/{name}.parquet")))


@needs_tables
@pytest.mark.parametrize("system", _INSTANCES)
@pytest.mark.parametrize("tokens", [1, 16, 128, 512, 2048, 8192])
def test_a_product_takes_what_was_measured(system: str, tokens: int) -> None:
    """Products of more than four million weights: half of them within 12 %, and without a bias."""
    rows = table(system, "gemm", "gemm_perf")
    rows = rows[(rows.gemm_dtype == "bfloat16") & (rows.m == tokens) & (rows.n * rows.k > 2**22)]
    kernels = kernels_of(system)
    ratios = [kernels.product(row.m, row.n * row.k, 2, "half", 1.0) / (row.latency * 1e-3) for row in rows.itertuples()]
    assert median(ratios) == pytest.approx(1, abs=0.08)
    assert median(abs(ratio - 1) for ratio in ratios) <= 0.12


@needs_tables
@pytest.mark.parametrize("fmt", ["fp8", "fp8_block"])
def test_a_product_of_fp8_takes_what_was_measured(fmt: Format) -> None:
    rows = table("h100_sxm", "gemm", "gemm_perf")
    rows = rows[(rows.gemm_dtype == fmt) & rows.m.between(1600, 2600) & (rows.n * rows.k > 2**24)]
    kernels = kernels_of("h100_sxm")
    ratios = [kernels.product(row.m, row.n * row.k, 1, fmt, 1.0) / (row.latency * 1e-3) for row in rows.itertuples()]
    assert median(ratios) == pytest.approx(1, abs=0.1)


@needs_tables
@pytest.mark.parametrize("system", _INSTANCES)
def test_attention_of_decoding_takes_what_was_measured(system: str) -> None:
    rows = table(system, "attention", "generation_attention_perf")
    rows = rows[(rows.head_dim == 128) & (rows.kv_cache_dtype == "bfloat16") & (rows.num_key_value_heads == 8)]
    rows = rows[rows.window_size == 0] if "window_size" in rows else rows
    kernels = kernels_of(system)
    ratios = [
        kernels.context(row.batch_size * 8, row.step + 1) / (row.latency * 1e-3)
        for row in rows[rows.step >= 127].itertuples()
    ]
    assert median(ratios) == pytest.approx(1, abs=0.1)
    assert median(abs(ratio - 1) for ratio in ratios) <= 0.15


@needs_tables
def test_a_mixture_of_experts_takes_what_was_measured() -> None:
    """Qwen3 30B-A3B's experts on an A100."""
    rows = table("a100_sxm", "moe", "moe_perf")
    rows = rows[(rows.hidden_size == 2048) & (rows.inter_size == 768) & (rows.num_experts == 128)]
    rows = rows[(rows.moe_tp_size == 1) & (rows.moe_ep_size == 1) & (rows.distribution == "power_law_1.2")]
    kernels = kernels_of("a100_sxm")
    ratios = [
        kernels.experts(row.num_tokens, 8, 128, 3 * 2048 * 768, 2, "half") / (row.latency * 1e-3)
        for row in rows.itertuples()
    ]
    assert len(ratios) > 20
    assert median(ratios) == pytest.approx(1, abs=0.15)


def test_an_exchange_is_a_curve_over_the_size_of_its_message() -> None:
    """NCCL's all-reduce of 1 MiB over eight H100 takes 38 us, vLLM's own 19 (aiconfigurator-core 0.12.0)."""
    kernels = kernels_of("h100_sxm")
    assert kernels.exchange(2**20, 8) == pytest.approx(19.4e-6, rel=0.02)
    assert kernels.exchange(2**28, 8) == pytest.approx(2.11e-3, rel=0.02)
    assert kernels.exchange(128, 8) < 6e-6


def test_a_card_without_tables_takes_the_shares_of_another_one_and_says_so() -> None:
    scaled, measured = (accelerator_of(find_instance(name)) for name in ("ml.g5.xlarge", "ml.g6e.xlarge"))
    assert not scaled.is_measured
    assert measured.is_measured
    assert not accelerator_of(find_instance("ml.p4d.24xlarge")).is_measured, "the tables are of the card with 80 GB"
    slow, fast = (card.kernels(1.0, 1.0).product(1, 2**26, 2, "half", 1.0) for card in (scaled, measured))
    assert slow > fast


def test_a_curve_is_linear_between_its_sizes_and_goes_on_beyond() -> None:
    curve = Curve((1.0, 3.0, 5.0), (10.0, 30.0, 70.0))
    assert [curve(size) for size in (0.0, 1.0, 2.0, 4.0, 5.0, 6.0)] == [0.0, 10.0, 20.0, 50.0, 70.0, 90.0]
    assert spread(1, 8, 1) == (1.0, 2.0, 4.0, 8.0)
