"""Measure kernels on the GPU of this machine, and compare them with the forecast's kernel curves.

    python -m scripts.measure_kernels [--output FILE]

The script needs PyTorch with CUDA and takes about five minutes. It measures matrix products by size and precision,
attention of prefill and decoding, memory copies, and the gap between kernel launches. It prints each time with the
value of `replicas/speed/kernels.json` for the GPU. `--as` selects the GPU to compare with if the file has no GPU of
this name. Nothing depends on the result. `--output` stores it with the name of the GPU and the date.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from replicas.catalogue.instances import instance_types
from replicas.speed.accelerators import Accelerator, accelerator_of
from replicas.speed.kernels import Kernels

_PRODUCTS = ((4096, 4096), (5120, 13824), (8192, 28672))
"""Rows and columns of the matrices: output projection of an 8B model, feed-forward blocks of 13B and 70B models."""
_TOKENS = (1, 16, 128, 512, 2048, 8192)
_PROMPTS = (512, 2048, 8192)
_CONTEXTS = ((1, 1024), (1, 16384), (32, 1024), (128, 1024))
"""Pairs of (number of sequences, tokens per sequence)."""
_HEADS, _KV_HEADS, _HEAD_DIM = 32, 8, 128
_REPEATS, _WARM = 20, 5
_COPY_BYTES = 2**30


@dataclass(frozen=True)
class Timing:
    """Measured and expected time of one kernel, in microseconds."""

    kernel: str
    measured: float
    expected: float | None

    @property
    def ratio(self) -> float | None:
        """Expected time / measured time; None without an expected time."""
        return None if self.expected is None else self.expected / self.measured


def main() -> None:
    """Measure the kernels, and print each time with the expected time."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--as", dest="card", help="name of a card of accelerators.json to compare with")
    parser.add_argument("--output", type=Path, help="JSON file for the timings, with card and date")
    arguments = parser.parse_args()
    try:
        torch = import_module("torch")
    except ImportError:
        sys.exit("PyTorch is not installed: this script needs it (pip install torch)")
    if not torch.cuda.is_available():
        sys.exit("no CUDA device is visible")
    name = torch.cuda.get_device_name()
    card = card_named(arguments.card or name)
    kernels = card.kernels(1 / card.lasting_compute, 1.0) if card else None
    print(f"{name}, compared with the curves of {card.kernels_of if card else 'no card: name a card with --as'}")
    timings = []
    for timing in measure(torch, kernels):
        timings.append(timing)
        beside = "" if timing.ratio is None else f"{timing.expected:12.1f} us expected, {timing.ratio:5.2f} x"
        print(f"{timing.kernel:52}{timing.measured:12.1f} us{beside}", flush=True)
    ratios = [timing.ratio for timing in timings if timing.ratio is not None]
    if ratios:
        print(f"{len(ratios)} kernels: the median of expected / measured time is {median(ratios):.2f}")
    if arguments.output:
        document = {
            "card": name,
            "date": datetime.now(UTC).date().isoformat(),
            "torch": torch.__version__,
            "timings": [asdict(timing) for timing in timings],
        }
        arguments.output.write_text(json.dumps(document, indent=1) + "\n")


def card_named(name: str) -> Accelerator | None:
    """Return the catalogue's accelerator whose name occurs in the device name; the longest name if several do."""
    cards = {card.name: card for card in map(accelerator_of, instance_types().values())}
    words = name.replace("Blackwell", "").replace("Server Edition", "Server").upper()
    fitting = [card for card in cards if all(word in words for word in card.upper().split())]
    return cards[max(fitting, key=len)] if fitting else None


def measure(torch: Any, kernels: Kernels | None) -> Iterator[Timing]:
    """Yield the timings of all kernels."""
    yield from _products(torch, kernels)
    yield from _prompts(torch, kernels)
    yield from _contexts(torch, kernels)
    yield from _copies(torch)


