"""Towers: encoders of images or sound, which precede a language model."""

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
    """Width of the tower's layers."""
    feed_forward_width: int
    """Width of the tower's feed-forward blocks."""
    most_patches: int
    """Number of patches of the largest image, which engines encode at start-up to measure their memory."""

    @property
    def peak_bytes(self) -> float:
        """Peak memory of encoding the largest image, bytes, at two bytes per element.

        The peak holds the residual, and the input and output of a feed-forward block. This is an estimate: no published
        log shows the real peak.
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
        kv_heads: heads of keys and values; default: `heads`.
        head_dim: width of a head; default: `width / heads`.
        gated: True if a gate multiplies the first projection.
        bias: True if the attention's projections have biases.
        feed_forward_bias: True if the feed-forward projections have biases; default: `bias`.
        norms: number of norms per layer over the tower's width.
        norm_bias: True if these norms have biases.
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
    """Return the parameters of consecutive linear layers, from the first width to the last."""
    return sum(before * after + after * bias for before, after in pairwise(widths))
