"""The parts of a layer. Counts are elements, not bytes, unless a name says bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Precision = Literal["format", "half", "named", "float32"]
"""How engines keep a matrix: in the format of the quantization; at two bytes, always or unless the quantization names
the matrix; or at four bytes."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The weights of one linear layer, or of `count` equal ones (the experts of a mixture)."""

    name: str
    """Its module within the layer, as checkpoints name it: `self_attn.q_proj`, `mlp.experts.0.up_proj`."""
    outputs: int
    inputs: int
    count: int = 1
    parts: int | None = None
    """Maximum number of accelerators that it is split over: 1 if each holds a full copy, the number of KV heads if each
    holds at least one; None
    if any degree splits it.
    """
    precision: Precision = "format"
    width: str = ""
    """Name of the width that a split divides; empty if none of its widths belongs to a head or a block."""
    splits_inputs: bool = False
    """True if a split divides its inputs, not its outputs."""

    @property
    def parameters(self) -> int:
        """Number of weights of all `count` matrices."""
        return self.count * self.outputs * self.inputs

    def weights_per_accelerator(self, degree: int) -> float:
        """Return the weights on one of `degree` accelerators."""
        return self.parameters / self.divisor(degree)

    def divisor(self, degree: int) -> int:
        """Return the number of parts into which `degree` accelerators divide it."""
        return min(degree, self.parts or degree)


CacheKind = Literal["full", "window", "chunk", "latent", "cross", "state"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cache:
    """The cache of a layer.

    A `full` and a `latent` cache keep every token, a `cross` cache every token of the encoder; a `window` keeps the
    last tokens, a `chunk` those of the last chunk; a `state` keeps one vector per sequence of any length.
    """

    kind: CacheKind
    elements: int
    """Elements of one token over all heads; of a state, its bytes."""
    heads: int = 1
    """Number of heads that it is split by; each accelerator holds at least one."""
    tokens: int | None = None
    """Tokens of the window or chunk."""
    element_bytes: float | None = None
    """Bytes of an element, if the type of the KV cache does not decide them."""
    tokens_per_entry: int = 1
    """Tokens that are compressed into one entry."""
    fp8_bytes: float | None = None
    """Bytes of one token in a cache of one byte an element, if engines keep scales and wider elements beside it."""

    @property
    def grows(self) -> bool:
        """True if the cache grows with every token of a long request."""
        return self.kind in ("full", "latent", "cross")

    def bytes_per_token(self, degree: int, element_bytes: float) -> float:
        """Return the bytes of one token (of a state: of one sequence) on one of `degree` accelerators."""
        each = self.element_bytes if self.element_bytes is not None else element_bytes
        size = self.elements * each if each != 1 or self.fp8_bytes is None else self.fp8_bytes
        return size * max(1, self.heads // degree) / self.heads / self.tokens_per_entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixer:
    """The attention or recurrence of a layer."""

    matrices: tuple[Matrix, ...]
    vectors: int = 0
    """Parameters that no quantization shrinks: norms, biases, sinks, convolutions."""
    heads: int
    """Heads that must be split evenly."""
    kv_heads: int = 0
    """KV heads, which are split evenly or repeated; 0 for a mixer without them."""
    head_dim: int
    pair_width: int = 0
    """Multiplications and additions of one query with one cached token, over all heads."""
    caches: tuple[Cache, ...] = ()

    @property
    def is_plain(self) -> bool:
        """True for attention with only query, key, value and output projections."""
        return {matrix.name.rsplit(".", 1)[-1] for matrix in self.matrices} == {"q_proj", "k_proj", "v_proj", "o_proj"}


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedForward:
    """A feed-forward block, or a mixture of experts."""

    matrices: tuple[Matrix, ...]
    vectors: int = 0
    width: int
    """Width of the block, or of one expert."""
    gated: bool
    """True for a gated block (SwiGLU, GeGLU), which has three matrices instead of two."""
    experts: int = 0
    """Experts of a mixture; 0 for a dense block."""
    experts_per_token: int = 1
    shared_width: int = 0
    """Width of the experts that every token passes."""

    @property
    def active_width(self) -> int:
        """Width that one token passes."""
        return self.width * self.experts_per_token + self.shared_width

    @property
    def expert_inputs(self) -> int:
        """Width of an expert's input: the model's, or a narrower one between two projections."""
        return max(
            (matrix.inputs for matrix in self.matrices if matrix.count > 1 and not matrix.splits_inputs), default=0
        )

    def expert_work_width(self, tensor_parallel: int) -> float:
        """Elements of both work buffers that one token takes in all its experts, on one of `tensor_parallel`."""
        activated = self.width / tensor_parallel
        projected = activated * (2 if self.gated else 1)
        inputs = self.expert_inputs
        return self.experts_per_token * (max(activated, inputs) + max(projected, inputs))

    @property
    def expert_parameters(self) -> int:
        """Parameters of one expert; 0 for a dense block."""
        return sum(matrix.outputs * matrix.inputs for matrix in self.matrices if matrix.count > 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One layer: its attention or recurrence, its feed-forward blocks, and its other parameters."""

    mixers: tuple[Mixer, ...] = ()
    feed_forwards: tuple[FeedForward, ...] = ()
    matrices: tuple[Matrix, ...] = ()
    """Matrices outside the mixer and the feed-forward blocks."""
    vectors: int = 0
    """Norms of the layer."""

    def every_matrix(self) -> Iterator[Matrix]:
        """Yield the matrices of all its parts."""
        for mixer in self.mixers:
            yield from mixer.matrices
        for block in self.feed_forwards:
            yield from block.matrices
        yield from self.matrices

    @property
    def every_vector(self) -> int:
        """Number of parameters outside of matrices."""
        mixers = sum(mixer.vectors for mixer in self.mixers)
        return self.vectors + mixers + sum(block.vectors for block in self.feed_forwards)

    @property
    def parameters(self) -> int:
        """All parameters of the layer."""
        return sum(matrix.parameters for matrix in self.every_matrix()) + self.every_vector

    def caches(self) -> Iterator[Cache]:
        """Yield the caches of the layer."""
        for mixer in self.mixers:
            yield from mixer.caches


@dataclass(frozen=True, slots=True)
class Alike:
    """The numbers of equal layers of a model."""

    layer: Layer
    numbers: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of these layers."""
        return len(self.numbers)


def grouped_alike(layers: Iterable[Layer]) -> tuple[Alike, ...]:
    """Return the layers of a stack by kind, in the order in which the kinds first appear."""
    numbers: dict[Layer, list[int]] = {}
    for number, layer in enumerate(layers):
        numbers.setdefault(layer, []).append(number)
    return tuple(Alike(layer, tuple(layer_numbers)) for layer, layer_numbers in numbers.items())
