"""Decoders with plain attention and dense feed-forward blocks."""

from __future__ import annotations

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.attention import grouped
from replicas.catalogue.composition.feed_forward import dense
from replicas.catalogue.composition.parts import FeedForward, Layer, Mixer
from replicas.catalogue.families.common import (
    Span,
    attention,
    block,
    decoder,
    every_other,
    hidden_size,
    plain_layers,
    prediction,
    spans,
)
from replicas.catalogue.fields import Fields


def llama(c: Fields) -> Architecture:
    """Return the architecture of Llama, and of families with the same layers."""
    bias = c.flag("attention_bias")
    mixer = attention(c, qkv_bias=bias, output_bias=bias)
    feed_forward = block(c, bias=c.flag("mlp_bias"))
    return decoder(c, plain_layers(c, [mixer] * c.layers("num_hidden_layers"), feed_forward))


def mistral_layers(c: Fields) -> list[Layer]:
    """Return the layers of Mistral: Llama's layers with a window."""
    bias = c.flag("attention_bias")
    mixers = [attention(c, span, qkv_bias=bias, output_bias=bias) for span in spans(c)]
    return plain_layers(c, mixers, block(c, bias=c.flag("mlp_bias")))


def mistral(c: Fields) -> Architecture:
    """Return the architecture of Mistral and Phi 3."""
    return decoder(c, mistral_layers(c))


def _window_from(c: Fields) -> list[Span]:
    """Return the span of each layer of Qwen: layers from `max_window_layers` on have a window if `use_sliding_window`
    is set.
    """
    layers, first = c.layers("num_hidden_layers"), c.number("max_window_layers")
    layer_spans = spans(c, windowed=[number >= first for number in range(layers)])
    return layer_spans if c.flag("use_sliding_window") else [Span()] * layers


def qwen2_layers(c: Fields) -> list[Layer]:
    """Return the layers of Qwen 2: Llama's layers with biases of queries, keys and values."""
    return plain_layers(c, [attention(c, span, qkv_bias=True) for span in _window_from(c)], block(c))


def qwen2(c: Fields) -> Architecture:
    """Return the architecture of Qwen 2 and 2.5."""
    return decoder(c, qwen2_layers(c))


def qwen3_layers(c: Fields) -> list[Layer]:
    """Return the layers of Qwen 3: Llama's layers with norms over queries and keys."""
    bias = c.flag("attention_bias")
    mixers = [attention(c, span, qkv_bias=bias, output_bias=bias, head_norms=True) for span in _window_from(c)]
    return plain_layers(c, mixers, block(c))


def qwen3(c: Fields) -> Architecture:
    """Return the architecture of Qwen 3."""
    return decoder(c, qwen3_layers(c))


def mimo(c: Fields) -> Architecture:
    """Return the architecture of Xiaomi's MiMo: Qwen 2 with one multi-token prediction layer."""
    layers = qwen2_layers(c)
    apart = prediction(c, layers[0], c.number("num_nextn_predict_layers"))  # models/mimo_mtp.py
    return decoder(c, layers, prediction_parameters=apart)


def gemma(c: Fields) -> Architecture:
    """Return the architecture of Gemma."""
    mixer = attention(c)
    return decoder(c, plain_layers(c, [mixer] * c.layers("num_hidden_layers"), block(c)), tied_by_default=True)


def gemma2(c: Fields) -> Architecture:
    """Return the architecture of Gemma 2: a window in every second layer."""
    windows = spans(c, windowed=every_other(c.layers("num_hidden_layers")))
    return decoder(
        c, plain_layers(c, [attention(c, span) for span in windows], block(c), norms=4), tied_by_default=True
    )


def gemma3_layers(c: Fields) -> list[Layer]:
    """Return the layers of Gemma 3: a window in all but every `sliding_window_pattern`th layer."""
    pattern = c.count("sliding_window_pattern", 6)
    windowed = [(number + 1) % pattern != 0 for number in range(c.layers("num_hidden_layers"))]
    mixers = [attention(c, span, head_norms=True) for span in spans(c, windowed=windowed)]
    return plain_layers(c, mixers, block(c), norms=4)


def gemma3(c: Fields) -> Architecture:
    """Return the architecture of Gemma 3 without its vision tower."""
    return decoder(c, gemma3_layers(c), tied_by_default=True)


def starcoder2(c: Fields) -> Architecture:
    """Return the architecture of StarCoder 2: layer norms and biases."""
    bias, width = c.flag("use_bias", True), hidden_size(c)
    mixers = [attention(c, span, qkv_bias=bias, output_bias=bias) for span in spans(c)]
    layers = plain_layers(c, mixers, block(c, gated=False, bias=bias), norms=4)
    return decoder(c, layers, tied_by_default=True, vectors=width)


def falcon(c: Fields) -> Architecture:
    """Return the architecture of Falcon: one KV head, or several in the newer layout."""
    new, bias, width = c.flag("new_decoder_architecture"), c.flag("bias"), hidden_size(c)
    heads = c.count("num_attention_heads")
    one_or_all = 1 if c.flag("multi_query", True) else heads
    mixer = grouped(
        width,
        heads=heads,
        kv_heads=(c.count_or_none("num_kv_heads") or heads) if new else one_or_all,
        head_dim=width // heads,
        qkv_bias=bias,
        output_bias=bias,
    )
    feed_forward = dense(width, c.count_or_none("ffn_hidden_size") or 4 * width, gated=False, bias=bias)
    one_norm = c.flag("parallel_attn", True) and not new
    layers = plain_layers(c, [mixer] * c.layers("num_hidden_layers"), feed_forward, norms=2 if one_norm else 4)
    # The output head is tied, but checkpoints of Falcon store it a second time.
    return decoder(c, layers, tied=False, vectors=width)


def nemotron_nas(c: Fields) -> Architecture:
    """Return the architecture of Llama Nemotron, in which layers differ in attention and width, and some have no
    feed-forward block.
    """
    width, heads = hidden_size(c), c.count("num_attention_heads")
    layers = []
    for number, choice in enumerate(c.each("block_configs", c.layers("num_hidden_layers")) or []):
        chosen = Fields(choice, f"{c.path}block_configs[{number}].")
        mixer, feed_forward = chosen.part("attention"), chosen.part("ffn")
        for part in (mixer, feed_forward):
            if part.flag("replace_with_linear") or part.get("sparsify"):
                raise ValueError(
                    f"{part.path}replace_with_linear or sparsify is set, for which no sizing formula is known"
                )
        mixers: tuple[Mixer, ...] = ()
        blocks: tuple[FeedForward, ...] = ()
        if not mixer.flag("no_op"):
            if mixer.get("window_length") or mixer.get("num_sink_tokens"):
                raise ValueError(f"{mixer.path}window_length is set, for which no sizing formula is known")
            kv_heads = heads // mixer.count("n_heads_in_group")
            mixers = (grouped(width, heads=heads, kv_heads=kv_heads, head_dim=c.count("head_dim", width // heads)),)
        if not feed_forward.flag("no_op"):
            multiple = 256  # models/nemotron_nas.py, `_ffn_mult_to_intermediate_size`
            inner = int(2 * feed_forward["ffn_mult"] * width / 3)
            blocks = (dense(width, -(-inner // multiple) * multiple),)
        layers.append(Layer(mixers=mixers, feed_forwards=blocks, vectors=width * (len(mixers) + len(blocks))))
    return decoder(c, layers)
