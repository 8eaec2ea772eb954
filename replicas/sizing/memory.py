"""Memory of one copy on one accelerator: the memory in use, and the rest for the KV cache.

    KV cache = card x share - weights - activations - context - collective buffers - graphs - adapters

docs/sizing.md has the formulas and their sources. `tests/sizing/test_published_counts.py` compares the results with
counts that engines printed at start-up.
"""

from __future__ import annotations

from dataclasses import dataclass

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.quantization import PRECISION_BYTES, Quantization
from replicas.engines.engine import Engine
from replicas.engines.environment import MemorySettings
from replicas.units import MIB

_DEFAULT_SETTINGS = MemorySettings()


@dataclass(frozen=True, kw_only=True)
class CopyMemory:
    """Memory of one copy on each of its accelerators, in bytes. Token counts are those of the whole copy."""

    card: float
    """Memory of the card that a process can see."""
    share: float
    """Share of it that the engine may use, 0 to 1."""
    weights: float
    """The weights as this engine's kernels hold them on this accelerator."""
    activations: float
    context: float
    """CUDA context and kernels, as far as the engine counts them as part of its share."""
    collectives: float
    graphs: float
    adapters: float
    """LoRA adapters: slots of the configured number and rank."""
    kv_per_token: float
    block_tokens: int
    """Block size in which the engine allocates the KV cache, tokens."""

    @property
    def usable(self) -> float:
        """Memory of the card that the engine may use."""
        return self.card * self.share

    @property
    def fixed(self) -> float:
        """Memory in use before the first token is cached."""
        return self.weights + self.activations + self.context + self.collectives + self.graphs + self.adapters

    @property
    def kv_cache_tokens(self) -> int:
        """Tokens that the KV cache of the copy holds; 0 if no memory is left for it."""
        tokens = int((self.usable - self.fixed) / self.kv_per_token)
        return max(0, tokens // self.block_tokens * self.block_tokens)

    def needed(self, kv_cache_tokens: int) -> float:
        """Return the memory that the engine needs for a KV cache of this size, bytes."""
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
    settings: MemorySettings = _DEFAULT_SETTINGS,
) -> CopyMemory:
    """Return the memory of a copy that is split over `tensor_parallel` accelerators of an instance."""
    architecture = model.architecture
    widening = settings.weight_bytes / PRECISION_BYTES
    prefill = prefill_tokens * architecture.activation_bytes_per_token(tensor_parallel) * widening
    sampling = engine.sampling_bytes(architecture.vocab_size, sequences)
    context, collectives, _ = engine.context_bytes(instance, tensor_parallel)
    padding = 0.0  # a declared weight is the one that the engine prints, with its padding
    if model.declared.weights_gib is None:
        padding, _ = engine.padding_bytes(architecture, quantization, instance, tensor_parallel)
    return CopyMemory(
        card=instance.visible_memory_mib * MIB,
        share=share,
        weights=model.loaded_bytes(quantization, settings.weight_bytes) / tensor_parallel + padding,
        activations=max(prefill, sampling),  # the engine never does both at the same time
        context=context,
        collectives=collectives,
        graphs=engine.graph_bytes(tensor_parallel) if settings.captures_graphs else 0,
        adapters=adapter_bytes,
        kv_per_token=model.kv_bytes_per_token(tensor_parallel, settings.cache_bytes),
        block_tokens=settings.block_tokens or engine.kv_block_tokens,
    )
