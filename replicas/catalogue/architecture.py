"""The architecture of a model: its layers, and the sizes computed from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from replicas.catalogue.composition.parts import Alike, Cache, FeedForward, Layer, Matrix, Mixer
from replicas.catalogue.composition.towers import Tower

Head = Literal["language_model", "pooling", "classification"]
"""Output of a model: the next token, a vector, or scores."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The layers and other parts of a model. Counts are elements, not bytes."""

    model_type: str
    class_name: str = ""
    """Class named in the configuration; by default the family's usual class."""
    hidden_size: int
    vocab_size: int
    context_tokens: int | None
    """Longest context of the checkpoint, tokens; None without a limit (relative positions)."""
    stack: tuple[Alike, ...]
    """Layers of the language model (of the decoder if the model has an encoder)."""
    encoder: tuple[Alike, ...] = ()
    """Layers of an encoder whose output the decoder attends to."""
    ends: tuple[Matrix, ...]
    """Embeddings of tokens and positions, and the output head unless it is tied to them."""
    vectors: int = 0
    """Norms and other parameters outside the layers."""
    towers: tuple[Tower, ...] = ()
    prediction_parameters: int = 0
    """Parameters of multi-token prediction layers (MTP). Engines load them only for speculative decoding."""
    head: Head = "language_model"
    position_scaling: str = ""
    """Type of `rope_scaling` that only some versions of an engine read: `llama3`; empty for every other model."""
    doubts: tuple[str, ...] = ()
    """Warnings about facts that `config.json` does not state. A plan shows them."""

    @property
    def is_known(self) -> bool:
        """False if the user declared the model's sizes, and nothing else is known about it."""
        return True

    def every_layer(self) -> Iterator[tuple[Layer, int]]:
        """Yield each kind of layer, with the number of layers of this kind."""
        for alike in (*self.stack, *self.encoder):
            yield alike.layer, alike.count

    @cached_property
    def layers(self) -> int:
        """Number of layers of the language model."""
        return sum(alike.count for alike in self.stack)

    @cached_property
    def caches(self) -> tuple[tuple[Cache, int], ...]:
        """The kinds of cache of the layers, each with the number of layers that have it."""
        counts: dict[Cache, int] = {}
        for alike in self.stack:
            for cache in alike.layer.caches():
                counts[cache] = counts.get(cache, 0) + alike.count
        return tuple(counts.items())

    @cached_property
    def parameters(self) -> int:
        """Parameters that an engine loads."""
        layers = sum(layer.parameters * count for layer, count in self.every_layer())
        ends = sum(matrix.parameters for matrix in self.ends)
        return layers + ends + self.vectors + sum(tower.parameters for tower in self.towers)

    @cached_property
    def linear_parameters(self) -> int:
        """Parameters of the linear layers of the language model that a quantization can shrink."""
        return sum(
            matrix.parameters * count
            for layer, count in self.every_layer()
            for matrix in layer.every_matrix()
            if matrix.precision != "half"
        )

    @cached_property
    def _mixers(self) -> tuple[tuple[Mixer, int], ...]:
        return tuple((mixer, alike.count) for alike in self.stack for mixer in alike.layer.mixers)

    @cached_property
    def _feed_forwards(self) -> tuple[tuple[FeedForward, int], ...]:
        return tuple((block, alike.count) for alike in self.stack for block in alike.layer.feed_forwards)

    @property
    def mixers(self) -> tuple[Mixer, ...]:
        """The kinds of mixer (attention or recurrence) in the layers."""
        return tuple(dict.fromkeys(mixer for mixer, _ in self._mixers))

    @property
    def feed_forwards(self) -> tuple[FeedForward, ...]:
        """The kinds of feed-forward block in the layers."""
        return tuple(dict.fromkeys(block for block, _ in self._feed_forwards))

    @property
    def mixtures(self) -> tuple[tuple[FeedForward, int], ...]:
        """Each kind of mixture of experts, with the number of layers that have it."""
        return tuple((block, count) for block, count in self._feed_forwards if block.experts)

    @property
    def heads(self) -> int:
        """Largest number of attention heads in a layer."""
        return max((mixer.heads for mixer in self.mixers), default=0)

    @property
    def kv_heads(self) -> int:
        """Largest number of KV heads in a layer; 0 for a model without KV heads."""
        return max((mixer.kv_heads for mixer in self.mixers), default=0)

    @property
    def head_dim(self) -> int:
        """Width of the widest attention head."""
        return max((mixer.head_dim for mixer in self.mixers), default=0)

    @property
    def intermediate_size(self) -> int:
        """Width of a feed-forward block, or of one expert if the model has experts."""
        blocks = [block for block in self.feed_forwards if block.experts] or list(self.feed_forwards)
        return max((block.width for block in blocks), default=0)

    @property
    def experts(self) -> int:
        """Number of experts of one feed-forward block; 0 for a dense model."""
        return max((block.experts for block in self.feed_forwards), default=0)

    @property
    def experts_per_token(self) -> int:
        """Number of experts that process a token; 1 for a dense model."""
        return max((block.experts_per_token for block in self.feed_forwards), default=1)

    @cached_property
    def expert_parameters(self) -> int:
        """Parameters of one expert, summed over all layers."""
        return sum(block.expert_parameters * count for block, count in self._feed_forwards)

    @property
    def encoder_decoder(self) -> bool:
        """True if the decoder attends to the output of an encoder."""
        return bool(self.encoder)

    @property
    def attends_sparsely(self) -> bool:
        """True if some layers attend only to the latent vectors that an index selects."""
        return any(sum(cache.kind == "latent" for cache in mixer.caches) > 1 for mixer in self.mixers)

    @cached_property
    def exchanges(self) -> int:
        """Number of all-reduces in a forward pass of a split model: one for each mixer and feed-forward block."""
        return sum(alike.count * (len(alike.layer.mixers) + len(alike.layer.feed_forwards)) for alike in self.stack)

    @cached_property
    def pair_width(self) -> int:
        """Number of multiplications and additions for one query and one cached token, over all layers and heads."""
        return sum(mixer.pair_width * count for mixer, count in self._mixers)

    @property
    def takes_adapters(self) -> bool:
        """True if the memory of LoRA adapters is known. This is the case only for dense decoders with plain
        attention.
        """
        plain = all(mixer.is_plain for mixer in self.mixers) and not self.experts
        return self.is_known and plain and not self.encoder_decoder and self.head == "language_model"

    def adapter_parameters(self, rank: int) -> int:
        """Return the parameters of a LoRA adapter on every linear layer of a dense decoder.

        A matrix with n inputs and m outputs takes `rank * (n + m)` parameters.
        """
        return sum(
            count * rank * (matrix.outputs + matrix.inputs)
            for layer, count in self.every_layer()
            for matrix in layer.every_matrix()
        )

    def kv_bytes_per_token(self, tensor_parallel: int, element_bytes: float) -> float:
        """Return the KV cache that one more token of a long request needs on one accelerator, bytes.

        KV heads are split over the accelerators, and repeated if there are fewer heads than accelerators. A latent
        vector is stored whole on each accelerator. Windows and recurrent states add nothing. In an encoder-decoder
        model, an input token (cross-attention) takes the same memory as an output token.
        """
        return sum(
            count * cache.bytes_per_token(tensor_parallel, element_bytes)
            for cache, count in self.caches
            if cache.kind in ("full", "latent")
        )

    def cached_bytes_per_token(self, tensor_parallel: int, element_bytes: float) -> float:
        """Return the KV cache of one token in all layers, including layers with a window, on one accelerator, bytes."""
        return sum(
            count * cache.bytes_per_token(tensor_parallel, element_bytes)
            for cache, count in self.caches
            if cache.kind not in ("cross", "state")
        )

    def state_bytes_per_sequence(self, tensor_parallel: int, element_bytes: float) -> float:
        """Return the constant memory of one long request on one accelerator, bytes.

        It consists of the windows, the chunks and the recurrent states.
        """
        return sum(
            count * cache.bytes_per_token(tensor_parallel, element_bytes) * (cache.tokens or 1)
            for cache, count in self.caches
            if not cache.grows
        )

    def activation_bytes_per_token(self, tensor_parallel: int) -> float:
        """Return the peak activation memory of one prefill token, bytes, at two bytes per element.

        The peak is in a feed-forward block: the residual (complete on each accelerator), the projections (gate and up,
        or up alone) and the activated product (each split over the accelerators).
        """
        widest = max((block.active_width * (3 if block.gated else 2) for block in self.feed_forwards), default=0)
        return 2 * self.hidden_size + 2 * widest / tensor_parallel

    def expert_workspace_bytes_per_token(self, tensor_parallel: int) -> float:
        """Return the size of one prefill token in both work buffers of routed experts, bytes on one accelerator.

        One buffer holds the first projections of all experts of a token, the other the activated products. Each is at
        least as wide as the experts' input. Elements have two bytes. The result is 0 without routed experts. Some
        engines keep these buffers, others free them.
        """
        return max(
            (2 * block.expert_work_width(tensor_parallel) for block in self.feed_forwards if block.experts),
            default=0.0,
        )
