"""Dense decoders whose layers differ from Llama's in norms, biases or gates."""

from __future__ import annotations

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.attention import grouped
from replicas.catalogue.composition.feed_forward import dense, mixture
from replicas.catalogue.composition.parts import Layer, Mixer
from replicas.catalogue.families.common import (
    Span,
    attention,
    block,
    decoder,
    hidden_size,
    layers_of,
    plain_layers,
    spans,
)
from replicas.catalogue.fields import Fields


def arcee(c: Fields) -> Architecture:
    """Return the architecture of Arcee (AFM): Llama's layers without a gate."""
    bias = c.flag("attention_bias")
    mixer = attention(c, qkv_bias=bias, output_bias=bias)
    feed_forward = block(c, gated=False, bias=c.flag("mlp_bias"))
    return decoder(c, plain_layers(c, [mixer] * c.layers("num_hidden_layers"), feed_forward))


def cohere(c: Fields) -> Architecture:
    """Return the architecture of Command R: attention and feed-forward block in parallel after one norm, and a tied
    output head.
    """
    return _cohere(c, [Span()] * c.layers("num_hidden_layers"))


def cohere2(c: Fields) -> Architecture:
    """Return the architecture of Command A and R7B: a window in all but every `sliding_window_pattern`th layer."""
    pattern = c.count("sliding_window_pattern", 4)
    windowed = [(number + 1) % pattern != 0 for number in range(c.layers("num_hidden_layers"))]
    # A layer sees the token itself and `sliding_window` tokens before it (models/commandr.py).
    windows = [Span(span.kind, span.tokens + 1) if span.tokens else span for span in spans(c, windowed=windowed)]
    return _cohere(c, windows)


