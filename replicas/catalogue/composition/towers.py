"""Towers: encoders of images and sound in addition to a language model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from replicas.catalogue.composition.attention import grouped
from replicas.catalogue.composition.feed_forward import dense


@dataclass(frozen=True, kw_only=True, slots=True)
class Tower:
    """An encoder of images or sound. Engines keep it at two bytes a parameter."""

    modality: Literal["vision", "audio"]
    parameters: int
    width: int
    """Width of its layers."""
    feed_forward_width: int
    """Width of its feed-forward blocks."""
    most_patches: int
    """Patches of the largest image: an engine encodes one such image when it measures its memory."""

    @property
    def peak_bytes(self) -> float:
        """Peak memory of encoding the largest image, bytes: the residual, the input and the output of a feed-forward
        block at two bytes an element. An estimate: no published log shows it.
        """
        return 2 * self.most_patches * (2 * self.width + 2 * self.feed_forward_width)


def transformer(
    width: int,
    *,
    layers: int,
    heads: int,
    feed_forward: int,
    kv_heads: int | None = None,
    head_dim: int | None = None,
    gated: bool = False,
    bias: bool = True,
    feed_forward_bias: bool | None = None,
    norms: int = 2,
    norm_bias: bool = True,
    head_norms: int = 0,
) -> int:
    """Return the parameters of the layers of a vision or sound transformer.

    Args:
        width: width of the tower.
        layers: number of layers.
        heads: attention heads.
        feed_forward: width of a feed-forward block.
        kv_heads: heads of keys and values; as many as queries by default.
        head_dim: width of a head; the width over the heads by default.
        gated: True if a gate multiplies the first projection.
        bias: True if the attention's projections have biases.
        feed_forward_bias: True if those of the feed-forward block have; as the attention's by default.
        norms: norms of a layer over its width.
        norm_bias: True if they have biases.
        head_norms: parameters of norms over heads.

    """
    mixer = grouped(
        width,
        heads=heads,
        kv_heads=kv_heads or heads,
        head_dim=head_dim or width // heads,
        qkv_bias=bias,
        output_bias=bias,
        vectors=head_norms,
    )
    block = dense(width, feed_forward, gated=gated, bias=bias if feed_forward_bias is None else feed_forward_bias)
    matrices = sum(matrix.parameters for part in (mixer, block) for matrix in part.matrices)
    return layers * (matrices + mixer.vectors + block.vectors + norms * width * (1 + norm_bias))


def projector(*widths: int, bias: bool = True) -> int:
    """Return the parameters of linear layers in a row, from the first width to the last."""
    return sum(before * after + after * bias for before, after in pairwise(widths))
