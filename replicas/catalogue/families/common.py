"""Formulas that families share: the fields of Llama's `config.json`, which most other families also use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from replicas.catalogue.architecture import Architecture, Head
from replicas.catalogue.composition.attention import grouped
from replicas.catalogue.composition.feed_forward import dense
from replicas.catalogue.composition.parts import CacheKind, FeedForward, Layer, Matrix, Mixer, grouped_alike
from replicas.catalogue.composition.towers import Tower
from replicas.catalogue.fields import Fields


@dataclass(frozen=True)
class Span:
    """The tokens that a layer's attention covers: all tokens, or a window or chunk of `tokens`."""

    kind: CacheKind = "full"
    tokens: int | None = None


ALL_TOKENS = Span()

_KINDS: Mapping[str, CacheKind] = {"sliding_attention": "window", "chunked_attention": "chunk"}


def hidden_size(c: Fields) -> int:
    """Return the width of the model."""
    return c.count("hidden_size")


def attention(
    c: Fields,
    span: Span = ALL_TOKENS,
    *,
    qkv_bias: bool = False,
    output_bias: bool = False,
    head_norms: bool = False,
    vectors: int = 0,
    output_gate: bool = False,
) -> Mixer:
    """Return the attention that Llama's fields describe.

    Args:
        c: the configuration.
        span: the tokens that the layer attends to.
        qkv_bias: True if queries, keys and values have biases.
        output_bias: True if the output projection has a bias.
        head_norms: True if queries and keys are normed over the width of a head.
        vectors: further parameters of norms and sinks.
        output_gate: True if the query projection also gates the result.

    """
    heads, width = c.count("num_attention_heads"), hidden_size(c)
    head_dim = c.count("head_dim", width // heads)
    return grouped(
        width,
        heads=heads,
        kv_heads=c.count("num_key_value_heads", heads),
        head_dim=head_dim,
        qkv_bias=qkv_bias,
        output_bias=output_bias,
        vectors=vectors + 2 * head_dim * head_norms,
        gates=heads * head_dim * output_gate,
        kind=span.kind,
        tokens=span.tokens,
    )


def spans(c: Fields, *, windowed: Sequence[bool] | None = None, field: str = "sliding_window") -> list[Span]:
    """Return the span of each layer.

    `layer_types` in the configuration names the kind of each layer. Without it, `windowed` marks the layers with a
    window.

    Args:
        c: the configuration.
        windowed: True for each layer with a window; default: all layers.
        field: name of the field with the tokens of the window.

    """
    layers = c.layers("num_hidden_layers")
    tokens = _window(c, field)
    kinds = c.each("layer_types", layers)
    if kinds is None:
        return [Span("window", tokens) if tokens and on else ALL_TOKENS for on in windowed or [True] * layers]
    require_kinds(kinds, "full_attention", "sliding_attention")
    return [Span("window", tokens) if tokens and kind == "sliding_attention" else ALL_TOKENS for kind in kinds]


def require_kinds(kinds: Iterable[object], *known: str, field: str = "layer_types") -> None:
    """Raise a `ValueError` that names the kinds of layers in `kinds` that a formula does not know."""
    unknown = sorted({str(kind) for kind in kinds} - set(known))
    if unknown:
        raise ValueError(f"{field} has {', '.join(unknown)}, for which no sizing formula is known")


def _window(c: Fields, field: str) -> int | None:
    tokens = c.get(field) or None  # 0 and null turn the window off
    return None if tokens is None else c.count(field)


def every_other(layers: int) -> list[bool]:
    """Return True for every second layer, beginning with the first."""
    return [number % 2 == 0 for number in range(layers)]


def block(c: Fields, *, gated: bool = True, bias: bool = False, field: str = "intermediate_size") -> FeedForward:
    """Return the dense feed-forward block that Llama's fields describe."""
    return dense(hidden_size(c), c.count(field), gated=gated, bias=bias)


def ends(c: Fields, *, tied: bool, width: int | None = None) -> tuple[Matrix, ...]:
    """Return the token embeddings, and the output head unless it is tied to them."""
    vocabulary, width = c.count("vocab_size"), width or hidden_size(c)
    embeddings = Matrix("embed_tokens", vocabulary, width, precision="half")
    return (embeddings,) if tied else (embeddings, Matrix("lm_head", vocabulary, width, precision="named"))


def is_tied(c: Fields, default: bool = False) -> bool:
    """True if the output head shares the weights of the token embeddings (`tie_word_embeddings`)."""
    return c.flag("tie_word_embeddings", default)


def has_own_head(c: Fields) -> bool:
    """Return False, the value of `tied` in families for which engines ignore `tie_word_embeddings` and build a head."""
    is_tied(c)  # marks the field as understood
    return False


def decoder(
    c: Fields,
    layers: Iterable[Layer],
    *,
    model_type: str | None = None,
    tied: bool | None = None,
    tied_by_default: bool = False,
    norms: int = 1,
    vectors: int = 0,
    context: str | None = "max_position_embeddings",
    towers: tuple[Tower, ...] = (),
    prediction_parameters: int = 0,
    head: Head = "language_model",
    doubts: tuple[str, ...] = (),
) -> Architecture:
    """Return a decoder of layers between token embeddings and an output head.

    Args:
        c: the configuration of the language model.
        layers: layers of the decoder.
        model_type: type of the whole model; default: the type in `c`.
        tied: True if the output head shares the weights of the token embeddings; default: `tie_word_embeddings`.
        tied_by_default: True if head and embeddings are tied in a configuration without `tie_word_embeddings`.
        norms: vectors of the model's width after the last layer.
        vectors: further parameters outside the layers.
        context: field with the longest context.
        towers: encoders of images and sound.
        prediction_parameters: parameters of multi-token prediction layers.
        head: the output of the model.
        doubts: warnings about facts that are missing in the configuration.

    """
    is_tied_here = is_tied(c, tied_by_default) if tied is None else tied
    embeddings = ends(c, tied=is_tied_here or head != "language_model")
    return Architecture(
        model_type=model_type or str(c.get("model_type", "")),
        hidden_size=hidden_size(c),
        vocab_size=c.count("vocab_size"),
        context_tokens=c.count_or_none(context) if context else None,
        stack=grouped_alike(layers),
        ends=embeddings,
        vectors=norms * hidden_size(c) + vectors,
        towers=towers,
        prediction_parameters=prediction_parameters,
        head=head,
        doubts=doubts,
    )


def plain_layers(c: Fields, mixers: Sequence[Mixer], feed_forward: FeedForward, *, norms: int = 2) -> list[Layer]:
    """Return one layer for each mixer, all with the same feed-forward block, and `norms` vectors of the model's
    width.
    """
    return layers_of(c, mixers, [feed_forward] * len(mixers), norms=norms)


def layers_of(
    c: Fields, mixers: Sequence[Mixer], feed_forwards: Sequence[FeedForward], *, norms: int = 2
) -> list[Layer]:
    """Return one layer for each mixer and its feed-forward block, with `norms` vectors of the model's width."""
    return [
        Layer(mixers=(mixer,), feed_forwards=(feed_forward,), vectors=norms * hidden_size(c))
        for mixer, feed_forward in zip(mixers, feed_forwards, strict=True)
    ]


def prediction(c: Fields, layer: Layer, count: int) -> int:
    """Return the parameters of multi-token prediction layers (models/deepseek_mtp.py).

    Each has the parts of a layer of the model, a projection of token and state, and three norms.

    Args:
        c: the configuration of the language model.
        layer: the layer whose parts each prediction layer has.
        count: number of prediction layers.

    """
    return count * (layer.parameters + prediction_surround(c))


def prediction_surround(c: Fields) -> int:
    """Return the parameters of a prediction layer outside its decoder layer.

    These are a projection of token and state, and three norms.
    """
    return 2 * hidden_size(c) ** 2 + 3 * hidden_size(c)
