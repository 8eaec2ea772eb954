"""How long the steps of one copy's engine take: compute against bandwidth, and what the host adds.

A step computes the prompt tokens of its chunks and one token of each decoding sequence. The linear layers compute all
tokens and read the weights once, and the two overlap in part; attention of decoding sequences reads their KV cache;
over several accelerators each layer exchanges its activations twice; no step is shorter than the launches of its
kernels; the host prepares every sequence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.models import weights_bytes
from replicas.catalogue.quantization import PRECISION_BYTES, Quantization
from replicas.engines.profile import Profile
from replicas.forecast.accelerators import Accelerator

_FEW_BITS = 0.75
"""Bytes per parameter: below, weights are unpacked before they are multiplied (GPTQ, AWQ and their like)."""


class Chunk(NamedTuple):
    """Prompt tokens that one step computes for one request."""

    tokens: int
    cached_tokens: int = 0
    """Tokens before them that earlier steps computed."""


class Parts(NamedTuple):
    """Where the time of a step goes, seconds."""

    compute: float
    weights: float
    cache: float
    exchange: float
    host: float


@dataclass(frozen=True, kw_only=True)
class StepTimes:
    """The times of one copy, seconds. Every figure is that of all its accelerators together."""

    token_compute: float
    """Linear layers, each token."""
    sequence_compute: float
    """Output head, each sequence of the step."""
    pair_compute: float
    """Attention of a prompt, each pair of a token and one before it."""
    attention_weights_read: float
    """Linear layers outside the feed-forward blocks, and the output head, each step."""
    expert_read: float
    """Feed-forward blocks of one expert in all layers (of the only one, where there are no experts)."""
    experts: int
    experts_per_token: int
    overlap: float
    """Computing and reading overlap: infinite, and the longer one counts; 1, and both add up (a p-norm of the two)."""
    context_read: float
    """KV cache of a decoding sequence, each token of its context."""
    exchange: float
    """Activations between accelerators, each token."""
    exchange_latency: float
    """Each step."""
    least: float
    """Launching the kernels of a step: work on the accelerators hides behind it, or it behind the work."""
    step_host: float
    sequence_host: float

    def prefill(self, prompts: Iterable[int]) -> float:
        """A step that computes whole prompts, given by their tokens."""
        return self.step([Chunk(tokens) for tokens in prompts])

    def decode(self, sequences: int, context_tokens: int) -> float:
        """A step that computes one token of each sequence; the tokens of all their contexts together."""
        return self.step((), sequences, context_tokens)

    def step(self, chunks: Iterable[Chunk], sequences: int = 0, context_tokens: float = 0) -> float:
        """A step that computes chunks of prompts and one token of each decoding sequence."""
        return sum(self.parts(chunks, sequences, context_tokens))

    def parts(self, chunks: Iterable[Chunk], sequences: int = 0, context_tokens: float = 0) -> Parts:
        """What such a step is made of."""
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
        """So many decoding steps in a row: the context grows by a token of each sequence a step."""
        last = context_tokens + (steps - 1) * sequences
        if self._waits_for_launch(sequences, context_tokens) == self._waits_for_launch(sequences, last):
            # Each part is linear in the context: the step in the middle stands for all.
            middle = self.parts((), sequences, (context_tokens + last) / 2)
            return Parts(*(steps * part for part in middle))
        singles = (self.parts((), sequences, context_tokens + step * sequences) for step in range(steps))
        return Parts(*(sum(each) for each in zip(*singles, strict=True)))

    def _linear(self, tokens: int, rows: int) -> tuple[float, float]:
        """What the linear layers take, shared between computing and reading the weights."""
        computed = (tokens * self.token_compute + rows * self.sequence_compute) ** self.overlap
        read = self._weights_read(tokens) ** self.overlap
        linear = (computed + read) ** (1 / self.overlap)
        return linear * computed / (computed + read), linear * read / (computed + read)

    def _waits_for_launch(self, sequences: int, context_tokens: float) -> bool:
        work = sum(self._linear(sequences, sequences)) + context_tokens * self.context_read
        return work + sequences * self.exchange + self.exchange_latency < self.least

    def _weights_read(self, tokens: int) -> float:
        """Each token chooses its experts; those that no token of the step chose are not read."""
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
    """The times of a copy that is split over `tensor_parallel` accelerators."""
    shape = architecture
    few_bits = quantization is not None and quantization.bytes_per_parameter < _FEW_BITS
    compute = accelerator.tflops * 1e12 * accelerator.compute_efficiency * profile.compute_efficiency * tensor_parallel
    bandwidth = accelerator.gb_per_second * 1e9 * tensor_parallel
    read = bandwidth * accelerator.read_efficiency * profile.weights_efficiency
    cache_read = accelerator.gb_per_second * 1e9 * profile.attention_efficiency
    if few_bits:
        compute *= profile.few_bits_compute
    link = accelerator.link_gb_per_second(tensor_parallel) * 1e9 * profile.link_efficiency
    expert, experts = _experts(shape)
    stored = quantization
    # Of the embeddings a step reads a row a token, next to nothing; of the output head all.
    unread = shape.parameters - shape.linear_parameters - shape.hidden_size * shape.vocab_size
    read_bytes = weights_bytes(shape, stored) - unread * PRECISION_BYTES
    expert_bytes = expert * (stored.bytes_per_parameter if stored else PRECISION_BYTES)
    # A ring passes twice all but its own part of the activations; two exchanges a layer.
    passed = 2 * (tensor_parallel - 1) / tensor_parallel * shape.hidden_size * PRECISION_BYTES
    split = tensor_parallel > 1
    launches = [profile.launch_seconds_per_layer]
    launches += [profile.split_launch_seconds_per_layer] if split else []
    launches += [profile.few_bits_launch_seconds_per_layer] if few_bits else []
    return StepTimes(
        token_compute=2 * (shape.linear_parameters - expert * (experts - shape.experts_per_token)) / compute,
        sequence_compute=2 * shape.hidden_size * shape.vocab_size / compute,
        pair_compute=4 * shape.layers * shape.heads * shape.head_dim / compute,
        attention_weights_read=(read_bytes - experts * expert_bytes) / read,
        expert_read=expert_bytes / read,
        experts=experts,
        experts_per_token=shape.experts_per_token,
        overlap=profile.overlap,
        context_read=shape.kv_bytes_per_token(tensor_parallel, PRECISION_BYTES) / cache_read,
        exchange=2 * shape.layers * passed / link if split else 0.0,
        exchange_latency=2 * shape.layers * profile.all_reduce_seconds if split else 0.0,
        least=shape.layers * max(launches),
        step_host=profile.step_seconds,
        sequence_host=profile.sequence_seconds,
    )


def _experts(shape: Architecture) -> tuple[int, int]:
    """Parameters of one expert in all layers, and how many experts there are (one, where a model has none).

    What is not attention is feed-forward, and the width of one block is known.
    """
    expert = shape.layers * (3 if shape.gated else 2) * shape.hidden_size * shape.intermediate_size
    attention = shape.layers * shape.hidden_size * shape.head_dim * 2 * (shape.heads + shape.kv_heads)
    if shape.encoder_decoder or shape.experts_per_token == 1:
        return expert, 1
    return expert, max(shape.experts_per_token, round((shape.linear_parameters - attention) / expert))
