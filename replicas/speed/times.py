"""Durations of the steps of one copy's engine, from measured kernels and host time.

A step computes the prompt tokens of its chunks and one token of each decoding sequence. The linear layers compute all
tokens and read the weights once. The attention of decoding sequences reads their KV cache. If a copy has several
accelerators, each layer exchanges its activations. A step takes at least as long as launching its kernels. The host
prepares every sequence. `replicas.speed.layers` computes the times of a model on an accelerator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from replicas.speed.kernels import Curve

Chunk = tuple[int, int]
"""Part of a prompt: the number of tokens that one step computes, and the number of tokens before them, computed in
earlier steps. It is a plain tuple, because simulations create hundreds of thousands of them."""


class Parts(NamedTuple):
    """Time of steps by cause, seconds."""

    compute: float
    weights: float
    cache: float
    exchange: float
    host: float


Split = tuple[float, float, float, float, float]
"""The values of `Parts` without their names. Simulations create hundreds of thousands of them, and a plain tuple
takes a tenth of the time of a named tuple."""
_NOTHING: Split = (0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class PromptAttention:
    """Time of the attention over prompt tokens (prefill), in a group of identical layers."""

    seconds_per_pair: Curve
    """Seconds per pair of a token and an earlier token, summed over the layers, by the length of the prompt so far."""
    window: int | None
    """Number of earlier tokens that a token attends to; None for all."""
    least: float
    """Seconds to start the kernels of all the layers."""
    _whole: dict[int, float] = field(default_factory=dict, init=False, repr=False, compare=False, hash=False)
    """Cache of the times of whole prompts, by their number of tokens."""

    def seconds(self, chunks: Iterable[Chunk]) -> float:
        """Return the seconds of attention for the chunks of one step."""
        seconds = 0.0
        for tokens, cached in chunks:
            if cached:
                seconds += self._chunk_seconds(tokens, cached)
                continue
            whole = self._whole.get(tokens)
            if whole is None:
                whole = self._whole[tokens] = self._chunk_seconds(tokens, 0)
            seconds += whole
        return max(seconds, self.least) if seconds else 0.0

    def _chunk_seconds(self, tokens: int, cached: int) -> float:
        pairs = tokens * (cached + (tokens + 1) / 2)
        if self.window is not None:
            pairs = min(pairs, float(tokens * self.window))
        return pairs * self.seconds_per_pair(tokens + cached)


class Decoding(NamedTuple):
    """Time of attention for decoding sequences, by the number of sequences and their context."""

    by_sequences: tuple[tuple[float, Curve], ...]
    """Curves over the context, for ascending numbers of sequences. Between these numbers, times are interpolated."""


class _Linear(NamedTuple):
    """Times of the layers that depend only on the number of tokens in a step."""

    compute: float
    weights: float
    exchange: float


@dataclass(frozen=True, slots=True)
class _Decoded:
    """Times that all steps with the same number of decoding sequences share."""

    sequences: int
    compute: float
    weights: float
    exchange: float
    work: float
    """Sum of `compute`, `weights` and `exchange`."""
    host: float
    waits_below: float
    """If the work of a step takes less time than this, the accelerators wait for the host or for kernel launches."""
    context: Curve
    """Time of the attention, by the context of each sequence."""


@dataclass(frozen=True, kw_only=True)
class StepTimes:
    """Times of one copy, seconds. All its accelerators together count as one."""

    computed: Curve
    """Computing time of the linear layers, by the tokens of the step."""
    read: Curve
    """Time in which the linear layers read weights, by the tokens of the step."""
    head: Curve | None
    """Time of the output head, by the sequences of the step; None for a model without an output head."""
    prompts: tuple[PromptAttention, ...]
    decoding: Decoding
    exchange: Curve | None
    """Time to exchange activations between accelerators, by the tokens of the step; None for one accelerator."""
    least: float
    """Time to launch the kernels of a step. Launching overlaps with the work on the accelerators, so only the longer of
    the two times counts."""
    step_host: float
    sequence_host: float
    hides_host: bool = False
    """True if the host prepares the next step while the accelerators compute. In this case, only the longer of the two
    times counts."""
    _decoded: dict[int, _Decoded] = field(default_factory=dict, init=False, repr=False, compare=False, hash=False)
    _linear: dict[int, _Linear] = field(default_factory=dict, init=False, repr=False, compare=False, hash=False)
    _heads: dict[int, float] = field(default_factory=dict, init=False, repr=False, compare=False, hash=False)

    def prefill(self, prompts: Iterable[int]) -> float:
        """Return the time of a step that computes whole prompts, given by their token counts."""
        return self.step([(tokens, 0) for tokens in prompts])

    def decode(self, sequences: int, context_tokens: float) -> float:
        """Return the time of a step that computes one token of each sequence. `context_tokens` is the sum of all
        contexts.
        """
        return self.step((), sequences, context_tokens)

    def step(self, chunks: Sequence[Chunk], sequences: int = 0, context_tokens: float = 0) -> float:
        """Return the time of a step that computes chunks of prompts and one token of each decoding sequence."""
        return sum(self.parts(chunks, sequences, context_tokens))

    def parts(self, chunks: Sequence[Chunk], sequences: int = 0, context_tokens: float = 0) -> Split:
        """Return the time of a step like `step`, split by cause."""
        if not chunks:
            return self.run(sequences, context_tokens, 1) if sequences else _NOTHING
        rows = sequences + len(chunks)
        tokens = sequences + (chunks[0][0] if len(chunks) == 1 else sum([tokens for tokens, _ in chunks]))
        compute, weights, exchange = self._linear.get(tokens) or self._linear_of(tokens)
        for attention in self.prompts:
            compute += attention.seconds(chunks)
        if self.head is not None:
            compute += self._heads.get(rows) or self._head_of(rows)
        cache = 0.0
        if sequences:
            decoded = self._decoded.get(sequences) or self._of(sequences)
            cache = decoded.context(context_tokens / sequences)
        host = self._waiting(compute + weights + cache + exchange, self.step_host + rows * self.sequence_host)
        return compute, weights, cache, exchange, host

    def run(self, sequences: int, context_tokens: float, steps: int) -> Split:
        """Return the total time of consecutive decoding steps, by cause.

        The context grows by one token per sequence and step.
        """
        decoded = self._decoded.get(sequences) or self._of(sequences)
        if steps == 1:
            return self._decoding(decoded, context_tokens)
        last = context_tokens + (steps - 1) * sequences
        if self._is_even(decoded, context_tokens, last):
            # Each time is close to linear in the context, so the middle step is the mean of all steps.
            compute, weights, cache, exchange, host = self._decoding(decoded, (context_tokens + last) / 2)
            return steps * compute, steps * weights, steps * cache, steps * exchange, steps * host
        singles = [self._decoding(decoded, context_tokens + step * sequences) for step in range(steps)]
        compute, weights, cache, exchange, host = map(sum, zip(*singles, strict=True))
        return compute, weights, cache, exchange, host

    def _decoding(self, decoded: _Decoded, context_tokens: float) -> Split:
        """Return the time of a step without prompts."""
        cache = decoded.context(context_tokens / decoded.sequences)
        host = self._waiting(decoded.work + cache, decoded.host)
        return decoded.compute, decoded.weights, cache, decoded.exchange, host

    def _waiting(self, work: float, host: float) -> float:
        """Return the seconds in which the accelerators wait for the host, which works for `host` seconds."""
        if self.hides_host:
            longest = self.least if self.least > host else host
            return longest - work if longest > work else 0.0
        return self.least - work + host if self.least > work else host

    def _is_even(self, decoded: _Decoded, first: float, last: float) -> bool:
        """True if the accelerators wait either in both the first and the last step, or in neither."""
        work, below, sequences = decoded.work, decoded.waits_below, decoded.sequences
        if work >= below:
            return True
        context = decoded.context
        return (work + context(first / sequences) < below) == (work + context(last / sequences) < below)

    def _linear_of(self, tokens: int) -> _Linear:
        """Return the times that depend only on the number of tokens in a step, and cache them."""
        exchange = self.exchange(tokens) if self.exchange is not None else 0.0
        linear = self._linear[tokens] = _Linear(self.computed(tokens), self.read(tokens), exchange)
        return linear

    def _head_of(self, rows: int) -> float:
        """Return the time of the output head, and cache it."""
        assert self.head is not None  # noqa: S101 (the caller checks it)
        seconds = self._heads[rows] = self.head(rows)
        return seconds

    def _of(self, sequences: int) -> _Decoded:
        """Return the times that all steps with this number of decoding sequences share, and cache them."""
        compute = self.computed(sequences) + (self.head(sequences) if self.head is not None else 0.0)
        weights = self.read(sequences)
        exchange = self.exchange(sequences) if self.exchange is not None else 0.0
        host = self.step_host + sequences * self.sequence_host
        decoded = self._decoded[sequences] = _Decoded(
            sequences,
            compute,
            weights,
            exchange,
            compute + weights + exchange,
            host,
            max(self.least, host) if self.hides_host else self.least,
            _between(self.decoding.by_sequences, sequences),
        )
        return decoded


def _between(curves: tuple[tuple[float, Curve], ...], sequences: int) -> Curve:
    if len(curves) == 1:
        ((most, curve),) = curves
        return Curve(curve.sizes, tuple(value * sequences / most for value in curve.values))
    above = next((place for place, (number, _) in enumerate(curves) if number >= sequences), len(curves) - 1)
    (low, left), (high, right) = curves[max(0, above - 1)], curves[max(1, above)]
    share = (sequences - low) / (high - low)
    values = (one + (other - one) * share for one, other in zip(left.values, right.values, strict=True))
    return Curve(left.sizes, tuple(values))
