"""Condense NVIDIA's kernel measurements (aiconfigurator-core, Apache-2.0) into `replicas/speed/kernels.json`.

The package contains the latency of single kernels on several accelerators: matrix products, attention during prefill
and decoding, mixture of experts, and all-reduce. Each table becomes a small grid of medians. Values for products,
prefill and experts are stored as a share of the data sheet's compute and bandwidth limit, so that they can be applied
to accelerators without tables. Values for decoding and all-reduce are stored in microseconds.
`replicas/speed/kernels.py` reads the file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from itertools import pairwise
from math import sqrt
from pathlib import Path
from typing import Any

from replicas.speed.kernels import (
    CONTEXT_STREAMS,
    CONTEXT_TOKENS,
    EXPERT_ROWS,
    EXPERT_WEIGHTS,
    MESSAGE_BYTES,
    PRODUCT_TOKENS,
    PRODUCT_WEIGHTS,
    PROMPT_HEADS,
    PROMPT_TOKENS,
    chosen_experts,
)

PACKAGE = "aiconfigurator-core"
SYSTEMS = {
    "A100": "a100_sxm",
    "H100": "h100_sxm",
    "H200": "h200_sxm",
    "B200": "b200_sxm",
    "B300": "b300_sxm",
    "L40S": "l40s",
    "RTX PRO Server 6000": "rtx_pro_6000_server",
}
"""Accelerators of `accelerators.json` for which the package has tables."""
_PRODUCTS = {"half": "bfloat16", "fp8": "fp8", "fp8_block": "fp8_block"}
_EXPERTS = {"half": "bfloat16", "fp8": "fp8", "fp8_block": "fp8_block", "four_bits": "w4a16_mxfp4"}
_STORED = {"half": 2.0, "fp8": 1.0, "fp8_block": 1.0, "four_bits": 0.53125}
_ROUTED = "power_law_1.2"
"""Token distribution over experts in the tables: uneven, as in real routers."""
_FEWEST_BLOCK_TOKENS = 768
_LARGEST_CUSTOM_BYTES = 8 * 2**20
"""Maximum message size of vLLM's CustomAllreduce in bytes. Engines send larger messages through NCCL."""

Grid = list[list[float]]


def kernels(today: str) -> dict[str, Any]:
    """Return the content of `kernels.json`."""
    return {
        "retrieved": today,
        "source": (
            f"{PACKAGE} {version(PACKAGE)} (NVIDIA, Apache-2.0): kernels as vLLM runs them, and NCCL's all-reduces, "
            "measured on one node; medians of its rows on the grids of replicas/speed/kernels.py"
        ),
        "cards": {card: _card(card, system) for card, system in SYSTEMS.items()},
    }


def text_of_kernels(content: dict[str, Any]) -> str:
    """Return the text of the file, with one row of a grid on each line."""
    return _lines(content, 0) + "\n"


def _lines(value: Any, depth: int) -> str:
    pad = " " * (depth + 1)
    if isinstance(value, dict):
        inner = ",\n".join(f"{pad}{json.dumps(key)}: {_lines(entry, depth + 1)}" for key, entry in value.items())
        return "{\n" + inner + "\n" + pad[:-1] + "}"
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "[\n" + ",\n".join(pad + json.dumps(row) for row in value) + "\n" + pad[:-1] + "]"
    return json.dumps(value)


def _card(card: str, system: str) -> dict[str, Any]:
    tflops, bandwidth = _peak(card)
    products, tables = _table(system, "gemm", "gemm_perf")
    prompts, _ = _table(system, "attention", "context_attention_perf")
    contexts, _ = _table(system, "attention", "generation_attention_perf")
    experts, _ = _table(system, "moe", "moe_perf")
    return {
        "system": system,
        "engine": f"vllm-{tables}",
        "products": _products(products, tflops, bandwidth),
        "prompts": _prompts(prompts, tflops),
        "contexts": _contexts(contexts),
        "experts": _experts(experts, tflops, bandwidth),
        "exchanges": _exchanges(system),
    }


def _peak(card: str) -> tuple[float, float]:
    """Return the FLOPS and bytes per second in the data sheet of an accelerator.

    Of several accelerators with this name, the one with the most memory is taken.
    """
    path = Path(__file__).parent.parent / "replicas" / "speed" / "accelerators.json"
    cards = [entry for entry in json.loads(path.read_text())["accelerators"] if entry["name"] == card]
    largest = max(cards, key=lambda entry: entry["memory_mib"])
    return largest["tflops"] * 1e12, largest["gb_per_second"] * 1e9


def _table(system: str, kind: str, name: str) -> tuple[Any, str]:
    folder = Path(str(files("aiconfigurator_core"))) / "systems" / "data" / system / kind
    path = max(folder.glob(f"vllm/*/{name}.parquet"), key=lambda path: _numbers(path.parent.name))
    return _read(path), path.parent.name


def _read(path: Path) -> Any:
    pandas: Any = import_module("pandas")  # pandas has no type annotations
    return pandas.read_parquet(path)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(".") if part.isdigit()]


def _products(rows: Any, flops: float, bandwidth: float) -> dict[str, Grid]:
    """Return the share of the roofline limit by tokens and weights, for each number format."""
    grids: dict[str, Grid] = {}
    for name, dtype in _PRODUCTS.items():
        chosen = rows[rows.gemm_dtype == dtype]
        if name == "fp8_block":  # small products are dominated by launch time, which engines hide in CUDA graphs
            chosen = chosen[chosen.m >= _FEWEST_BLOCK_TOKENS]
        weights = chosen.n * chosen.k
        if weights.nunique() > len(PRODUCT_WEIGHTS):
            computing = 2 * chosen.m * weights / _multiplied(flops, name)
            moving = (weights * _STORED[name] + 2 * chosen.m * (chosen.n + chosen.k)) / bandwidth
            share = _most(computing, moving) / (chosen.latency * 1e-3)
            grids[name] = _medians(chosen.m, weights, share, PRODUCT_TOKENS, PRODUCT_WEIGHTS, others=grids.get("fp8"))
    return grids


