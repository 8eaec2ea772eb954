"""Decoders with grouped attention and mixtures of experts."""

from __future__ import annotations

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.attention import grouped
from replicas.catalogue.composition.feed_forward import dense, mixture
from replicas.catalogue.composition.parts import Cache, FeedForward, Layer, Matrix, Mixer
from replicas.catalogue.families.common import (
    ALL_TOKENS,
    Span,
    attention,
    block,
    decoder,
    every_other,
    has_own_head,
    hidden_size,
    layers_of,
    plain_layers,
    prediction,
    spans,
)
from replicas.catalogue.fields import Fields

_W = ("w1", "w3", "w2")
"""Names of the gate, the first projection and the second in Mixtral and MiniMax."""


def mixtral(c: Fields) -> Architecture:
    """Return the architecture of Mixtral."""
    feed_forward = mixture(
        hidden_size(c),
        c.count("intermediate_size"),
        experts=c.count("num_local_experts"),
        per_token=c.count("num_experts_per_tok"),
        module="block_sparse_moe",
        names=_W,
    )
    return decoder(c, plain_layers(c, [attention(c, span) for span in spans(c)], feed_forward))


def qwen_mixture(c: Fields, shared_width: int = 0) -> FeedForward:
    """Return the mixture of experts of Qwen's families, including the gated shared expert if there is one.

    `shared_width` is the default width of the shared expert.
    """
    shared = c.number("shared_expert_intermediate_size", shared_width)
    return mixture(
        hidden_size(c),
        c.count("moe_intermediate_size"),
        experts=c.count("num_experts"),
        per_token=c.count("num_experts_per_tok"),
        shared_width=shared,
        shared="shared_expert",
        shared_gate=bool(shared),
    )


def qwen_feed_forwards(c: Fields, shared_width: int = 0) -> list[FeedForward]:
    """Return the feed-forward block of each layer.

    It is a mixture of experts in every `decoder_sparse_step`th layer, unless `mlp_only_layers` lists the layer.
    """
    step, dense_ones = c.count("decoder_sparse_step", 1), c.get("mlp_only_layers") or []
    sparse = [number not in dense_ones and (number + 1) % step == 0 for number in range(c.layers("num_hidden_layers"))]
    experts = qwen_mixture(c, shared_width)
    return [experts if on else block(c) for on in sparse]


def qwen2_moe(c: Fields) -> Architecture:
    """Return the architecture of Qwen 1.5 and 2 with experts."""
    bias = c.flag("qkv_bias", True)
    mixers = [attention(c, span, qkv_bias=bias) for span in _no_window(c)]
    return decoder(c, layers_of(c, mixers, qwen_feed_forwards(c)))


def qwen3_moe_layers(c: Fields) -> list[Layer]:
    """Return the layers of Qwen 3 with experts."""
    bias = c.flag("attention_bias")
    mixers = [attention(c, span, qkv_bias=bias, output_bias=bias, head_norms=True) for span in _no_window(c)]
    return layers_of(c, mixers, qwen_feed_forwards(c))


def _no_window(c: Fields) -> list[Span]:
    if c.flag("use_sliding_window"):
        raise ValueError("use_sliding_window is set, which the sizing formula of this family does not support")
    for name in ("sliding_window", "max_window_layers"):
        c.get(name)
    return [ALL_TOKENS] * c.layers("num_hidden_layers")


def qwen3_moe(c: Fields) -> Architecture:
    """Return the architecture of Qwen 3 with experts."""
    return decoder(c, qwen3_moe_layers(c))


def gpt_oss(c: Fields) -> Architecture:
    """Return the architecture of gpt-oss: a window in every second layer, sinks, and biases everywhere."""
    layers, width = c.layers("num_hidden_layers"), hidden_size(c)
    experts, inner = c.count("num_local_experts"), c.count("intermediate_size")
    feed_forward = mixture(
        width,
        inner,
        experts=experts,
        per_token=c.count("num_experts_per_tok"),
        router="router",
        vectors=experts * (2 * inner + width) + experts,
    )
    sinks = c.count("num_attention_heads")
    mixers = [
        attention(c, span, qkv_bias=True, output_bias=True, vectors=sinks)
        for span in spans(c, windowed=every_other(layers))
    ]
    return decoder(c, plain_layers(c, mixers, feed_forward), tied=has_own_head(c))


