"""Durations of the steps of one copy's engine, from compute, memory bandwidth and host time.

A step computes the prompt tokens of its chunks and one token of each decoding sequence. The linear layers compute all
tokens and read the weights once; computing and reading overlap in part. The attention of decoding sequences reads their
KV cache. If a copy has several accelerators, each layer exchanges its activations twice. A step takes at least as long
as launching its kernels. The host prepares every sequence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.quantization import PRECISION_BYTES, Quantization
from replicas.catalogue.weights import weights_bytes
from replicas.engines.profile import Profile
from replicas.forecast.accelerators import Accelerator

_FEW_BITS = 0.75
"""Bytes per parameter. Weights smaller than this are unpacked before they are multiplied (for example GPTQ, AWQ)."""


class Chunk(NamedTuple):
    """Prompt tokens that one step computes for one request."""

    tokens: int
    cached_tokens: int = 0
    """Tokens of the request before this chunk, computed in earlier steps."""


class Parts(NamedTuple):
    """Time of a step by cause, seconds."""

    compute: float
    weights: float
    cache: float
    exchange: float
    host: float


@dataclass(frozen=True, kw_only=True)
class StepTimes:
    """Times of one copy, seconds. All its accelerators together count as one."""

    token_compute: float
    """Compute time of the linear layers, per token."""
    sequence_compute: float
    """Compute time of the output head, per sequence of the step."""
    pair_compute: float
    """Compute time of a prompt's attention, per pair of a token and an earlier token."""
    attention_weights_read: float
    """Time to read the linear layers outside the feed-forward blocks and the output head, per step."""
    expert_read: float
    """Time to read the feed-forward blocks of one expert in all layers (of the only one if the model has no
    experts)."""
    experts: int
    experts_per_token: int
    overlap: float
    """Exponent of the p-norm that combines compute and read time. Infinite: they overlap fully, the longer one counts;
    1: they do not overlap and add up."""
    context_read: float
    """Time to read the KV cache of a decoding sequence, per token of its context."""
    exchange: float
    """Time to exchange activations between accelerators, per token."""
    exchange_latency: float
    """Latency of the exchanges between accelerators, per step."""
    least: float
    """Time to launch the kernels of a step. It overlaps with the work on the accelerators: the longer of the two
    counts."""
    step_host: float
    sequence_host: float

    def prefill(self, prompts: Iterable[int]) -> float:
        """Return the time of a step that computes whole prompts, given by their token counts."""
        return self.step([Chunk(tokens) for tokens in prompts])

    def decode(self, sequences: int, context_tokens: int) -> float:
        """Return the time of a step that computes one token of each sequence. `context_tokens` is the sum of all
        contexts.
        """
        return self.step((), sequences, context_tokens)

    def step(self, chunks: Iterable[Chunk], sequences: int = 0, context_tokens: float = 0) -> float:
        """Return the time of a step that computes chunks of prompts and one token of each decoding sequence."""
        return sum(self.parts(chunks, sequences, context_tokens))

    def parts(self, chunks: Iterable[Chunk], sequences: int = 0, context_tokens: float = 0) -> Parts:
        """Return the time of such a step by cause."""
        tokens, rows, pairs = sequences, sequences, 0.0
        for chunk in chunks:
            tokens += chunk.tokens
            rows += 1
            pairs += chunk.tokens * (chunk.cached_tokens + (chunk.tokens + 1) / 2)
        compute, weights = self._linear(tokens, rows)
        compute += pairs * self.pair_compute
        cache = context_tokens * self.context_read
        exchange = tokens * self.exchange + self.exchange_latency
        launch = max(0.0, self.least - compute - weights - cache - exchange)
        return Parts(compute, weights, cache, exchange, launch + self.step_host + rows * self.sequence_host)

    def run(self, sequences: int, context_tokens: int, steps: int) -> Parts:
        """Return the time of consecutive decoding steps by cause. The context grows by one token per sequence and
        step.
        """
        last = context_tokens + (steps - 1) * sequences
        linear = sum(self._linear(sequences, sequences))
        if self._waits_for_launch(linear, sequences, context_tokens) == self._waits_for_launch(linear, sequences, last):
            # Each part is linear in the context, so that the middle step is the mean of all.
            middle = self.parts((), sequences, (context_tokens + last) / 2)
            return Parts(*(steps * part for part in middle))
        singles = (self.parts((), sequences, context_tokens + step * sequences) for step in range(steps))
        return Parts(*(sum(times) for times in zip(*singles, strict=True)))

    def _linear(self, tokens: int, rows: int) -> tuple[float, float]:
        """Return the time of the linear layers, divided between computing and reading the weights."""
        computed = (tokens * self.token_compute + rows * self.sequence_compute) ** self.overlap
        read = self._weights_read(tokens) ** self.overlap
        linear = (computed + read) ** (1 / self.overlap)
        return linear * computed / (computed + read), linear * read / (computed + read)

    def _waits_for_launch(self, linear: float, sequences: int, context_tokens: float) -> bool:
        work = linear + context_tokens * self.context_read
        return work + sequences * self.exchange + self.exchange_latency < self.least

    def _weights_read(self, tokens: int) -> float:
        """Return the time to read the weights. Experts that no token of the step selects are not read."""
        if self.experts == 1:
            return self.attention_weights_read + self.expert_read
        chosen = 1 - (1 - self.experts_per_token / self.experts) ** tokens
        return self.attention_weights_read + self.experts * chosen * self.expert_read


