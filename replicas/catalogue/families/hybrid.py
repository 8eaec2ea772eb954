"""Decoders that mix attention with recurrent layers."""

from __future__ import annotations

from collections.abc import Mapping

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.attention import grouped
from replicas.catalogue.composition.feed_forward import dense, mixture
from replicas.catalogue.composition.parts import FeedForward, Layer, Matrix, Mixer
from replicas.catalogue.composition.recurrence import gated_delta, kimi_delta, mamba2, short_convolution
from replicas.catalogue.families.common import (
    attention,
    block,
    decoder,
    has_own_head,
    hidden_size,
    is_tied,
    layers_of,
    prediction_surround,
    require_kinds,
)
from replicas.catalogue.families.latent import deepseek_mixer
from replicas.catalogue.families.mixtures import qwen_feed_forwards
from replicas.catalogue.fields import Fields

_BYTES: Mapping[str, int] = {"float32": 4, "bfloat16": 2, "float16": 2}


def _state_bytes(c: Fields, field: str, default: str) -> int:
    """Return the bytes per element of the recurrent state, whose data type the configuration sets."""
    name = str(c.get(field) or default)
    if name not in _BYTES:
        raise ValueError(
            f"{c.path}{field}={name!r} is not a data type of a recurrent state; known: {', '.join(_BYTES)}"
        )
    return _BYTES[name]


_SHARED_WIDTH = 512
"""Default of `shared_expert_intermediate_size` for Qwen3-Next and Qwen 3.5 (transformers 5.8)."""


def qwen3_next_layers(c: Fields) -> list[Layer]:
    """Return the layers of Qwen3-Next and Qwen 3.5: three of four have a gated delta rule, the fourth has gated
    attention.
    """
    width, layers = hidden_size(c), c.layers("num_hidden_layers")
    interval, kinds = c.count("full_attention_interval", 4), c.each("layer_types", layers)
    whole = (
        [kind == "full_attention" for kind in kinds]
        if kinds
        else [(number + 1) % interval == 0 for number in range(layers)]
    )
    require_kinds(kinds or (), "full_attention", "linear_attention")
    recurrent = gated_delta(
        width,
        key_heads=c.count("linear_num_key_heads"),
        value_heads=c.count("linear_num_value_heads"),
        key_dim=c.count("linear_key_head_dim"),
        value_dim=c.count("linear_value_head_dim"),
        kernel=c.count("linear_conv_kernel_dim", 4),
        state_bytes=_state_bytes(c, "mamba_ssm_dtype", "bfloat16"),
    )
    bias = c.flag("attention_bias")
    full = attention(c, qkv_bias=bias, output_bias=bias, head_norms=True, output_gate=c.flag("attn_output_gate", True))
    sparse = c.count_or_none("num_experts")
    blocks = qwen_feed_forwards(c, _SHARED_WIDTH) if sparse else [block(c)] * layers
    return layers_of(c, [full if on else recurrent for on in whole], blocks)


def qwen3_next(c: Fields) -> Architecture:
    """Return the architecture of Qwen3-Next."""
    apart = qwen3_next_prediction(c, "num_nextn_predict_layers")
    return decoder(c, qwen3_next_layers(c), tied=has_own_head(c), prediction_parameters=apart)


def qwen3_next_prediction(c: Fields, field: str) -> int:
    """Return the parameters of the multi-token prediction layers, which have attention, a projection and norms."""
    count = c.number(field)
    if not count:
        return 0
    attended = [layer for layer in qwen3_next_layers(c) if layer.mixers[0].kv_heads]
    if not attended:
        raise ValueError(f"{c.path}{field}={count}, but no layer has full attention like a prediction layer")
    return count * attended[-1].parameters + prediction_surround(c)


def nemotron_h(c: Fields) -> Architecture:
    """Return the architecture of Nemotron H and Nemotron 3.

    Each layer is a Mamba 2 mixer, attention, a feed-forward block or a mixture of experts.
    """
    width = hidden_size(c)
    parts = _nemotron_parts(c)
    stack = [
        _nemotron_layer(width, parts, kind)
        for kind in _nemotron_kinds(c, "hybrid_override_pattern", "layers_block_type")
    ]
    if c.layers("num_hidden_layers", len(stack)) != len(stack):
        raise ValueError(f"num_hidden_layers={c['num_hidden_layers']} contradicts the pattern of {len(stack)} layers")
    predicting = _nemotron_kinds(c, "mtp_hybrid_override_pattern", "mtp_layers_block_type")
    count = c.number("num_nextn_predict_layers")
    apart = sum(_nemotron_layer(width, parts, kind).parameters for kind in predicting)
    apart = count * (apart + prediction_surround(c))
    return decoder(c, stack, tied=has_own_head(c), prediction_parameters=apart)


