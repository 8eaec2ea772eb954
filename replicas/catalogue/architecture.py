"""The architecture of a model: the figures that its memory and its split over accelerators depend on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Architecture of a model: the figures that memory and tensor parallelism depend on. Counts are elements, not
    bytes.
    """

    model_type: str
    layers: int
    """Layers with a KV cache (those of the decoder if the model has an encoder)."""
    hidden_size: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    context_tokens: int | None
    """Longest context of the checkpoint, tokens; None if it is not bounded (relative positions)."""
    intermediate_size: int
    """Width of one feed-forward block (of one expert if the model has experts)."""
    gated: bool
    """True for feed-forward blocks with a gate (SwiGLU, GeGLU), which have three matrices instead of two."""
    experts: int = 0
    """Experts of one feed-forward block; 0 for a dense model."""
    experts_per_token: int = 1
    linear_parameters: int
    """Parameters of the linear layers, which a quantization makes smaller."""
    other_parameters: int
    """Parameters of embeddings, output head, norms, biases and routers, which stay at full precision."""
    float32_parameters: int = 0
    """Linear parameters that engines keep at four bytes at any precision (T5's `wo`)."""
    encoder_decoder: bool = False
    windowed_layers: int = 0
    """Layers whose attention sees only the last `window_tokens` tokens."""
    window_tokens: int | None = None

    @property
    def is_known(self) -> bool:
        """True unless only the sizes of the model are declared."""
        return True

    @property
    def parameters(self) -> int:
        """All parameters of the model."""
        return self.linear_parameters + self.other_parameters

    def adapter_parameters(self, rank: int) -> int:
        """Return the parameters of a LoRA adapter on every linear layer of a dense decoder: per layer, `rank` times the
        sum of
        its two widths.
        """
        hidden, query, key_value = self.hidden_size, self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = 2 * (hidden + query) + 2 * (hidden + key_value)
        feed_forward = (3 if self.gated else 2) * (hidden + self.intermediate_size)
        return self.layers * rank * (attention + feed_forward)

    def kv_bytes_per_token(self, tensor_parallel: int, element_bytes: float) -> float:
        """Return the KV cache of one token on one accelerator, bytes.

        It counts key and value of each layer and KV head. The heads are split over the accelerators; if there are
        fewer heads than accelerators, they are repeated. An encoder-decoder model caches the same amount for each
        input token (cross-attention), so that the figure is valid for input and output tokens.
        """
        heads = max(1, self.kv_heads // tensor_parallel)
        return 2 * self.layers * heads * self.head_dim * element_bytes

    def activation_bytes_per_token(self, tensor_parallel: int) -> float:
        """Return the peak activation memory of one prefill token, bytes, at two bytes per element.

        The peak is in the feed-forward block: the residual (complete on each accelerator), the projections
        (gate and up, or up alone) and the activated product (each split over the accelerators).
        """
        width = self.intermediate_size * self.experts_per_token / tensor_parallel
        return 2 * self.hidden_size + 2 * width * (3 if self.gated else 2)
