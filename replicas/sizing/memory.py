"""Memory of one copy on one accelerator: what is taken, and what is left for the KV cache.

    KV cache = card x share - weights - activations - context - collective buffers - graphs - adapters

The formulas and where they come from: docs/sizing.md. Held against counts that engines printed at start-up by
`tests/sizing/test_published_counts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model, weights_bytes
from replicas.catalogue.quantization import PRECISION_BYTES, Quantization
from replicas.engines.engine import Engine
from replicas.units import MIB


@dataclass(frozen=True, kw_only=True)
class CopyMemory:
    """Memory of one copy on each of its accelerators. Bytes, but for the tokens of the whole copy."""

    card: float
    """What a process sees of the card."""
    share: float
    """The engine's part of it, 0 to 1."""
    weights: float
    activations: float
    context: float
    """CUDA context and kernels, as far as the engine counts them against its share."""
    collectives: float
    graphs: float
    adapters: float
    """LoRA adapters, as many and as large as the engine was told to hold."""
    kv_per_token: float
    block_tokens: int
    """The engine hands out the KV cache in blocks of so many tokens."""

    @property
    def usable(self) -> float:
        """What the engine may take of the card."""
        return self.card * self.share

    @property
    def fixed(self) -> float:
        """What is taken before the first token is cached."""
        return self.weights + self.activations + self.context + self.collectives + self.graphs + self.adapters

    @property
    def kv_cache_tokens(self) -> int:
        """Tokens that the KV cache of the copy holds; 0 where nothing is left."""
        tokens = int((self.usable - self.fixed) / self.kv_per_token)
        return max(0, tokens // self.block_tokens * self.block_tokens)

    def needed(self, kv_cache_tokens: int) -> float:
        """Bytes that the engine needs for a KV cache of so many tokens."""
        return self.fixed + kv_cache_tokens * self.kv_per_token


def copy_memory(
    model: Model,
    quantization: Quantization | None,
    instance: Instance,
    engine: Engine,
    *,
    tensor_parallel: int,
    prefill_tokens: int,
    sequences: int | None,
    share: float,
    adapter_bytes: float = 0,
) -> CopyMemory:
    """The memory of a copy that is split over `tensor_parallel` accelerators of an instance."""
    architecture = model.architecture
    prefill = prefill_tokens * architecture.activation_bytes_per_token(tensor_parallel)
    sampling = engine.sampling_bytes(architecture.vocab_size, sequences)
    context, collectives, _ = engine.context_bytes(instance, tensor_parallel)
    return CopyMemory(
        card=instance.visible_memory_mib * MIB,
        share=share,
        weights=weights_bytes(architecture, quantization) / tensor_parallel,
        activations=max(prefill, sampling),  # one after the other, never both at once
        context=context,
        collectives=collectives,
        graphs=engine.graph_bytes(tensor_parallel),
        adapters=adapter_bytes,
        kv_per_token=architecture.kv_bytes_per_token(tensor_parallel, PRECISION_BYTES),
        block_tokens=engine.kv_block_tokens,
    )