_MARKS: Mapping[str, str] = {"M": "mamba", "*": "attention", "-": "mlp", "E": "moe"}


def _nemotron_kinds(c: Fields, pattern: str, listed: str) -> list[str]:
    marks, kinds = c.get(pattern), c.get(listed)
    if kinds is None:
        kinds = [_MARKS.get(mark, mark) for mark in str(marks or "")]
    require_kinds(kinds, *_MARKS.values(), field=f"{c.path}{pattern}")
    return list(map(str, kinds))


def _nemotron_layer(width: int, parts: Mapping[str, Mixer | FeedForward], kind: str) -> Layer:
    part = parts[kind]
    if isinstance(part, Mixer):
        return Layer(mixers=(part,), vectors=width)
    return Layer(feed_forwards=(part,), vectors=width)


def _nemotron_parts(c: Fields) -> dict[str, Mixer | FeedForward]:
    """Return the mixer or feed-forward block of each kind of layer."""
    width, heads = hidden_size(c), c.count("num_attention_heads")
    head_dim = c.count_or_none("head_dim") or c.count_or_none("attention_head_dim") or width // heads
    if c.flag("attention_bias") or c.flag("mlp_bias"):
        raise ValueError("attention_bias or mlp_bias is set, which the sizing formula of this family does not support")
    parts: dict[str, Mixer | FeedForward] = {
        "mamba": mamba2(
            width,
            heads=c.count("mamba_num_heads"),
            head_dim=c.count("mamba_head_dim"),
            groups=c.count("n_groups"),
            state_size=c.count("ssm_state_size"),
            kernel=c.count("conv_kernel"),
            state_bytes=_state_bytes(c, "mamba_ssm_cache_dtype", "float32"),
            bias=c.flag("use_bias") or c.flag("mamba_proj_bias"),
            convolution_bias=c.flag("use_conv_bias", True),
        ),
        "attention": grouped(
            width,
            heads=heads,
            kv_heads=c.count("num_key_value_heads", heads),
            head_dim=head_dim,
            module="mixer",
        ),
        "mlp": dense(width, c.count("intermediate_size"), gated=False, module="mixer"),
    }
    if experts := c.count_or_none("n_routed_experts"):
        parts["moe"] = mixture(
            width,
            c.count("moe_intermediate_size"),
            experts=experts,
            per_token=c.count("num_experts_per_tok"),
            module="mixer",
            gated=False,
            latent=c.count_or_none("moe_latent_size"),
            shared_width=c.number("n_shared_experts") * c.count("moe_shared_expert_intermediate_size"),
            vectors=experts,
        )
    return parts


def kimi_linear_layers(c: Fields) -> list[Layer]:
    """Return the layers of Kimi Linear and Kimi K3.

    Three of four layers have delta attention, the fourth has latent attention. Experts follow after the first layers.
    """
    width, layers = hidden_size(c), c.layers("num_hidden_layers")
    linear = c.part("linear_attn_config")
    full = {number - 1 for number in linear["full_attn_layers"]}  # the field counts layers from 1
    if full | {number - 1 for number in linear["kda_layers"]} != set(range(layers)):
        raise ValueError("linear_attn_config does not state for every layer whether its attention is linear")
    recurrent = kimi_delta(
        width,
        heads=linear.count("num_heads"),
        head_dim=linear.count("head_dim"),
        kernel=linear.count("short_conv_kernel_size"),
        state_bytes=_BYTES["float32"],
        full_rank_gate=linear.flag("use_full_rank_gate"),
    )
    attended = deepseek_mixer(c, output_gate=c.flag("mla_use_output_gate"))
    inner, experts = c.count("moe_intermediate_size"), c.count("num_experts")
    narrow = c.count_or_none("routed_expert_hidden_size")
    routed = mixture(
        width,
        inner,
        experts=experts,
        per_token=c.count("num_experts_per_token"),
        module="block_sparse_moe",
        names=("w1", "w3", "w2"),
        latent=narrow,
        latent_names=("routed_expert_down_proj", "routed_expert_up_proj"),
        shared_width=c.number("num_shared_experts") * inner,
        vectors=experts + (narrow or 0) * c.flag("latent_moe_use_norm"),
    )
    first, frequency = c.number("first_k_dense_replace"), c.count("moe_layer_freq", 1)
    residual = c.count_or_none("attn_res_block_size") is not None
    beside = (
        tuple(Matrix(f"{part}_res_proj", 1, width, parts=1, precision="half") for part in ("self_attention", "mlp"))
        if residual
        else ()
    )
    return [
        Layer(
            mixers=(attended if number in full else recurrent,),
            feed_forwards=(routed if number >= first and number % frequency == 0 else block(c),),
            matrices=beside,
            vectors=(4 if residual else 2) * width,
        )
        for number in range(layers)
    ]