def step_times(
    architecture: Architecture,
    quantization: Quantization | None,
    accelerator: Accelerator,
    profile: Profile,
    *,
    tensor_parallel: int,
) -> StepTimes:
    """Return the times of a copy that is split over `tensor_parallel` accelerators."""
    shape = architecture
    few_bits = quantization is not None and quantization.bytes_per_parameter < _FEW_BITS
    compute = accelerator.tflops * 1e12 * accelerator.compute_efficiency * profile.compute_efficiency * tensor_parallel
    bandwidth = accelerator.gb_per_second * 1e9 * tensor_parallel
    read = bandwidth * accelerator.read_efficiency * profile.weights_efficiency
    cache_read = accelerator.gb_per_second * 1e9 * profile.attention_efficiency
    if few_bits:
        compute *= profile.few_bits_compute
    link = accelerator.link_gb_per_second(tensor_parallel) * 1e9 * profile.link_efficiency
    expert, experts = shape.expert_parameters, max(1, shape.experts)
    stored = quantization
    # A step reads one row of the embeddings per token, which is negligible, and the whole output head.
    unread = shape.parameters - shape.linear_parameters - shape.hidden_size * shape.vocab_size
    read_bytes = weights_bytes(shape, stored) - unread * PRECISION_BYTES
    expert_bytes = expert * (stored.bytes_per_parameter if stored else PRECISION_BYTES)
    # A ring all-reduce sends (n - 1) / n of the activations twice.
    passed = 2 * (tensor_parallel - 1) / tensor_parallel * shape.hidden_size * PRECISION_BYTES
    split = tensor_parallel > 1
    context = shape.cached_bytes_per_token(tensor_parallel, PRECISION_BYTES)
    launches = [profile.launch_seconds_per_layer]
    launches += [profile.split_launch_seconds_per_layer] if split else []
    launches += [profile.few_bits_launch_seconds_per_layer] if few_bits else []
    return StepTimes(
        token_compute=2 * (shape.linear_parameters - expert * (experts - shape.experts_per_token)) / compute,
        sequence_compute=2 * shape.hidden_size * shape.vocab_size / compute,
        pair_compute=2 * shape.pair_width / compute,
        attention_weights_read=(read_bytes - experts * expert_bytes) / read,
        expert_read=expert_bytes / read,
        experts=experts,
        experts_per_token=shape.experts_per_token,
        overlap=profile.overlap,
        context_read=context / cache_read,
        exchange=shape.exchanges * passed / link if split else 0.0,
        exchange_latency=shape.exchanges * profile.all_reduce_seconds if split else 0.0,
        least=shape.exchanges / 2 * max(launches),
        step_host=profile.step_seconds,
        sequence_host=profile.sequence_seconds,
    )
