"""Memory of one copy on one accelerator: the memory in use, and the rest for the KV cache.

    KV cache = card x share - weights - activations - context - collective buffers - graphs - adapters

docs/sizing.md has the formulas and their sources. `tests/sizing/test_published_counts.py` compares the results with
counts that engines printed at start-up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.quantization import PRECISION_BYTES, Quantization
from replicas.engines.cache import CachePool, plain_pool
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
    outside: float = 0.0
    """Memory of the engine outside its share of the card, beyond the rest of the context."""
    adapters: float
    """LoRA adapters: slots of the configured number and rank."""
    pool: CachePool
    """How the engine keeps the KV cache in the memory that remains."""
    element_bytes: float = PRECISION_BYTES
    """Bytes of an element of the KV cache."""
    counted_request_tokens: int | None = None
    """Length of the requests in which the engine counts its cache; None if it counts blocks."""

    @property
    def usable(self) -> float:
        """Memory of the card that the engine may use."""
        return self.card * self.share

    @property
    def fixed(self) -> float:
        """Memory in use before the first token is cached."""
        return self.weights + self.activations + self.context + self.collectives + self.graphs + self.adapters

    @property
    def cache(self) -> float:
        """Memory that remains for the KV cache; 0 if none does."""
        return max(0.0, self.usable - self.fixed)

    @property
    def kv_cache_tokens(self) -> int:
        """Tokens that the KV cache of the copy holds, as the engine counts them; 0 if no memory is left for it, or the
        model keeps none.
        """
        if self.pool.is_empty:
            return 0
        if self.counted_request_tokens and not self.pool.is_plain:
            return int(self.pool.requests(self.cache, self.counted_request_tokens) * self.counted_request_tokens)
        return self.pool.whole_tokens(self.cache)

    def holds(self, request_tokens: int) -> bool:
        """True if the KV cache holds a request of a length; without a cache, if the rest fits."""
        return self.fixed <= self.usable and self.pool.requests(self.cache, request_tokens) >= 1

    def longest_request(self, bound: int) -> int:
        """Return the longest request that the KV cache holds, tokens, up to a bound."""
        return self.pool.longest_request(self.cache, bound)

    def requests_at_once(self, request_tokens: int) -> int:
        """Return how many requests of a length the KV cache holds at once."""
        return int(self.pool.requests(self.cache, request_tokens))

    def needed(self, request_tokens: int) -> float:
        """Return the memory that the engine needs for one request of a length, bytes."""
        return self.fixed + self.pool.request_bytes(request_tokens)


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
    counted_request_tokens: int | None = None,
    adapter_bytes: float = 0,
    settings: MemorySettings = _DEFAULT_SETTINGS,
) -> CopyMemory:
    """Return the memory of a copy that is split over `tensor_parallel` accelerators of an instance."""
    architecture = model.architecture
    widening = settings.weight_bytes / PRECISION_BYTES
    prefill = prefill_tokens * architecture.activation_bytes_per_token(tensor_parallel) * widening
    sampling = engine.sampling_bytes(architecture.vocab_size, sequences)
    towers = [tower.peak_bytes for tower in architecture.towers]
    workspace = engine.workspace_bytes(architecture, quantization, tensor_parallel, prefill_tokens) * widening
    context, collectives, _ = engine.context_bytes(instance, tensor_parallel)
    element_bytes = engine.cache_element_bytes(model, instance, settings)
    padding = 0.0  # a declared weight is the one that the engine prints, with its padding
    if model.declared.weights_gib is None:
        padding, _ = engine.padding_bytes(architecture, quantization, instance, tensor_parallel)
    memory = CopyMemory(
        card=instance.visible_memory_mib * MIB,
        share=share,
        weights=model.loaded_bytes(quantization, settings.weight_bytes, tensor_parallel) + padding,
        # The engine never reaches two of the peaks at the same time; in the peak of the prefill, experts work in the
        # buffers.
        activations=max(prefill, *(workspace + peak for peak in (sampling, *towers))),
        context=context,
        collectives=collectives,
        graphs=engine.graph_bytes(tensor_parallel) if settings.captures_graphs else 0,
        adapters=adapter_bytes,
        pool=_pool(model, engine, tensor_parallel, prefill_tokens, element_bytes, settings.block_tokens),
        element_bytes=element_bytes,
        counted_request_tokens=counted_request_tokens if engine.counts_cache_in_requests else None,
    )
    outside = engine.outside_bytes(memory.activations, tensor_parallel)
    if outside is not None:
        return replace(memory, activations=0, outside=outside)
    return replace(memory, outside=engine.start_bytes(architecture, quantization, instance, sequences))


def _pool(
    model: Model,
    engine: Engine,
    tensor_parallel: int,
    prefill_tokens: int,
    element_bytes: float,
    block_tokens: int | None,
) -> CachePool:
    """Return the cache pool of a model; a declared cache counts as a plain pool."""
    block_tokens = block_tokens or engine.kv_block_tokens
    if model.declared.kv_bytes_per_token is not None:
        return plain_pool(model.kv_bytes_per_token(tensor_parallel, element_bytes), block_tokens)
    return engine.cache_pool(
        model.architecture,
        tensor_parallel,
        element_bytes,
        block_tokens=block_tokens,
        prefill_tokens=prefill_tokens,
    )