def _multiplied(flops: float, name: str) -> float:
    return flops * (2 if name.startswith("fp8") else 1)


def _most(one: Any, other: Any) -> Any:
    return one.where(one > other, other)


def _prompts(rows: Any, flops: float) -> Grid:
    """Return the share of peak compute by heads and prompt tokens, for causal attention with head size 128."""
    chosen = _plain(rows)
    chosen = chosen[(chosen.num_heads >= chosen.num_key_value_heads) & (chosen.batch_size <= 8) & (chosen.isl > 1)]
    operations = 2 * chosen.batch_size * chosen.isl * (chosen.isl + 1) * chosen.num_heads * 128
    return _medians(
        chosen.num_heads, chosen.isl, operations / flops / (chosen.latency * 1e-3), PROMPT_HEADS, PROMPT_TOKENS
    )


def _contexts(rows: Any) -> Grid:
    """Return the attention time of a decoding step in microseconds, by KV heads x sequences and by tokens
    per sequence.
    """
    chosen = _plain(rows)
    streams = chosen.batch_size * chosen.num_key_value_heads
    times = chosen.latency * 1e3
    return _medians(streams, chosen.step + 1, times, CONTEXT_STREAMS, CONTEXT_TOKENS, grows=True)


def _plain(rows: Any) -> Any:
    """Return the rows with full attention, head size 128 and a cache of two bytes per value."""
    chosen = rows[(rows.head_dim == 128) & (rows.kv_cache_dtype == "bfloat16")]
    return chosen[chosen.window_size == 0] if "window_size" in chosen else chosen


def _experts(rows: Any, flops: float, bandwidth: float) -> dict[str, Grid]:
    """Return the share of the roofline limit by rows per expert and by weights of one expert matrix."""
    grids: dict[str, Grid] = {}
    for name, dtype in _EXPERTS.items():
        chosen = rows[(rows.moe_dtype == dtype) & (rows.moe_ep_size == 1) & (rows.distribution == _ROUTED)]
        if len(chosen):
            matrix = chosen.hidden_size * chosen.inter_size / chosen.moe_tp_size
            computing = 6 * chosen.num_tokens * chosen.topk * matrix / _multiplied(flops, name)
            read = chosen_experts(chosen.num_tokens, chosen.topk, chosen.num_experts)
            reading = read * 3 * matrix * _STORED[name] / bandwidth
            share = _most(computing, reading) / (chosen.latency * 1e-3)
            each = chosen.num_tokens * chosen.topk / chosen.num_experts
            grids[name] = _medians(each, matrix, share, EXPERT_ROWS, EXPERT_WEIGHTS)
    return grids


def _exchanges(system: str) -> dict[str, list[float]]:
    """Return the all-reduce time in microseconds by message size in bytes, for each degree: the faster of vLLM's kernel
    and NCCL.
    """
    data = Path(str(files("aiconfigurator_core"))) / "systems" / "data" / system / "comm"
    own = max(data.glob("vllm/*/custom_allreduce_perf.parquet"), key=lambda path: _numbers(path.parent.name))
    others = max(data.glob("nccl/*/nccl_perf.parquet"), key=lambda path: _numbers(path.parent.name))
    custom, nccl = _read(own), _read(others)
    custom = custom[(custom.backend == "vllm_graph") & (custom.message_size <= _LARGEST_CUSTOM_BYTES)]
    nccl = nccl[(nccl.op_name == "all_reduce") & (nccl.nccl_dtype == "half")]
    return {
        str(degree): [
            _rounded(min(float(row.latency) for table in (custom, nccl) for row in _of(table, degree, size)) * 1e3)
            for size in MESSAGE_BYTES
        ]
        for degree in sorted(set(nccl.num_gpus))
    }


def _of(table: Any, degree: int, size: int) -> Any:
    return table[(table.num_gpus == degree) & (table.message_size == size)].itertuples()


def _medians(
    first: Any,
    second: Any,
    values: Any,
    down: Sequence[float],
    across: Sequence[float],
    *,
    grows: bool = False,
    others: Grid | None = None,
) -> Grid:
    """Return the medians of values on a grid with logarithmic axes.

    An empty cell gets the value of `others` in the same place. Without `others`, it gets the nearest value; a step
    between rows counts as two steps between columns. With `grows`, that value is scaled up by the ratio of the axis
    points.
    """
    places = [_nearest(first, down), _nearest(second, across)]
    known = {(int(row), int(column)): float(value) for (row, column), value in values.groupby(places).median().items()}
    grid: Grid = []
    for row in range(len(down)):
        line: list[float] = []
        for column in range(len(across)):
            if others is not None and (row, column) not in known:
                line.append(others[row][column])
                continue
            nearest = min(known, key=lambda place: (abs(place[0] - row) * 2 + abs(place[1] - column), place))
            factor = (down[row] / down[nearest[0]]) * (across[column] / across[nearest[1]]) if grows else 1.0
            line.append(_rounded(known[nearest] * max(1.0, factor)))
        grid.append(line)
    return grid


def _nearest(values: Any, axis: Sequence[float]) -> Any:
    """Return the index of the nearest point of a logarithmic axis, for each value."""
    numpy = import_module("numpy")
    middles = [sqrt(one * other) for one, other in pairwise(axis)]
    return numpy.searchsorted(middles, values.to_numpy())


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