def minimax_m2(c: Fields) -> Architecture:
    """Return the architecture of MiniMax M2: norms over all heads, and a routing bias."""
    experts, width = c.count("num_local_experts"), hidden_size(c)
    feed_forward = mixture(
        width,
        c.count("intermediate_size"),
        experts=experts,
        per_token=c.count("num_experts_per_tok"),
        module="block_sparse_moe",
        names=_W,
        vectors=experts * c.flag("use_routing_bias"),
    )
    norms = c.count("head_dim") * (c.count("num_attention_heads") + c.count("num_key_value_heads"))
    mixer = attention(c, vectors=norms * c.flag("use_qk_norm"))
    layers = plain_layers(c, [mixer] * c.layers("num_hidden_layers"), feed_forward)
    apart = c.number("num_mtp_modules") * c.flag("use_mtp") * c.count("mtp_transformer_layers", 1)
    return decoder(c, layers, tied=has_own_head(c), prediction_parameters=prediction(c, layers[0], apart))


def minimax_m3_layers(c: Fields) -> list[Layer]:
    """Return the layers of MiniMax M3: block-sparse attention with an index, experts after the first layers."""
    layers, width = c.layers("num_hidden_layers"), hidden_size(c)
    sparse = c.part("sparse_attention_config")
    attended = sparse.each("sparse_attention_freq", layers) or []
    heads, index_dim = sparse.count("sparse_num_index_heads"), sparse.count("sparse_index_dim")
    without_values = sparse.each("sparse_disable_index_value", layers) or []
    valued = any(on and not without for on, without in zip(attended, without_values, strict=True))
    if not sparse.flag("use_sparse_attention") or valued:
        raise ValueError("sparse_attention_config describes an index with values, for which no sizing formula is known")
    plain = attention(c, head_norms=True)
    indexed = Mixer(
        matrices=(
            *plain.matrices,
            Matrix("self_attn.index_q_proj", heads * index_dim, width, parts=heads),
            Matrix("self_attn.index_k_proj", index_dim, width, parts=1),
        ),
        vectors=plain.vectors + 2 * index_dim,
        heads=plain.heads,
        kv_heads=plain.kv_heads,
        head_dim=plain.head_dim,
        pair_width=plain.pair_width,
        caches=(*plain.caches, Cache(kind="latent", elements=index_dim, element_bytes=2.0)),
    )
    experts = c.count("num_local_experts")
    routed = mixture(
        width,
        c.count("moe_intermediate_size", c.count("intermediate_size")),
        experts=experts,
        per_token=c.count("num_experts_per_tok"),
        module="block_sparse_moe",
        names=_W,
        shared_width=c.number("n_shared_experts") * c.count("shared_intermediate_size"),
        vectors=experts * c.flag("use_routing_bias"),
    )
    first = dense(width, c.count("dense_intermediate_size"))
    blocks = [routed if on else first for on in c.each("moe_layer_freq", layers) or []]
    return layers_of(c, [indexed if on else plain for on in attended], blocks)


def minimax_m3(c: Fields) -> Architecture:
    """Return the architecture of MiniMax M3 without its vision tower."""
    layers = minimax_m3_layers(c)
    return decoder(c, layers, prediction_parameters=prediction(c, layers[-1], c.number("num_mtp_modules")))


