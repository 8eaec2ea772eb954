"""Decides which tensor-parallel degrees can split a model."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.parts import Layer, Matrix, Mixer
from replicas.catalogue.quantization import Quantization
from replicas.engines.engine import Engine

_IN_GROUPS = frozenset({"awq", "compressed-tensors", "gptq", "mxfp8", "nvfp4"})
"""Methods whose groups of weights must not be split between two accelerators."""

_EXPERT_ROWS = 64
"""Number of rows in the smallest kernel tile for an expert. The tiles for a dense layer can be larger."""


def possible_degrees(
    shape: Architecture, quantization: Quantization | None, engine: Engine, accelerators: int
) -> list[int]:
    """Return the degrees up to `accelerators` that split the model, smallest first."""
    degrees = range(1, accelerators + 1)
    return [degree for degree in degrees if not division_problems(shape, quantization, engine, degree)]


def division_problems(
    shape: Architecture, quantization: Quantization | None, engine: Engine, degree: int
) -> tuple[str, ...]:
    """Return why a model cannot be split over `degree` accelerators; empty if it can, or if its widths are unknown."""
    if not shape.is_known:
        return ()
    uneven = tuple(dict.fromkeys(_uneven(shape, engine, degree)))
    return uneven or tuple(dict.fromkeys(_broken(shape, quantization, engine, degree)))


def _uneven(shape: Architecture, engine: Engine, degree: int) -> Iterator[str]:
    """Yield a problem for each dimension that is not divisible by the degree, with or without quantization."""
    for mixer in shape.mixers:
        if mixer.heads % degree:
            yield f"{mixer.heads} attention heads are not divisible by {degree}"
        if mixer.kv_heads and mixer.kv_heads % degree and degree % mixer.kv_heads:
            yield f"{mixer.kv_heads} KV heads are neither a divisor nor a multiple of {degree}"
    for block in shape.feed_forwards:
        for name, width in (("feed-forward width", block.width), ("width of the shared experts", block.shared_width)):
            if width % degree:
                yield f"{name} {width} is not divisible by {degree}"
    if multiple := engine.vocabulary_multiple:
        padded = -(-shape.vocab_size // multiple) * multiple
        if padded % degree:
            yield (
                f"vocabulary {shape.vocab_size} (padded to a multiple of {multiple}: {padded}) is not divisible "
                f"by {degree}"
            )


def _broken(shape: Architecture, quantization: Quantization | None, engine: Engine, degree: int) -> Iterator[str]:
    """Yield a problem for each quantization block, group or kernel tile that a split would cut."""
    if quantization is None:
        return
    for alike in shape.stack:
        for number in alike.numbers[: 1 if quantization.is_uniform else None]:
            yield from _broken_in(alike.layer, number, quantization, engine, degree)


def _broken_in(layer: Layer, number: int, quantization: Quantization, engine: Engine, degree: int) -> Iterator[str]:
    """Yield a problem for each quantization block, group or kernel tile of one layer that a split would cut."""
    for matrix in layer.every_matrix():
        format_ = quantization.of(matrix.name, number) if matrix.precision == "format" else None
        if format_ and matrix.width:
            yield from _broken_matrix(matrix, format_, engine, degree)
    for mixer in layer.mixers if engine.packed_tile else ():
        yield from _broken_heads(mixer, number, quantization, engine, degree)


def _broken_matrix(matrix: Matrix, format_: Quantization, engine: Engine, degree: int) -> Iterator[str]:
    """Yield a problem for each quantization block, group or kernel tile of a matrix that a split would cut."""
    whole = matrix.inputs if matrix.splits_inputs else matrix.outputs
    part = whole // matrix.divisor(degree)
    if format_.block:
        rows, columns = format_.block
        if not matrix.splits_inputs:
            yield from _problem(matrix.width, whole, part, degree, rows, f"the quantization block of {rows}")
        elif degree > 1:
            yield from _problem(matrix.width, whole, part, degree, columns, f"the quantization block of {columns}")
    group = format_.group_size
    if format_.method in _IN_GROUPS and group > 0:
        inputs, name = (part, matrix.width) if matrix.splits_inputs else (matrix.inputs, "hidden width")
        yield from _problem(name, matrix.inputs, inputs, degree, group, f"the quantization group of {group}")
    if format_.packed and engine.packed_tile and matrix.splits_inputs:
        _, rows = engine.packed_tile
        least = max(_EXPERT_ROWS, group) if matrix.count > 1 else rows
        yield from _problem(
            matrix.width, whole, part, degree, least, f"{least} ({engine.packed_tile_name}: min_thread_k)"
        )


def _broken_heads(mixer: Mixer, number: int, quantization: Quantization, engine: Engine, degree: int) -> Iterator[str]:
    """Yield a problem if the combined matrix of queries, keys and values does not consist of whole kernel tiles."""
    fused = [matrix for matrix in mixer.matrices if matrix.width and not matrix.splits_inputs]
    formats = [quantization.of(matrix.name, number) for matrix in fused]
    if not fused or engine.packed_tile is None or not all(format_ and format_.packed for format_ in formats):
        return
    columns, rows = engine.packed_tile
    hidden = fused[0].inputs
    yield from _problem(
        "hidden width", hidden, hidden, degree, rows, f"{rows} ({engine.packed_tile_name}: min_thread_k)"
    )
    whole = sum(matrix.outputs for matrix in fused)
    part = sum(matrix.outputs // matrix.divisor(degree) for matrix in fused)
    yield from _problem(
        "width of all heads", whole, part, degree, columns, f"{columns} ({engine.packed_tile_name}: min_thread_n)"
    )


def _problem(name: str, whole: int, part: int, degree: int, multiple: int, what: str) -> Iterator[str]:
    """Yield a problem if `part`, the width on one accelerator, is not a multiple of `multiple`."""
    if part % multiple:
        split = f"/{degree}={part}" if part != whole else ""
        yield f"{name} {whole}{split} is not a multiple of {what}"