def _products(torch: Any, kernels: Kernels | None) -> Iterator[Timing]:
    for rows, columns in _PRODUCTS:
        weights = torch.randn(columns, rows, device="cuda", dtype=torch.bfloat16)
        for tokens in _TOKENS:
            inputs = torch.randn(tokens, rows, device="cuda", dtype=torch.bfloat16)
            taken = _time(torch, partial(torch.nn.functional.linear, inputs, weights))
            expected = None if kernels is None else kernels.product(tokens, rows * columns, 2, "half", 1.0) * 1e6
            yield Timing(f"product {tokens} x {rows} x {columns}, bf16", taken, expected)
            yield from _product_of_fp8(torch, kernels, inputs, weights)


def _product_of_fp8(torch: Any, kernels: Kernels | None, inputs: Any, weights: Any) -> Iterator[Timing]:
    if torch.cuda.get_device_capability() < (8, 9) or inputs.shape[0] % 16:
        return
    left, right = inputs.to(torch.float8_e4m3fn), weights.to(torch.float8_e4m3fn)
    scale = torch.ones(1, device="cuda")
    multiply = torch._scaled_mm
    taken = _time(torch, lambda: multiply(left, right.t(), scale_a=scale, scale_b=scale, out_dtype=torch.bfloat16))
    tokens, size = inputs.shape[0], weights.numel()
    expected = None if kernels is None else kernels.product(tokens, size, 1, "fp8", 1.0) * 1e6
    yield Timing(f"product {tokens} x {weights.shape[1]} x {weights.shape[0]}, fp8", taken, expected)


def _prompts(torch: Any, kernels: Kernels | None) -> Iterator[Timing]:
    attend = torch.nn.functional.scaled_dot_product_attention
    for tokens in _PROMPTS:
        query, key, value = (_heads(torch, 1, _HEADS, tokens) for _ in range(3))
        taken = _time(torch, partial(attend, query, key, value, is_causal=True))
        pairs = tokens * (tokens + 1) / 2
        expected = (
            None
            if kernels is None
            else 4 * pairs * _HEADS * _HEAD_DIM / kernels.prompt_flops(tokens, _HEADS, _HEAD_DIM) * 1e6
        )
        yield Timing(f"attention of a prompt of {tokens} tokens", taken, expected)


def _contexts(torch: Any, kernels: Kernels | None) -> Iterator[Timing]:
    attend = torch.nn.functional.scaled_dot_product_attention
    for sequences, tokens in _CONTEXTS:
        query = _heads(torch, sequences, _HEADS, 1)
        key, value = (_heads(torch, sequences, _KV_HEADS, tokens) for _ in range(2))
        taken = _time(torch, partial(attend, query, key, value, enable_gqa=True))
        expected = None if kernels is None else kernels.context(sequences * _KV_HEADS, tokens) * 1e6
        yield Timing(f"attention of {sequences} decoding sequences of {tokens} tokens", taken, expected)


def _heads(torch: Any, sequences: int, heads: int, tokens: int) -> Any:
    return torch.randn(sequences, heads, tokens, _HEAD_DIM, device="cuda", dtype=torch.bfloat16)


def _copies(torch: Any) -> Iterator[Timing]:
    source = torch.empty(_COPY_BYTES, device="cuda", dtype=torch.uint8)
    target = torch.empty_like(source)
    yield Timing("copy of 1 GiB on the card", _time(torch, lambda: target.copy_(source)), None)
    host = torch.empty(_COPY_BYTES, dtype=torch.uint8, pin_memory=True)
    yield Timing("copy of 1 GiB from the host", _time(torch, lambda: target.copy_(host)), None)
    small = torch.zeros(1, device="cuda")
    launches = 100
    yield Timing(
        "gap between launches", _time(torch, lambda: [small.add_(1) for _ in range(launches)]) / launches, None
    )


def _time(torch: Any, kernel: Callable[[], Any]) -> float:
    """Return the median time of a kernel in microseconds."""
    for _ in range(_WARM):
        kernel()
    times = []
    for _ in range(_REPEATS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        kernel()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) * 1e3)
    return float(median(times))


if __name__ == "__main__":
    main()
