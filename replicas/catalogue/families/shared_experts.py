"""Mixtures of experts with grouped attention, in which some experts process every token."""

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
    has_own_head,
    hidden_size,
    layers_of,
    plain_layers,
    prediction,
    spans,
)
from replicas.catalogue.families.latent import deepseek_mixer
from replicas.catalogue.families.state_space import granite_blocks
from replicas.catalogue.fields import FieldError, Fields


def granite_moe(c: Fields) -> Architecture:
    """Return the architecture of Granite 3 with experts."""
    bias = c.flag("attention_bias")
    mixer = attention(c, qkv_bias=bias, output_bias=bias)
    layer = Layer(mixers=(mixer,), feed_forwards=granite_blocks(c), vectors=2 * hidden_size(c))
    return decoder(c, [layer] * c.layers("num_hidden_layers"))


def olmoe(c: Fields) -> Architecture:
    """Return the architecture of OLMoE: norms over all heads of queries and keys, and no shared expert."""
    heads, width = c.count("num_attention_heads"), hidden_size(c)
    norms = (heads + c.count("num_key_value_heads", heads)) * (width // heads)
    bias = c.flag("attention_bias")
    mixer = attention(c, qkv_bias=bias, output_bias=bias, vectors=norms)
    routed = mixture(
        width, c.count("intermediate_size"), experts=c.count("num_experts"), per_token=c.count("num_experts_per_tok")
    )
    layers = plain_layers(c, [mixer] * c.layers("num_hidden_layers"), routed)
    return decoder(c, layers, tied=has_own_head(c))


def phi_moe(c: Fields) -> Architecture:
    """Return the architecture of Phi 3.5 MoE: layer norms, and biases of attention and output head."""
    bias, width = c.flag("attention_bias"), hidden_size(c)
    mixers = [attention(c, span, qkv_bias=bias, output_bias=bias) for span in spans(c)]
    routed = mixture(
        width,
        c.count("intermediate_size"),
        experts=c.count("num_local_experts"),
        per_token=c.count("num_experts_per_tok"),
        module="block_sparse_moe",
        names=("w1", "w3", "w2"),
    )
    layers = plain_layers(c, mixers, routed, norms=4)
    return decoder(c, layers, norms=2, vectors=c.count("vocab_size") * c.flag("lm_head_bias"))


def _alike(c: Fields, name: str, layers: int, default: int | None = None) -> int:
    """Return a field that is a number, or a list with the same number for each layer."""
    value = c.get(name)
    if isinstance(value, list):
        listed = c.counts(name, layers)
        if len(set(listed)) > 1:
            raise FieldError(f"{c.path}{name} differs between layers, for which no sizing formula is known")
        return listed[0]
    return c.count(name, default)


def hunyuan_moe(c: Fields) -> Architecture:
    """Return the architecture of Hunyuan with experts: norms over queries and keys, and one shared expert."""
    width, layers, inner = hidden_size(c), c.layers("num_hidden_layers"), c.count("intermediate_size")
    for name, known in (("moe_intermediate_size", inner), ("num_shared_expert", 1)):
        if _alike(c, name, layers, known) != known:
            raise FieldError(f"{c.path}{name} is not {known}, the only value with a known sizing formula")
    routed = mixture(
        width,
        inner,
        experts=_alike(c, "num_experts", layers),
        per_token=_alike(c, "moe_topk", layers, 1),
        router="gate.wg",
        shared_width=inner,
        shared="shared_mlp",
    )
    bias = c.flag("attention_bias")
    mixer = attention(c, qkv_bias=bias, output_bias=bias, head_norms=True)
    return decoder(c, plain_layers(c, [mixer] * layers, routed))


def hy_v3(c: Fields) -> Architecture:
    """Return the architecture of Hunyuan 3: dense first layers, then experts with a routing bias."""
    width, layers, first = hidden_size(c), c.layers("num_hidden_layers"), c.number("first_k_dense_replace", 1)
    experts, inner = c.count("num_experts"), c.count("expert_hidden_dim", c.count_or_none("moe_intermediate_size"))
    routed = mixture(
        width,
        inner,
        experts=experts,
        per_token=c.count("num_experts_per_tok"),
        shared_width=c.number("num_shared_experts") * inner,
        shared="shared_mlp",
        vectors=experts,
    )
    mixer = attention(c, head_norms=c.flag("qk_norm", True))
    blocks = [block(c) if number < first else routed for number in range(layers)]
    stack = layers_of(c, [mixer] * layers, blocks)
    return decoder(c, stack, prediction_parameters=prediction(c, stack[-1], c.number("num_nextn_predict_layers")))


def bailing(c: Fields) -> Architecture:
    """Return the architecture of Ling and Ring: dense first layers, then experts.

    Version 2 has norms over queries and keys, and a routing bias.
    """
    width, layers, first = hidden_size(c), c.layers("num_hidden_layers"), c.number("first_k_dense_replace")
    experts, inner = c.count("num_experts"), c.count("moe_intermediate_size", c.count("intermediate_size"))
    routed = mixture(
        width,
        inner,
        experts=experts,
        per_token=c.count("num_experts_per_tok"),
        shared_width=c.number("num_shared_experts") * c.count("moe_shared_expert_intermediate_size", inner),
        vectors=experts * c.flag("moe_router_enable_expert_bias"),
    )
    bias = c.flag("use_bias")
    mixer = attention(c, qkv_bias=c.flag("use_qkv_bias") or bias, output_bias=bias, head_norms=c.flag("use_qk_norm"))
    blocks = [block(c, bias=bias) if number < first else routed for number in range(layers)]
    stack = layers_of(c, [mixer] * layers, blocks)
    return decoder(c, stack, prediction_parameters=prediction(c, stack[-1], c.number("num_nextn_predict_layers")))


def afmoe(c: Fields) -> Architecture:
    """Return the architecture of Arcee's Trinity: windows in most layers, gated attention, experts after the dense
    layers.
    """
    width, layers, first = hidden_size(c), c.layers("num_hidden_layers"), c.number("num_dense_layers", 1)
    heads, head_dim = c.count("num_attention_heads"), c.count("head_dim", 128)
    experts, inner = c.count("num_experts"), c.count("moe_intermediate_size")
    routed = mixture(
        width,
        inner,
        experts=experts,
        per_token=c.count("num_experts_per_tok"),
        router="router.gate",
        shared_width=c.number("num_shared_experts") * inner,
        vectors=experts,
    )
    interval = c.count("global_attn_every_n_layers", 4)
    windows = spans(c, windowed=[(number + 1) % interval != 0 for number in range(layers)])
    mixers = [
        grouped(
            width,
            heads=heads,
            kv_heads=c.count("num_key_value_heads", heads),
            head_dim=head_dim,
            vectors=2 * head_dim,
            gates=heads * head_dim,
            kind=span.kind,
            tokens=span.tokens,
        )
        for span in windows
    ]
    blocks = [block(c) if number < first else routed for number in range(layers)]
    return decoder(c, layers_of(c, mixers, blocks, norms=4), tied=has_own_head(c))


def step3p5(c: Fields) -> Architecture:
    """Return the architecture of Step 3.5: windows with more heads in most layers, a gate for each head, and experts
    in the layers that `moe_layers_enum` lists.
    """
    width, layers = hidden_size(c), c.layers("num_hidden_layers")
    other = c.part("attention_other_setting")
    experts = c.count("moe_num_experts")
    routed = mixture(
        width,
        c.count("moe_intermediate_size"),
        experts=experts,
        per_token=c.count("moe_top_k"),
        module="moe",
        shared_width=c.number("share_expert_dim", c.number("share_expert_dims")),
        shared="share_expert",
        vectors=experts * c.flag("use_moe_router_bias"),
    )
    listed = c.get("moe_layers_enum")
    sparse = set(range(1, layers)) if listed is None else {int(number) for number in str(listed).split(",")}
    gated = c.flag("use_head_wise_attn_gate")

    def mixer_of(part: Fields, span: Span) -> Mixer:
        heads, head_dim = part.count("num_attention_heads"), part.count("head_dim", c.count("head_dim"))
        return grouped(
            width,
            heads=heads,
            kv_heads=part.count("num_attention_groups"),
            head_dim=head_dim,
            vectors=2 * head_dim + heads * width * gated,
            kind=span.kind,
            tokens=span.tokens,
        )

    if not c.has("layer_types"):
        raise KeyError(f"{c.path}layer_types")
    mixers = [mixer_of(other if span.kind == "window" else c, span) for span in spans(c)]
    blocks = [routed if number in sparse else block(c) for number in range(layers)]
    return decoder(c, layers_of(c, mixers, blocks))


def dbrx(c: Fields) -> Architecture:
    """Return the architecture of DBRX, whose fields of attention and of experts are in nested configurations."""
    width, heads = c.count("d_model"), c.count("n_heads")
    attended, experts = c.part("attn_config"), c.part("ffn_config")
    mixer = grouped(
        width, heads=heads, kv_heads=attended.count("kv_n_heads"), head_dim=width // heads, module="norm_attn_norm.attn"
    )
    routed = mixture(
        width,
        experts.count("ffn_hidden_size"),
        experts=experts.count("moe_num_experts"),
        per_token=experts.count("moe_top_k"),
        module="ffn",
        router="router.layer",
    )
    layer = Layer(mixers=(mixer,), feed_forwards=(routed,), vectors=2 * width)
    shape = Fields({**c, "hidden_size": width})
    return decoder(shape, [layer] * c.layers("n_layers"), context="max_seq_len")


def longcat_flash(c: Fields) -> Architecture:
    """Return the architecture of LongCat Flash: two latent attentions and two dense blocks in each layer, and experts.

    Some of the experts that the router chooses return their input and have no weights.
    """
    width, empty = hidden_size(c), c.number("zero_expert_num")
    experts, inner = c.count("n_routed_experts"), c.count("expert_ffn_hidden_size")
    mixer, plain = deepseek_mixer(c), dense(width, c.count("ffn_hidden_size"), module="mlps.0")
    routed = mixture(
        width,
        inner,
        experts=experts,
        per_token=c.count("moe_topk"),
        router="router.classifier",
        vectors=(experts + empty) + empty * width,
    )
    layer = Layer(mixers=(mixer, mixer), feed_forwards=(plain, plain, routed), vectors=4 * width)
    return decoder(c, [layer] * c.layers("num_layers"))
