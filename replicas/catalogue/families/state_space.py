"""Decoders with Mamba's state space layers, with or without attention.

A state has the data type of the model, because `mamba_ssm_cache_dtype` of the engine is `auto`
(layers/mamba/mamba_utils.py).
"""

from __future__ import annotations

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.feed_forward import dense, mixture
from replicas.catalogue.composition.parts import FeedForward, Layer, Mixer
from replicas.catalogue.composition.recurrence import CONVOLUTION_BYTES, mamba1, mamba2
from replicas.catalogue.families.common import attention, block, decoder, has_own_head, hidden_size, require_kinds
from replicas.catalogue.fields import Fields


def _count_or_auto(c: Fields, name: str, auto: int) -> int:
    """Return a field that is a number, or `auto` if it says "auto" or is left out."""
    return auto if c.get(name, "auto") == "auto" else c.count(name)


def mamba(c: Fields) -> Architecture:
    """Return the architecture of Mamba and Falcon Mamba: only state space layers."""
    width = hidden_size(c)
    inner = c.count("intermediate_size", c.count("expand", 2) * width)
    mixer = mamba1(
        width,
        width=inner,
        state_size=c.count("state_size", 16),
        rank=_count_or_auto(c, "time_step_rank", -(-width // 16)),
        kernel=c.count("conv_kernel", 4),
        state_bytes=CONVOLUTION_BYTES,
        bias=c.flag("use_bias"),
        convolution_bias=c.flag("use_conv_bias", True),
    )
    layers = [Layer(mixers=(mixer,), vectors=width)] * c.layers("num_hidden_layers")
    return decoder(c, layers, tied_by_default=True, context=None)


def mamba_2(c: Fields) -> Architecture:
    """Return the architecture of Mamba 2 and Mamba Codestral: only state space layers."""
    width, heads = hidden_size(c), c.count("num_heads")
    mixer = mamba2(
        width,
        heads=heads,
        head_dim=c.count("head_dim"),
        groups=c.count("n_groups", 8),
        state_size=c.count("state_size", 128),
        kernel=c.count("conv_kernel", 4),
        state_bytes=CONVOLUTION_BYTES,
        bias=c.flag("use_bias"),
        convolution_bias=c.flag("use_conv_bias", True),
    )
    layers = [Layer(mixers=(mixer,), vectors=width)] * c.layers("num_hidden_layers")
    return decoder(c, layers, context=None)


def jamba(c: Fields) -> Architecture:
    """Return the architecture of Jamba: one attention layer in a period of Mamba layers, and experts in some layers."""
    width, layers = hidden_size(c), c.layers("num_hidden_layers")
    recurrent = mamba1(
        width,
        width=c.count("mamba_expand", 2) * width,
        state_size=c.count("mamba_d_state", 16),
        rank=_count_or_auto(c, "mamba_dt_rank", -(-width // 16)),
        kernel=c.count("mamba_d_conv", 4),
        state_bytes=CONVOLUTION_BYTES,
        bias=c.flag("mamba_proj_bias"),
        convolution_bias=c.flag("mamba_conv_bias", True),
        normed=True,
    )
    plain, experts = block(c), c.count_or_none("num_experts") or 1
    routed = mixture(
        width,
        c.count("intermediate_size"),
        experts=experts,
        per_token=c.count("num_experts_per_tok", 2),
        module="feed_forward",
        router="router",
    )
    full = attention(c)
    period, offset = c.count("attn_layer_period", 8), c.number("attn_layer_offset", 4)
    expert_period, expert_offset = c.count("expert_layer_period", 2), c.number("expert_layer_offset", 1)
    stack = [
        Layer(
            mixers=(full if number % period == offset else recurrent,),
            feed_forwards=(routed if experts > 1 and number % expert_period == expert_offset else plain,),
            vectors=2 * width,
        )
        for number in range(layers)
    ]
    return decoder(c, stack, tied=has_own_head(c))


def granite_hybrid(c: Fields) -> Architecture:
    """Return the architecture of Granite 4: Mamba 2 or attention, then routed experts and a dense block."""
    width, layers = hidden_size(c), c.layers("num_hidden_layers")
    kinds = c.each("layer_types" if c.has("layer_types") else "layers_block_type", layers)
    if kinds is None:
        raise KeyError(f"{c.path}layer_types")
    require_kinds(kinds, "attention", "full_attention", "mamba")
    heads, expanded = c.count("mamba_n_heads", 128), c.count("mamba_expand", 2) * width
    head_dim = _count_or_auto(c, "mamba_d_head", expanded // heads)
    has_mamba = "mamba" in kinds
    if has_mamba and heads * head_dim != expanded:
        raise ValueError(f"mamba_n_heads={heads} times mamba_d_head={head_dim} is not mamba_expand times hidden_size")
    recurrent = mamba2(
        width,
        heads=heads,
        head_dim=head_dim,
        groups=c.count("mamba_n_groups", 1),
        state_size=c.count("mamba_d_state", 256),
        kernel=c.count("mamba_d_conv", 4),
        state_bytes=CONVOLUTION_BYTES,
        bias=c.flag("mamba_proj_bias"),
        convolution_bias=c.flag("mamba_conv_bias", True),
        module="mamba",
    )
    full = attention(c, qkv_bias=c.flag("attention_bias"), output_bias=c.flag("attention_bias"))
    blocks = granite_blocks(c)
    stack = [
        Layer(mixers=(recurrent if kind == "mamba" else full,), feed_forwards=blocks, vectors=2 * width)
        for kind in kinds
    ]
    return decoder(c, stack)


_LINEAR = ("input_linear", "input_linear", "output_linear")
"""Names of the gate, the first projection and the second in Granite, which stores the first two as one matrix."""


def granite_blocks(c: Fields) -> tuple[FeedForward, ...]:
    """Return the feed-forward blocks of a Granite layer: routed experts, and a dense block that processes every token.

    A model can lack one of the two.
    """
    width, shared = hidden_size(c), c.number("shared_intermediate_size")
    experts = c.number("num_local_experts")
    routed = (
        (
            mixture(
                width,
                c.count("intermediate_size"),
                experts=experts,
                per_token=c.count("num_experts_per_tok"),
                module="block_sparse_moe",
                router="router.layer",
            ),
        )
        if experts
        else ()
    )
    return (*routed, *((dense(width, shared, module="shared_mlp", names=_LINEAR),) if shared else ()))


def falcon_h1(c: Fields) -> Architecture:
    """Return the architecture of Falcon H1: attention and Mamba 2 side by side in each layer."""
    width = hidden_size(c)
    heads, inner = c.count("mamba_n_heads"), c.count_or_none("mamba_d_ssm") or c.count("mamba_expand", 2) * width
    head_dim = _count_or_auto(c, "mamba_d_head", inner // heads)
    if heads * head_dim != inner:
        raise ValueError(f"mamba_n_heads={heads} times mamba_d_head={head_dim} is not mamba_d_ssm={inner}")
    bias = c.flag("projectors_bias")
    mixers: tuple[Mixer, ...] = (
        attention(c, qkv_bias=c.flag("attention_bias"), output_bias=c.flag("attention_bias")),
        mamba2(
            width,
            heads=heads,
            head_dim=head_dim,
            groups=c.count("mamba_n_groups", 1),
            state_size=c.count("mamba_d_state", 256),
            kernel=c.count("mamba_d_conv", 4),
            state_bytes=CONVOLUTION_BYTES,
            bias=c.flag("mamba_proj_bias") or bias,
            convolution_bias=c.flag("mamba_conv_bias", True),
            module="mamba",
            normed=c.flag("mamba_rms_norm"),
        ),
    )
    feed_forward = dense(width, c.count("intermediate_size"), module="feed_forward", bias=c.flag("mlp_bias"))
    layer = Layer(mixers=mixers, feed_forwards=(feed_forward,), vectors=2 * width)
    return decoder(c, [layer] * c.layers("num_hidden_layers"))