def kimi_linear(c: Fields) -> Architecture:
    """Return the architecture of Kimi Linear."""
    return decoder(c, kimi_linear_layers(c), vectors=kimi_linear_end(c))


def kimi_linear_end(c: Fields) -> int:
    """Return the parameters that mix the residual streams after the last layer."""
    return 2 * hidden_size(c) if c.count_or_none("attn_res_block_size") else 0


def lfm2_layers(c: Fields, *, sparse: bool = False) -> list[Layer]:
    """Return the layers of LFM2: short convolutions, and attention in the layers that the configuration lists.

    `sparse`: True for the version with experts after the first layers.
    """
    width, layers = hidden_size(c), c.layers("num_hidden_layers")
    for name in ("conv_dim", "conv_dim_out", "block_dim"):
        if c.count(name, width) != width:
            raise ValueError(f"{c.path}{name} differs from hidden_size, for which no sizing formula is known")
    listed, kinds = c.get("full_attn_idxs"), c.each("layer_types", layers)
    if kinds is None and not isinstance(listed, list):
        raise KeyError(f"{c.path}layer_types")
    full = (
        [kind == "full_attention" for kind in kinds]
        if kinds
        else [number in (listed or ()) for number in range(layers)]
    )
    require_kinds(kinds or (), "full_attention", "conv")
    heads = c.count("num_attention_heads")
    head_dim = width // heads
    attended = grouped(
        width,
        heads=heads,
        kv_heads=c.count("num_key_value_heads", 8),
        head_dim=head_dim,
        output="out_proj",
        vectors=2 * head_dim,
    )
    recurrent = short_convolution(width, kernel=c.count("conv_L_cache", 3), bias=c.flag("conv_bias"))
    names = ("w1", "w3", "w2")
    plain = dense(width, _lfm2_width(c, adjusted=not sparse), module="feed_forward", names=names)
    blocks = [plain] * layers
    if sparse:
        experts = c.count("num_experts")
        routed = mixture(
            width,
            c.count("moe_intermediate_size"),
            experts=experts,
            per_token=c.count("num_experts_per_tok"),
            module="feed_forward",
            names=names,
            vectors=experts * c.flag("use_expert_bias", True),
        )
        first = c.number("num_dense_layers", 2)
        blocks = [plain if number < first else routed for number in range(layers)]
    return layers_of(c, [attended if on else recurrent for on in full], blocks)


def _lfm2_width(c: Fields, *, adjusted: bool) -> int:
    """Return the feed-forward width (models/lfm2.py, `Lfm2MLP`)."""
    given = c.count_or_none("block_ff_dim")
    width = c.count("intermediate_size", given) if given is None else given
    if "block_ff_dim" in c and c.has("intermediate_size"):
        c.count("intermediate_size")  # `block_ff_dim` outranks it (Lfm2Config)
    if not adjusted or not c.flag("block_auto_adjust_ff_dim", True):
        return width
    multiplier, multiple = c.get("block_ffn_dim_multiplier", 1.0), c.count("block_multiple_of", 256)
    width = int(2 * width / 3)
    if multiplier is not None:
        width = int(float(multiplier) * width)
    return -(-width // multiple) * multiple


def lfm2_is_tied(c: Fields) -> bool:
    """True if the output head shares the weights of the token embeddings. An older name of the field is tried first."""
    return c.flag("tie_embedding", is_tied(c, True))


def lfm2(c: Fields) -> Architecture:
    """Return the architecture of LFM2 and LFM2.5."""
    return decoder(c, lfm2_layers(c), tied=lfm2_is_tied(c))


def lfm2_moe(c: Fields) -> Architecture:
    """Return the architecture of LFM2 with experts."""
    return decoder(c, lfm2_layers(c, sparse=True), tied=lfm2_is_tied(c))


def qwen3_5_text(c: Fields) -> Architecture:
    """Return the architecture of Qwen 3.5 and 3.6 without their vision tower."""
    apart = qwen3_next_prediction(c, "mtp_num_hidden_layers")
    return decoder(c, qwen3_next_layers(c), prediction_parameters=apart)
