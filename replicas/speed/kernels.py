"""Measured times of single kernels by size: matrix products, attention, mixtures of experts, and all-reduce.

`kernels.json` is distilled from NVIDIA's measured tables (`scripts/kernel_tables.py`). The tables are shares of compute
and bandwidth. An accelerator without tables uses the shares of another accelerator, which `accelerators.json` names.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp2, log2, sqrt
from pathlib import Path
from typing import Any, Literal

from replicas.catalogue import data

Format = Literal["half", "fp8", "fp8_block", "four_bits"]
"""Number format in which a kernel reads and multiplies weights."""

PRODUCT_TOKENS = (1, 16, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
PRODUCT_WEIGHTS = tuple(2**power for power in range(18, 30))
"""Axis of the tables: number of weights in a matrix product, rows times columns of the matrix."""
PROMPT_HEADS = (1, 2, 4, 8, 16, 32, 64)
PROMPT_TOKENS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
CONTEXT_STREAMS = tuple(2**power for power in range(15))
"""Axis of the tables: number of KV heads times number of sequences in a decoding step."""
CONTEXT_TOKENS = tuple(2**power for power in range(1, 18))
EXPERT_ROWS = tuple(2.0**power for power in range(-6, 13))
"""Axis of the tables: mean number of rows (tokens) per expert in a step, tokens * experts per token / experts."""
EXPERT_WEIGHTS = tuple(2**power for power in range(17, 26))
"""Axis of the tables: number of weights in one matrix of an expert."""
MESSAGE_BYTES = tuple(2**power for power in range(8, 29))
_HEAD_DIM = 128
"""Dimension of the measured attention heads."""

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Curve:
    """Values at some sizes, with linear interpolation between the sizes and linear extrapolation beyond them."""

    sizes: tuple[float, ...]
    values: tuple[float, ...]

    def __call__(self, size: float) -> float:
        """Return the value at a size."""
        sizes, values = self.sizes, self.values
        place = bisect_right(sizes, size, 1, len(sizes) - 1)
        below, low = sizes[place - 1], values[place - 1]
        return low + (size - below) * (values[place] - low) / (sizes[place] - below)


@dataclass(frozen=True)
class _Grid:
    """Values on two axes in log2, with linear interpolation. Beyond the axes, the value at the edge applies."""

    down: tuple[float, ...]
    across: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def __call__(self, first: float, second: float) -> float:
        return self._between(*_place(self.down, first), *_place(self.across, second))

    def outer(self, firsts: Iterable[float], seconds: Iterable[float]) -> list[list[float]]:
        """Return the values at all pairs, as one list for each of `firsts`."""
        columns = [_place(self.across, second) for second in seconds]
        rows = [_place(self.down, first) for first in firsts]
        return [[self._between(*row, *column) for column in columns] for row in rows]

    def _between(self, row: int, below: float, column: int, left: float) -> float:
        upper, lower = self.values[row], self.values[row + 1]
        at_upper = upper[column] * (1 - left) + upper[column + 1] * left
        at_lower = lower[column] * (1 - left) + lower[column + 1] * left
        return at_upper * (1 - below) + at_lower * below


def _place(axis: Sequence[float], value: float) -> tuple[int, float]:
    """Return the index of the last axis point before a value, and the fraction of the distance to the next point."""
    doublings = log2(value) if value > 0 else axis[0]
    place = min(max(bisect_right(axis, doublings) - 1, 0), len(axis) - 2)
    low, high = axis[place], axis[place + 1]
    return place, min(1.0, max(0.0, (doublings - low) / (high - low)))


@dataclass(frozen=True)
class Kernels:
    """Times of the kernels of one accelerator, seconds."""

    flops: float
    """Compute at half precision, by which the shares of the tables are multiplied, operations a second."""
    bandwidth: float
    """Bandwidth for reading weights, by which the shares of the tables are multiplied, bytes a second."""
    cache_bandwidth: float
    """Memory bandwidth of the data sheet, bytes a second."""
    measured_bandwidth: float
    """Memory bandwidth of the accelerator on which the tables were measured, bytes a second."""
    has_fp8: bool
    """True if the accelerator can multiply FP8; otherwise FP8 weights are unpacked and multiplied at half precision."""
    table: str
    """Name of the accelerator on which the tables were measured."""
    links: str
    """Name of the accelerator on which the all-reduces were measured."""
    link_factors: tuple[float, ...]
    """Factors on the measured times of an all-reduce over 2, 4 and 8 accelerators."""

    def product(self, tokens: float, weights: float, stored_bytes: float, fmt: Format, unpacking: float) -> float:
        """Return the seconds of a matrix product: `tokens` rows times a matrix with `weights` elements.

        If the accelerator cannot multiply the stored format, weights are unpacked first. The product then reaches only
        the share `unpacking` of the compute.
        """
        if fmt == "four_bits" or (fmt != "half" and not self._multiplies(fmt)):
            share = _grid(self.table, "products", "half")
            read = weights * stored_bytes / self.bandwidth / share(1, weights * stored_bytes / 2)
            return max(read, 2 * tokens * weights / (self.flops * unpacking) / share(tokens, weights))
        flops = self.flops * (1 if fmt == "half" else 2)
        roofline = product_roofline(tokens, weights, stored_bytes, flops, self.bandwidth, 2 * sqrt(weights))
        return roofline / _grid(self.table, "products", fmt)(tokens, weights)

    def experts(
        self, tokens: float, per_token: int, experts: int, weights: float, stored_bytes: float, fmt: Format
    ) -> float:
        """Return the seconds of a mixture of experts. `weights` counts the weights in the matrices of one expert."""
        known = data.load("kernels", _FOLDER)["cards"][self.table]["experts"]
        rows = tokens * per_token / experts
        if fmt == "four_bits" and fmt not in known:
            # Four-bit experts use the kernel of matrix products, in blocks of the rows of one expert.
            read: float = chosen_experts(tokens, per_token, experts) * weights * stored_bytes / self.bandwidth
            read /= _grid(self.table, "experts", "half")(rows, weights / 3)
            share = _grid(self.table, "products", "half")(rows, weights * 2 / 3)
            return max(read, 2 * tokens * per_token * weights / self.flops / share)
        kind: Format = fmt if fmt in known and (fmt in ("half", "four_bits") or self.has_fp8) else "half"
        flops = self.flops * (2 if kind.startswith("fp8") else 1)
        roofline = experts_roofline(tokens, per_token, experts, weights, stored_bytes, flops, self.bandwidth)
        return roofline / _grid(self.table, "experts", kind)(rows, weights / 3)

    def prompt_flops(self, tokens: float, heads: float, head_dim: int) -> float:
        """Return the floating-point operations a second that attention reaches for a prompt of `tokens`.

        Heads narrower than the measured heads are slower, because their exponentials take as long as for wide heads.
        """
        narrow = sqrt(min(1.0, head_dim / _HEAD_DIM))
        return self.flops * narrow * _grid(self.table, "prompts", None)(heads, tokens)

    def context(self, streams: float, tokens: float) -> float:
        """Return the seconds of attention in one decoding layer, like `contexts` for one pair of values."""
        return self.contexts([streams], [tokens])[0][0]

    def contexts(self, streams: Sequence[float], tokens: Sequence[float]) -> list[list[float]]:
        """Return the seconds of attention in one decoding layer, as one list for each number of streams.

        Args:
            streams: KV heads times sequences.
            tokens: context of each sequence, in tokens whose key and value have 128 elements of two bytes each.

        """
        widest, longest = CONTEXT_STREAMS[-1], CONTEXT_TOKENS[-1]
        table = _grid(self.table, "contexts", None).outer(streams, [min(each, longest) for each in tokens])
        return [
            [
                self._of_bandwidth(measured * 1e-6 * (max(1.0, wide / widest) * max(1.0, long / longest)), wide, long)
                for long, measured in zip(tokens, row, strict=True)
            ]
            for wide, row in zip(streams, table, strict=True)
        ]

    def _of_bandwidth(self, measured: float, streams: float, tokens: float) -> float:
        """Convert a measured time to this accelerator, seconds: only the time for reading depends on the bandwidth."""
        read = streams * tokens * 512
        scaled = measured + read / self.cache_bandwidth - read / self.measured_bandwidth
        return max(scaled, read / self.cache_bandwidth)

    def exchange(self, size: float, degree: int) -> float:
        """Return the seconds of an all-reduce of `size` bytes over `degree` accelerators."""
        curves = data.load("kernels", _FOLDER)["cards"][self.links]["exchanges"]
        key = next((name for name in curves if degree <= int(name)), list(curves)[-1])
        factor: float = self.link_factors[list(curves).index(key)]
        seconds: float = _curve(self.links, key)(size) * 1e-6
        return factor * seconds

    def _multiplies(self, fmt: Format) -> bool:
        return self.has_fp8 and fmt in data.load("kernels", _FOLDER)["cards"][self.table]["products"]


def product_roofline(
    tokens: float, weights: float, stored_bytes: float, flops: float, bandwidth: float, edges: float
) -> float:
    """Return the roofline time of a matrix product, seconds: the time to compute or to move bytes, whichever is longer.

    `edges` is the sum of the matrix's rows and columns, which is the number of elements that are read and written for
    each token.
    """
    moved = weights * stored_bytes + tokens * edges * 2
    return float(max(2 * tokens * weights / flops, moved / bandwidth))


def experts_roofline(
    tokens: float, per_token: int, experts: int, weights: float, stored_bytes: float, flops: float, bandwidth: float
) -> float:
    """Return the roofline time of a mixture of experts, seconds.

    It is the time to compute or to read the chosen experts, whichever is longer.
    """
    read = chosen_experts(tokens, per_token, experts) * weights * stored_bytes
    return float(max(2 * tokens * per_token * weights / flops, read / bandwidth))


def chosen_experts(tokens: Any, per_token: Any, experts: Any) -> Any:
    """Return the expected number of different experts that `tokens` tokens choose at random. Arrays are accepted."""
    return experts * (1 - (1 - per_token / experts) ** tokens)


_AXES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "products": (PRODUCT_TOKENS, PRODUCT_WEIGHTS),
    "prompts": (PROMPT_HEADS, PROMPT_TOKENS),
    "contexts": (CONTEXT_STREAMS, CONTEXT_TOKENS),
    "experts": (EXPERT_ROWS, EXPERT_WEIGHTS),
}


@cache
def _grid(card: str, kind: str, fmt: Format | None) -> _Grid:
    values = data.load("kernels", _FOLDER)["cards"][card][kind]
    down, across = (tuple(log2(point) for point in axis) for axis in _AXES[kind])
    return _Grid(down, across, tuple(map(tuple, values if fmt is None else values[fmt])))


@cache
def _curve(card: str, degree: str) -> Curve:
    values = data.load("kernels", _FOLDER)["cards"][card]["exchanges"][degree]
    return Curve(MESSAGE_BYTES, tuple(values))


def spread(least: float, most: float, per_octave: int) -> tuple[float, ...]:
    """Return sizes from `least` to `most`, with `per_octave` sizes in each doubling."""
    steps = int(log2(most / least) * per_octave + 0.5)
    return tuple(least * exp2(step / per_octave) for step in range(steps + 1))