def mimo_v2(c: Fields) -> Architecture:
    """Return the architecture of MiMo V2.

    Layers with a window have their own head counts, values are narrower than keys, and experts follow after the first
    layer.
    """
    layers, width = c.layers("num_hidden_layers"), hidden_size(c)
    windows = c.each("hybrid_layer_pattern", layers) or []
    tokens = c.count("sliding_window")

    def mixer(prefix: str, span: Span, sinks: bool) -> Mixer:
        heads = c.count(f"{prefix}num_attention_heads")
        return grouped(
            width,
            heads=heads,
            kv_heads=c.count(f"{prefix}num_key_value_heads"),
            head_dim=c.count(f"{prefix}head_dim"),
            value_dim=c.count(f"{prefix}v_head_dim"),
            qkv_bias=c.flag("attention_bias"),
            vectors=heads * sinks,
            kind=span.kind,
            tokens=span.tokens,
        )

    whole = mixer("", ALL_TOKENS, c.flag("add_full_attention_sink_bias"))
    windowed = mixer("swa_", Span("window", tokens), c.flag("add_swa_attention_sink_bias"))
    experts = c.count("n_routed_experts")
    routed = mixture(
        width,
        c.count("moe_intermediate_size"),
        experts=experts,
        per_token=c.count("num_experts_per_tok"),
        shared_width=c.number("n_shared_experts") * c.count("moe_intermediate_size"),
        vectors=experts,
    )
    blocks = [routed if on else block(c) for on in c.each("moe_layer_freq", layers) or []]
    return decoder(c, layers_of(c, [windowed if on else whole for on in windows], blocks))


def step3p7(c: Fields) -> Architecture:
    """Return the architecture of Step 3.7: windows in three of four layers, experts after the first layers."""
    width, experts = hidden_size(c), c.count("num_experts")
    routed = mixture(
        width,
        c.count("moe_intermediate_size"),
        experts=experts,
        per_token=c.count("num_experts_per_tok"),
        shared_width=c.number("n_shared_experts") * c.count("share_expert_dim"),
        shared="share_expert",
        vectors=experts * c.flag("use_moe_router_bias"),
    )
    first = c.number("first_k_dense_replace")
    blocks = [block(c) if number < first else routed for number in range(c.layers("num_hidden_layers"))]
    mixers = [attention(c, span, head_norms=True) for span in spans(c)]
    return decoder(c, layers_of(c, mixers, blocks))


def llama4_layers(c: Fields) -> list[Layer]:
    """Return the layers of Llama 4: chunks in three of four layers, experts in every `interleave_moe_layer_step`th
    layer.
    """
    layers, width = c.layers("num_hidden_layers"), hidden_size(c)
    chunk = Span("chunk", c.count("attention_chunk_size"))
    kinds = c.each("layer_types", layers)
    ropes = c.get("no_rope_layers") or []
    chunked = (
        [kind == "chunked_attention" for kind in kinds]
        if kinds
        else [bool(on) for on in ropes]
        if ropes
        else [(number + 1) % 4 != 0 for number in range(layers)]
    )
    inner = c.count("intermediate_size")
    routed = mixture(
        width,
        inner,
        experts=c.count("num_local_experts"),
        per_token=c.count("num_experts_per_tok"),
        module="feed_forward",
        router="router",
        shared_width=inner,
        shared="shared_expert",
    )
    first = dense(width, c.count("intermediate_size_mlp"), module="feed_forward")
    step, listed = c.count("interleave_moe_layer_step", 1), c.get("moe_layers")
    sparse = [number in listed if listed else (number + 1) % step == 0 for number in range(layers)]
    bias = c.flag("attention_bias")
    mixers = [attention(c, chunk if on else ALL_TOKENS, qkv_bias=bias, output_bias=bias) for on in chunked]
    return layers_of(c, mixers, [routed if on else first for on in sparse])


def glm4_moe(c: Fields) -> Architecture:
    """Return the architecture of GLM 4.5 to 4.7: biases of queries, keys and values, experts after the first layers.

    Missing fields have the defaults of `Glm4MoeConfig` (transformers 5.8).
    """
    width, layers, first = hidden_size(c), c.layers("num_hidden_layers"), c.number("first_k_dense_replace", 1)
    experts = c.count("n_routed_experts")
    routed = mixture(
        width,
        c.count("moe_intermediate_size"),
        experts=experts,
        per_token=c.count("num_experts_per_tok", 8),
        shared_width=c.number("n_shared_experts", 1) * c.count("moe_intermediate_size"),
        vectors=experts,
    )
    mixer = attention(c, qkv_bias=c.flag("attention_bias"), head_norms=c.flag("use_qk_norm"))
    blocks = [block(c) if number < first else routed for number in range(layers)]
    stack = layers_of(c, [mixer] * layers, blocks)
    apart = prediction(c, stack[-1], c.number("num_nextn_predict_layers"))
    return decoder(c, stack, tied=has_own_head(c), prediction_parameters=apart)
