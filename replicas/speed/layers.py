"""Computes the step times of a model on an accelerator from the kernels of its layers, as engines run them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.parts import Alike, Cache, Matrix
from replicas.catalogue.quantization import PRECISION_BYTES, Quantization
from replicas.engines.profile import Profile
from replicas.speed.accelerators import Accelerator
from replicas.speed.kernels import CONTEXT_TOKENS, Curve, Format, Kernels, chosen_experts, spread
from replicas.speed.times import Decoding, PromptAttention, StepTimes

_TOKENS = (*spread(1, 2**14, 3), 2.0**15)
_SEQUENCES = spread(1, 2**11, 2)
_ROWS = spread(1, 2**11, 1)
_LENGTHS = spread(16, 2**17, 2)
_MESSAGES = (1.0, *spread(8, 2**14, 2))
_BYTES_OF_STREAM_TOKEN = 512
"""Bytes that the measured attention reads for a token: a key and a value of 128 elements of two bytes each."""
_FOUR_BITS = 0.75
"""Bytes per weight below which weights are unpacked before they are multiplied (for example GPTQ, AWQ)."""
_UNPACKED_BYTES = ("eetq", "bitsandbytes", "compressed-tensors", "gptq")
"""Methods whose eight-bit weights are unpacked to half precision before they are multiplied."""
_FLOAT32_BYTES = 4.0
_HIDDEN_PASSES, _WIDTH_PASSES = 8, 3
"""Number of times that the kernels between matrix products read or write activations, per token and layer: the hidden
state (two norms with residuals, two sums), and the feed-forward width (gate and up are read, their product is
written)."""
_PASSES_SHARE = 0.8
"""Share of the memory bandwidth that the kernels between matrix products reach, like a copy of data in memory."""


@dataclass(frozen=True)
class _Product:
    """Matrices that one kernel multiplies on one accelerator, in `layers` layers."""

    weights: float
    stored_bytes: float
    fmt: Format
    layers: int


@dataclass(frozen=True)
class _Experts:
    """A mixture of experts on one accelerator, in `layers` layers."""

    per_token: int
    experts: int
    weights: float
    """Weights of one expert."""
    stored_bytes: float
    fmt: Format
    layers: int


@dataclass(frozen=True)
class _Linear:
    """The linear layers of a model."""

    kernels: Kernels
    products: tuple[_Product, ...]
    mixtures: tuple[_Experts, ...]
    unpacking: float

    def seconds(self, tokens: float) -> tuple[float, float]:
        """Return the seconds of computing and of reading weights in a step with this number of tokens."""
        kernels, total, computing, reading = self.kernels, 0.0, 0.0, 0.0
        for product in self.products:
            layers, weights, stored = product.layers, product.weights, product.stored_bytes
            total += layers * kernels.product(tokens, weights, stored, product.fmt, self.unpacking)
            computing += 2 * layers * tokens * weights / kernels.flops
            reading += layers * weights * stored / kernels.bandwidth
        for mixture in self.mixtures:
            layers, weights, stored = mixture.layers, mixture.weights, mixture.stored_bytes
            chances = (mixture.per_token, mixture.experts)
            total += layers * kernels.experts(tokens, *chances, weights, stored, mixture.fmt)
            computing += 2 * layers * tokens * mixture.per_token * weights / kernels.flops
            reading += layers * chosen_experts(tokens, *chances) * weights * stored / kernels.bandwidth
        share = computing**2 / (computing**2 + reading**2)
        return total * share, total * (1 - share)


@lru_cache(maxsize=512)
def step_times(
    architecture: Architecture,
    quantization: Quantization | None,
    accelerator: Accelerator,
    profile: Profile,
    *,
    tensor_parallel: int,
) -> StepTimes:
    """Return the step times of a copy that is split over `tensor_parallel` accelerators."""
    degree, stack = tensor_parallel, architecture.stack
    kernels = accelerator.kernels(profile.compute_efficiency, profile.weights_efficiency)
    few_bits = quantization is not None and quantization.bytes_per_parameter < _FOUR_BITS
    linear = _Linear(
        kernels,
        tuple(_products(stack, quantization, degree)),
        tuple(_mixtures(architecture, quantization, degree)),
        profile.few_bits_compute,
    )
    passes = _passes_seconds(stack, degree, architecture.hidden_size, kernels.bandwidth)
    fixed = architecture.layers * profile.layer_seconds
    fixed += sum(mixture.layers for mixture in linear.mixtures) * profile.routing_seconds
    divided = [linear.seconds(tokens) for tokens in _TOKENS]
    split = degree > 1
    launches = [profile.launch_seconds_per_layer]
    launches += [profile.split_launch_seconds_per_layer] if split else []
    launches += [profile.few_bits_launch_seconds_per_layer] if few_bits else []
    return StepTimes(
        computed=Curve(
            _TOKENS, tuple(one + tokens * passes for tokens, (one, _) in zip(_TOKENS, divided, strict=True))
        ),
        read=Curve(_TOKENS, tuple(other + fixed for _, other in divided)),
        head=_head(kernels, architecture, degree),
        prompts=tuple(_prompts(kernels, stack, degree)),
        decoding=_decoding(kernels, architecture, degree, profile, accelerator.multiprocessors),
        exchange=_exchange(kernels, architecture, degree, profile) if split else None,
        least=architecture.exchanges / 2 * max(launches),
        step_host=profile.step_seconds,
        sequence_host=profile.sequence_seconds,
        hides_host=profile.asynchronous,
    )


# ---- linear layers


def _products(stack: Iterable[Alike], quantization: Quantization | None, degree: int) -> Iterator[_Product]:
    """Yield the matrix products of all layers. Projections with the same input run as one product."""
    for alike in stack:
        layer = alike.layer
        for matrices in (
            *(mixer.matrices for mixer in layer.mixers),
            *(block.matrices for block in layer.feed_forwards),
            layer.matrices,
        ):
            together: dict[object, list[Matrix]] = {}
            for matrix in matrices:
                if matrix.count == 1:
                    alone = matrix.name if matrix.splits_inputs else ""
                    together.setdefault((matrix.inputs, matrix.precision, alone), []).append(matrix)
            for group in together.values():
                weights = sum(matrix.weights_per_accelerator(degree) for matrix in group)
                for (fmt, stored), layers in _formats(group[0], alike, quantization).items():
                    yield _Product(weights, stored, fmt, layers)


def _mixtures(architecture: Architecture, quantization: Quantization | None, degree: int) -> Iterator[_Experts]:
    for alike in architecture.stack:
        for block in alike.layer.feed_forwards:
            if block.experts:
                expert = next(matrix for matrix in block.matrices if matrix.count > 1)
                weights = block.expert_parameters / degree
                for (fmt, stored), layers in _formats(expert, alike, quantization).items():
                    yield _Experts(block.experts_per_token, block.experts, weights, stored, fmt, layers)


def _formats(matrix: Matrix, alike: Alike, quantization: Quantization | None) -> Counter[tuple[Format, float]]:
    """Count the layers of a matrix, by its format and its bytes per weight in the layer."""
    if matrix.precision == "float32":
        return Counter({("half", _FLOAT32_BYTES): alike.count})
    if quantization is None or matrix.precision == "half":
        return Counter({("half", float(PRECISION_BYTES)): alike.count})
    if quantization.is_uniform:
        return Counter({_format(quantization): alike.count})
    return Counter(_format(quantization.of(matrix.name, number)) for number in alike.numbers)


def _format(quantization: Quantization | None) -> tuple[Format, float]:
    """Return the format in which kernels multiply quantized weights, and the bytes per stored weight."""
    if quantization is None:
        return "half", float(PRECISION_BYTES)
    stored = quantization.bytes_per_parameter
    if quantization.bits == 8 and quantization.method not in _UNPACKED_BYTES:
        return ("fp8_block" if quantization.block else "fp8"), stored
    return "four_bits", stored


def _passes_seconds(stack: Iterable[Alike], degree: int, hidden: int, bandwidth: float) -> float:
    """Return the seconds per token of the kernels between matrix products, which read and write activations."""
    elements = 0.0
    for alike in stack:
        widths = sum(block.active_width for block in alike.layer.feed_forwards)
        heads = sum(mixer.heads * mixer.head_dim for mixer in alike.layer.mixers)
        elements += alike.count * (_HIDDEN_PASSES * hidden + _WIDTH_PASSES * (widths + heads) / degree)
    return elements * PRECISION_BYTES / (bandwidth * _PASSES_SHARE)


def _head(kernels: Kernels, architecture: Architecture, degree: int) -> Curve:
    weights = architecture.hidden_size * architecture.vocab_size / degree
    return Curve(_ROWS, tuple(kernels.product(rows, weights, PRECISION_BYTES, "half", 1.0) for rows in _ROWS))


# ---- attention


def _prompts(kernels: Kernels, stack: Iterable[Alike], degree: int) -> Iterator[PromptAttention]:
    for alike in stack:
        for mixer in alike.layer.mixers:
            if not mixer.pair_width:
                continue
            window = next((cache.tokens for cache in mixer.caches if cache.kind in ("window", "chunk")), None)
            flops = 2 * mixer.pair_width / degree * alike.count
            heads = max(1.0, mixer.heads / degree)
            seconds = tuple(
                flops / kernels.prompt_flops(min(length, window or length), heads, mixer.head_dim)
                for length in _LENGTHS
            )
            yield PromptAttention(Curve(_LENGTHS, seconds), window, alike.count * kernels.context(1, 1))


def _decoding(
    kernels: Kernels, architecture: Architecture, degree: int, profile: Profile, multiprocessors: int
) -> Decoding:
    lengths = (0, *CONTEXT_TOKENS, *{cache.tokens for cache, _ in architecture.caches if cache.tokens})
    sizes = tuple(float(length) for length in sorted(set(lengths)))
    heads = architecture.heads / degree
    drawn = [min(1.0, each * heads * profile.blocks_per_multiprocessor / multiprocessors) for each in _SEQUENCES]
    tables = [
        (count, _cache_seconds(kernels, cache, degree, drawn, sizes))
        for cache, count in architecture.caches
        if cache.kind != "cross"
    ]
    curves = []
    for row, sequences in enumerate(_SEQUENCES):
        values = [
            sum(count * table[row][column] for count, table in tables) / profile.attention_efficiency
            for column in range(len(sizes))
        ]
        curves.append((sequences, Curve(sizes, tuple(values))))
    return Decoding(tuple(curves))


def _cache_seconds(
    kernels: Kernels, cache: Cache, degree: int, drawn: Sequence[float], lengths: Sequence[float]
) -> list[list[float]]:
    """Return the seconds in which one layer reads a cache: for each of `_SEQUENCES`, one value for each of `lengths`.

    `drawn` is the largest share of the bandwidth that the attention can reach, for each of `_SEQUENCES`.
    """
    each = cache.bytes_per_token(degree, PRECISION_BYTES)
    if cache.kind == "state":  # a state is read and written
        return [
            [2 * each * sequences / (kernels.cache_bandwidth * _PASSES_SHARE)] * len(lengths)
            for sequences in _SEQUENCES
        ]
    kept = [min(length, cache.tokens) if cache.tokens else length for length in lengths]
    streams = max(1, cache.heads // degree)
    tokens = [max(1.0, some * each / streams / _BYTES_OF_STREAM_TOKEN) for some in kept]
    table = kernels.contexts([streams * sequences for sequences in _SEQUENCES], tokens)
    return [
        [
            max(seconds, sequences * some * each / (kernels.cache_bandwidth * share))
            for seconds, some in zip(row, kept, strict=True)
        ]
        for sequences, share, row in zip(_SEQUENCES, drawn, table, strict=True)
    ]


def _exchange(kernels: Kernels, architecture: Architecture, degree: int, profile: Profile) -> Curve:
    seconds = (
        architecture.exchanges
        * (profile.all_reduce_seconds + kernels.exchange(tokens * architecture.hidden_size * PRECISION_BYTES, degree))
        for tokens in _MESSAGES
    )
    return Curve(_MESSAGES, tuple(seconds))
