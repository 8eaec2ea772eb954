"""Memory of one copy on one accelerator: the memory in use, and the remaining memory for the KV cache.

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
    """Memory of one copy on each of its accelerators, in bytes. Token counts are totals of the copy."""

    card: float
    """Memory of the card that a process can use."""
    share: float
    """Share of the card's memory that the engine may use, 0 to 1."""
    weights: float
    """Weights in the format of the engine's kernels."""
    activations: float
    context: float
    """Memory of the CUDA context and kernels, if the engine counts it in its share of the accelerator's memory."""
    collectives: float
    graphs: float
    outside: float = 0.0
    """Memory that the engine takes outside its share of the card's memory, without the CUDA context."""
    adapters: float
    """LoRA adapters: slots of the configured number and rank."""
    pool: CachePool
    """Blocks in which the engine stores the KV cache."""
    element_bytes: float = PRECISION_BYTES
    """Bytes of an element of the KV cache."""
    counted_request_tokens: int | None = None
    """Number of tokens of a request, if the engine reports the size of its cache as a number of requests; None if it
    reports blocks."""

    @property
    def usable(self) -> float:
        """Memory of the card that the engine may use."""
        return self.card * self.share

    @property
    def fixed(self) -> float:
        """Memory in use before any token is cached."""
        return self.weights + self.activations + self.context + self.collectives + self.graphs + self.adapters

    @property
    def cache(self) -> float:
        """Memory that remains for the KV cache; 0 if none remains."""
        return max(0.0, self.usable - self.fixed)

    @property
    def kv_cache_tokens(self) -> int:
        """Number of tokens that fit in the KV cache of the copy, by the engine's count.

        It is 0 if no memory is left for the cache, or if the model has no cache.
        """
        if self.pool.is_empty:
            return 0
        if self.counted_request_tokens and not self.pool.is_plain:
            return int(self.pool.requests(self.cache, self.counted_request_tokens) * self.counted_request_tokens)
        return self.pool.whole_tokens(self.cache)

    def holds(self, request_tokens: int) -> bool:
        """True if a request of this length fits in the KV cache; without a cache, if the fixed memory fits."""
        return self.fixed <= self.usable and self.pool.requests(self.cache, request_tokens) >= 1

    def longest_request(self, bound: int) -> int:
        """Return the longest request that fits in the KV cache, up to `bound` tokens."""
        return self.pool.longest_request(self.cache, bound)

    def requests_at_once(self, request_tokens: int) -> int:
        """Return how many concurrent requests of this length fit in the KV cache."""
        return int(self.pool.requests(self.cache, request_tokens))

    def needed(self, request_tokens: int) -> float:
        """Return the memory that the engine needs for one request of this length, bytes."""
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
    padding = 0.0  # declared weights are the size that the engine prints, including padding
    if model.declared.weights_gib is None:
        padding, _ = engine.padding_bytes(architecture, quantization, instance, tensor_parallel)
    memory = CopyMemory(
        card=instance.visible_memory_mib * MIB,
        share=share,
        weights=model.loaded_bytes(quantization, settings.weight_bytes, tensor_parallel) + padding,
        # The peaks never coincide, so only the highest counts. The workspace is not added to the prefill, whose experts
        # use it.
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
    """Return the cache pool of a model. It is a plain pool if the user declared the size of the cache."""
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
