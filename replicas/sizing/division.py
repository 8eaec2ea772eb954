"""Which tensor-parallel degrees split a model: everything that a kernel divides, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.quantization import Quantization
from replicas.engines.engine import Engine

_IN_GROUPS = frozenset({"awq", "compressed-tensors", "gptq", "nvfp4"})
"""Methods whose groups of weights must not straddle two accelerators."""

_EXPERT_ROWS = 64
"""Smallest tile of an expert's rows, where a dense layer needs more."""


def possible_degrees(
    shape: Architecture, quantization: Quantization | None, engine: Engine, accelerators: int
) -> list[int]:
    """Return the degrees up to a number of accelerators that split the model, smallest first."""
    degrees = range(1, accelerators + 1)
    return [degree for degree in degrees if not division_problems(shape, quantization, engine, degree)]


def division_problems(
    shape: Architecture, quantization: Quantization | None, engine: Engine, degree: int
) -> tuple[str, ...]:
    """Return why a model cannot be split over this many accelerators; empty if it can, or its widths are not known."""
    if not shape.is_known:
        return ()
    return tuple(_uneven(shape, engine, degree)) or tuple(dict.fromkeys(_broken(shape, quantization, engine, degree)))


def _uneven(shape: Architecture, engine: Engine, degree: int) -> Iterator[str]:
    """Yield what does not divide evenly, whatever the quantization."""
    if shape.heads % degree:
        yield f"{shape.heads} attention heads are not divisible by {degree}"
    if shape.kv_heads % degree and degree % shape.kv_heads:
        yield f"{shape.kv_heads} KV heads neither divide {degree} nor are divisible by it"
    if shape.intermediate_size % degree:
        yield f"feed-forward width {shape.intermediate_size} is not divisible by {degree}"
    if multiple := engine.vocabulary_multiple:
        padded = -(-shape.vocab_size // multiple) * multiple
        if padded % degree:
            yield f"vocabulary {shape.vocab_size} (padded to {multiple}s: {padded}) is not divisible by {degree}"


@dataclass(frozen=True)
class _Width:
    """One width of a layer's matrices, on one accelerator."""

    name: str
    whole: int
    degree: int
    part: int

    def problem(self, multiple: int, what: str) -> Iterator[str]:
        """Yield the sentence that the part is no multiple of what a kernel takes."""
        if self.part % multiple:
            split = f"/{self.degree}={self.part}" if self.part != self.whole else ""
            yield f"{self.name} {self.whole}{split} is no multiple of {what}"


def _broken(shape: Architecture, quantization: Quantization | None, engine: Engine, degree: int) -> Iterator[str]:
    """Yield the blocks, groups and tiles of a quantization that one accelerator would hold in part."""
    if quantization is None:
        return
    query, key_value = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    one_accelerator = max(1, shape.kv_heads // degree) * shape.head_dim  # a head is repeated, never split
    feed_forward = _Width("feed-forward width", shape.intermediate_size, degree, shape.intermediate_size // degree)
    attention = _Width("width of the attention heads", query, degree, query // degree)
    kv_heads = _Width("width of the KV heads", key_value, degree, one_accelerator)
    if quantization.block:
        rows, columns = quantization.block
        for width in (feed_forward, attention, kv_heads):  # outputs of a fused layer
            yield from width.problem(rows, f"the quantization block of {rows}")
        for width in (feed_forward, attention) if degree > 1 else ():  # inputs that are split
            yield from width.problem(columns, f"the quantization block of {columns}")
    group = quantization.group_size
    if quantization.method in _IN_GROUPS and group > 0:
        for width in (feed_forward, attention):
            yield from width.problem(group, f"the quantization group of {group}")
    if quantization.packed and engine.packed_tile:
        columns, rows = engine.packed_tile
        least = max(_EXPERT_ROWS, group) if shape.experts else rows
        yield from feed_forward.problem(least, f"{least} ({engine.packed_tile_name}: min_thread_k)")
        hidden = _Width("hidden width", shape.hidden_size, degree, shape.hidden_size)
        for width in (attention, hidden):
            yield from width.problem(rows, f"{rows} ({engine.packed_tile_name}: min_thread_k)")
        fused = _Width("width of all heads", query + 2 * key_value, degree, query // degree + 2 * one_accelerator)
        yield from fused.problem(columns, f"{columns} ({engine.packed_tile_name}: min_thread_n)")