def _cohere(c: Fields, windows: list[Span]) -> Architecture:
    heads, width = c.count("num_attention_heads"), hidden_size(c)
    kv_heads, head_dim = c.count("num_key_value_heads", heads), c.count("head_dim", width // heads)
    norms = (heads + kv_heads) * head_dim * c.flag("use_qk_norm")
    bias = c.flag("attention_bias")
    mixers = [attention(c, span, qkv_bias=bias, output_bias=bias, vectors=norms) for span in windows]
    shorter = c.get("max_position_embeddings")  # length of the rotary table; the next field can allow longer requests
    context = "model_max_length" if c.has("model_max_length") or not shorter else "max_position_embeddings"
    return decoder(c, plain_layers(c, mixers, block(c), norms=1), tied_by_default=True, context=context)


def gpt_neox(c: Fields) -> Architecture:
    """Return the architecture of GPT-NeoX and Pythia: biases and layer norms."""
    bias = c.flag("attention_bias", True)
    mixer = attention(c, qkv_bias=bias, output_bias=bias)
    layers = plain_layers(c, [mixer] * c.layers("num_hidden_layers"), block(c, gated=False, bias=True), norms=4)
    return decoder(c, layers, vectors=hidden_size(c))


def phi(c: Fields) -> Architecture:
    """Return the architecture of Phi 1.5 and 2: biases, one layer norm per layer, and a bias of the output head."""
    mixer = attention(c, qkv_bias=True, output_bias=True)
    layers = plain_layers(c, [mixer] * c.layers("num_hidden_layers"), block(c, gated=False, bias=True), norms=2)
    return decoder(c, layers, vectors=hidden_size(c) + c.count("vocab_size"))


def nemotron(c: Fields) -> Architecture:
    """Return the architecture of Minitron and Nemotron 4: layer norms with biases, no gate."""
    bias = c.flag("attention_bias")
    mixer = attention(c, qkv_bias=bias, output_bias=bias)
    feed_forward = block(c, gated=False, bias=c.flag("mlp_bias"))
    layers = plain_layers(c, [mixer] * c.layers("num_hidden_layers"), feed_forward, norms=4)
    return decoder(c, layers, vectors=hidden_size(c))


def qwen(c: Fields) -> Architecture:
    """Return the architecture of Qwen 1, whose `intermediate_size` is the width of gate and projection together."""
    width, heads, head_dim = hidden_size(c), c.count("num_attention_heads"), c.count("kv_channels", 128)
    mixer = grouped(width, heads=heads, kv_heads=heads, head_dim=head_dim, qkv_bias=True)
    feed_forward = dense(width, c.count("intermediate_size") // 2)
    context = "max_position_embeddings" if c.has("max_position_embeddings") else "seq_length"
    return decoder(c, plain_layers(c, [mixer] * c.layers("num_hidden_layers"), feed_forward), context=context)


def granite(c: Fields) -> Architecture:
    """Return the architecture of Granite 3: Llama's layers with multipliers, which have no weights."""
    bias = c.flag("attention_bias")
    mixer = attention(c, qkv_bias=bias, output_bias=bias)
    feed_forward = block(c, bias=c.flag("mlp_bias"))
    return decoder(c, plain_layers(c, [mixer] * c.layers("num_hidden_layers"), feed_forward))


def olmo2(c: Fields) -> Architecture:
    """Return the architecture of OLMo 2, whose layers have no window unless `layer_types` says so."""
    return _olmo(c, [False] * c.layers("num_hidden_layers"))


def olmo3(c: Fields) -> Architecture:
    """Return the architecture of OLMo 3: a window in three of four layers."""
    return _olmo(c, [(number + 1) % 4 != 0 for number in range(c.layers("num_hidden_layers"))])


def _olmo(c: Fields, windowed: list[bool]) -> Architecture:
    """Return the architecture of OLMo.

    Norms cover all heads of queries and keys, and follow the attention and the feed-forward block instead of preceding
    them.
    """
    heads, width = c.count("num_attention_heads"), hidden_size(c)
    norms = (heads + c.count("num_key_value_heads", heads)) * (width // heads)
    bias = c.flag("attention_bias")
    mixers = [
        attention(c, span, qkv_bias=bias, output_bias=bias, vectors=norms) for span in spans(c, windowed=windowed)
    ]
    return decoder(c, plain_layers(c, mixers, block(c)))


def seed_oss(c: Fields) -> Architecture:
    """Return the architecture of ByteDance's Seed-OSS: Llama's layers with biases of queries, keys and values."""
    mixer = attention(c, qkv_bias=c.flag("attention_bias", True), output_bias=c.flag("attention_out_bias"))
    feed_forward = block(c, bias=c.flag("mlp_bias"))
    return decoder(c, plain_layers(c, [mixer] * c.layers("num_hidden_layers"), feed_forward))


def ernie_moe(c: Fields) -> Architecture:
    """Return the architecture of ERNIE 4.5 with experts.

    The first layers are dense. The other layers have a mixture with shared experts and a routing bias.
    """
    layers, width = c.layers("num_hidden_layers"), hidden_size(c)
    experts, inner = c.count("moe_num_experts"), c.count("moe_intermediate_size")
    first, last = c.number("moe_layer_start_index", 1), c.get("moe_layer_end_index")
    interval, bias = c.count("moe_layer_interval", 1), c.flag("use_bias")
    routed = mixture(
        width,
        inner,
        experts=experts,
        per_token=c.count("moe_k"),
        shared_width=c.number("moe_num_shared_experts") * inner,
        vectors=experts,
    )
    plain = block(c, bias=bias)
    end = layers - 1 if last in (None, -1) else c.number("moe_layer_end_index")
    sparse = [first <= number <= end and (number + 1) % interval == 0 for number in range(layers)]
    mixer = attention(c, qkv_bias=bias, output_bias=bias)
    stack = layers_of(c, [mixer] * layers, [routed if on else plain for on in sparse])
    return decoder(c, stack, tied_by_default=True)


def ernie(c: Fields) -> Architecture:
    """Return the architecture of ERNIE 4.5 without experts."""
    bias = c.flag("use_bias")
    mixer = attention(c, qkv_bias=bias, output_bias=bias)
    return decoder(
        c, plain_layers(c, [mixer] * c.layers("num_hidden_layers"), block(c, bias=bias)), tied_by_default=True
    )


def _decoder_of_llama(c: Fields, mixers: list[Mixer], *, norms: int = 2, tied_by_default: bool = False) -> Architecture:
    return decoder(
        c, plain_layers(c, mixers, block(c, bias=c.flag("mlp_bias")), norms=norms), tied_by_default=tied_by_default
    )


def smollm3(c: Fields) -> Architecture:
    """Return the architecture of SmolLM 3: Llama's layers, some without positions, and a tied output head."""
    if c.flag("use_sliding_window") and not c.has("layer_types"):
        raise ValueError("use_sliding_window is set without layer_types, which says which layers have a window")
    bias = c.flag("attention_bias")
    windows = spans(c) if c.has("layer_types") else [Span()] * c.layers("num_hidden_layers")
    c.get("sliding_window")
    mixers = [attention(c, span, qkv_bias=bias, output_bias=bias) for span in windows]
    return _decoder_of_llama(c, mixers, tied_by_default=True)


def glm(c: Fields) -> Architecture:
    """Return the architecture of GLM 4 9B: Llama's layers with biases of queries, keys and values."""
    mixer = attention(c, qkv_bias=c.flag("attention_bias"))
    return _decoder_of_llama(c, [mixer] * c.layers("num_hidden_layers"))


def glm4_layers(c: Fields) -> list[Layer]:
    """Return the layers of GLM 4 0414.

    These are the layers of GLM 4 9B with additional norms after the attention and after the feed-forward block.
    """
    mixer = attention(c, qkv_bias=c.flag("attention_bias"))
    return plain_layers(c, [mixer] * c.layers("num_hidden_layers"), block(c), norms=4)


def glm4(c: Fields) -> Architecture:
    """Return the architecture of GLM 4 0414 and GLM Z1."""
    return decoder(c, glm4_layers(c))


def exaone(c: Fields) -> Architecture:
    """Return the architecture of EXAONE 3 and 3.5, whose number of layers is in `num_layers`."""
    layers = c.layers("num_layers") if "num_layers" in c else c.layers("num_hidden_layers")
    return _decoder_of_llama(c, [attention(c)] * layers)


def exaone4(c: Fields) -> Architecture:
    """Return the architecture of EXAONE 4: norms over queries and keys, and after attention and feed-forward block.

    `layer_types` or `sliding_window_pattern` (a number, or a word such as `LLLG`) says which layers have a window.
    """
    layers, pattern = c.layers("num_hidden_layers"), c.get("sliding_window_pattern")
    if isinstance(pattern, str):
        windowed = [pattern[number % len(pattern)] == "L" for number in range(layers)]
    elif pattern:
        every = c.count("sliding_window_pattern")
        windowed = [(number + 1) % every != 0 for number in range(layers)]
    else:
        windowed = [False] * layers
    mixers = [attention(c, span, head_norms=True) for span in spans(c, windowed=windowed)]
    return _decoder_of_llama(c, mixers)


def hunyuan(c: Fields) -> Architecture:
    """Return the architecture of Hunyuan without experts: norms over queries and keys."""
    bias = c.flag("attention_bias")
    mixer = attention(c, qkv_bias=bias, output_bias=bias, head_norms=True)
    return _decoder_of_llama(c, [mixer] * c.layers("num_hidden_layers"))


def olmo(c: Fields) -> Architecture:
    """Return the architecture of OLMo 1, whose norms have no weights."""
    bias = c.flag("attention_bias")
    mixer = attention(c, qkv_bias=bias, output_bias=bias)
    layers = plain_layers(c, [mixer] * c.layers("num_hidden_layers"), block(c), norms=0)
    return decoder(c, layers, norms=0)


def internlm(c: Fields) -> Architecture:
    """Return the architecture of InternLM 2 and 3: Llama's layers."""
    mixer = attention(c, qkv_bias=c.flag("qkv_bias") or c.flag("bias"), output_bias=c.flag("bias"))
    layers = plain_layers(c, [mixer] * c.layers("num_hidden_layers"), block(c, bias=c.flag("bias")))
    return decoder(c, layers)


def stablelm(c: Fields) -> Architecture:
    """Return the architecture of StableLM: layer norms with biases."""
    mixer = attention(c, qkv_bias=c.flag("use_qkv_bias"))
    layers = plain_layers(c, [mixer] * c.layers("num_hidden_layers"), block(c), norms=4)
    return decoder(c, layers, norms=2)


def minicpm(c: Fields) -> Architecture:
    """Return the architecture of MiniCPM 1 and 4: Llama's layers with scales, which have no weights."""
    return _decoder_of_llama(c, [attention(c)] * c.layers("num_hidden_layers"), tied_by_default=True)


def apertus(c: Fields) -> Architecture:
    """Return the architecture of Apertus: no gate, and two parameters of the activation in each layer."""
    bias = c.flag("attention_bias")
    mixer = attention(c, qkv_bias=bias, output_bias=bias, head_norms=True, vectors=2)
    feed_forward = block(c, gated=False, bias=c.flag("mlp_bias"))
    return decoder(c, plain_layers(c, [mixer] * c.layers("num_hidden_layers"), feed_forward))
