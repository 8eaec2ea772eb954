"""The parts of a layer. Counts are elements, not bytes, unless a name says bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Precision = Literal["format", "half", "named", "float32"]
"""How engines store a matrix: in the format of the quantization; always at two bytes; at two bytes unless the
quantization names the matrix; or at four bytes."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The weights of one linear layer, or of `count` linear layers of the same shape (for example the experts of a
    mixture).
    """

    name: str
    """Module within the layer, as named in checkpoints: `self_attn.q_proj`, `mlp.experts.0.up_proj`."""
    outputs: int
    inputs: int
    count: int = 1
    parts: int | None = None
    """Maximum number of accelerators over which the matrix is split. 1: each accelerator stores the whole matrix.
    The number of KV heads: each accelerator stores at least one head. None: no limit."""
    precision: Precision = "format"
    width: str = ""
    """Name, for messages, of the width that is divided if the matrix is split. It is empty if the width belongs to no
    head or block."""
    splits_inputs: bool = False
    """True if a split divides the inputs of the matrix, False if it divides the outputs."""

    @property
    def parameters(self) -> int:
        """Number of weights of all `count` matrices."""
        return self.count * self.outputs * self.inputs

    def weights_per_accelerator(self, degree: int) -> float:
        """Return the number of weights on one of `degree` accelerators."""
        return self.parameters / self.divisor(degree)

    def divisor(self, degree: int) -> int:
        """Return the number of pieces into which `degree` accelerators split the matrix."""
        return min(degree, self.parts or degree)


CacheKind = Literal["full", "window", "chunk", "latent", "cross", "state"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cache:
    """The cache of a layer.

    A `full` or `latent` cache keeps every token. A `cross` cache keeps every token of the encoder, a `window` the last
    tokens, and a `chunk` the tokens of the last chunk. A `state` keeps one vector per sequence, independent of its
    length.
    """

    kind: CacheKind
    elements: int
    """Elements of one token over all heads; for a state, its size in bytes."""
    heads: int = 1
    """Number of heads over which the cache is split; each accelerator holds at least one head."""
    tokens: int | None = None
    """Tokens of the window or chunk."""
    element_bytes: float | None = None
    """Bytes per element; None if they depend on the data type of the KV cache."""
    tokens_per_entry: int = 1
    """Number of tokens that are compressed into one entry."""
    fp8_bytes: float | None = None
    """Bytes of one token in a cache of one-byte elements. It is set if engines add scales or wider elements to such a
    cache; otherwise None."""

    @property
    def grows(self) -> bool:
        """True if the cache grows with every token of a long request."""
        return self.kind in ("full", "latent", "cross")

    def bytes_per_token(self, degree: int, element_bytes: float) -> float:
        """Return the bytes of one token, or for a state of one sequence, on one of `degree` accelerators."""
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
    """Number of heads, which must be split evenly."""
    kv_heads: int = 0
    """Number of KV heads. A split divides them evenly or repeats them. 0 for a mixer without KV heads."""
    head_dim: int
    pair_width: int = 0
    """Number of multiplications and additions for one query and one cached token, over all heads."""
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
    """Number of experts of a mixture; 0 for a dense block."""
    experts_per_token: int = 1
    shared_width: int = 0
    """Total width of the shared experts, which process every token."""

    @property
    def active_width(self) -> int:
        """Total width of the experts, or of the dense block, that process one token."""
        return self.width * self.experts_per_token + self.shared_width

    @property
    def expert_inputs(self) -> int:
        """Width of an expert's input.

        This is the model's width, or a smaller width if a projection precedes the experts.
        """
        return max(
            (matrix.inputs for matrix in self.matrices if matrix.count > 1 and not matrix.splits_inputs), default=0
        )

    def expert_work_width(self, tensor_parallel: int) -> float:
        """Return the number of elements that one token takes in the two work buffers of the experts, on each of
        `tensor_parallel` accelerators.
        """
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
        """Yield the matrices of all parts of the layer."""
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
    """Layers of a model that have the same structure, with their indexes in the model, counted from 0."""

    layer: Layer
    numbers: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of these layers."""
        return len(self.numbers)


def grouped_alike(layers: Iterable[Layer]) -> tuple[Alike, ...]:
    """Group the layers that have the same structure. Groups are in the order of their first layer."""
    numbers: dict[Layer, list[int]] = {}
    for number, layer in enumerate(layers):
        numbers.setdefault(layer, []).append(number)
    return tuple(Alike(layer, tuple(layer_numbers)) for layer, layer_numbers in numbers.items())
