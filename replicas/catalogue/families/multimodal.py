"""Language models with towers: `text_config` configures the language model, its sibling fields configure the towers.

Towers are sized as an engine's code builds them (docs/models.md names the engine and its version). If `config.json`
does not state the largest image, the default of the family's processor applies: 16,777,216 pixels for Qwen, 16 tiles
and a thumbnail for Llama 4, 16,384 patches for Kimi, 280 soft tokens of 9 patches for Gemma 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.attention import grouped
from replicas.catalogue.composition.feed_forward import dense, mixture
from replicas.catalogue.composition.parts import FeedForward, Layer, Matrix
from replicas.catalogue.composition.towers import Tower, projector, transformer
from replicas.catalogue.families.common import ALL_TOKENS, Span, decoder, hidden_size, is_tied, prediction, spans
from replicas.catalogue.families.dense import gemma3_layers, mistral_layers, qwen2_layers, qwen3_layers
from replicas.catalogue.families.gemma3n import conformer
from replicas.catalogue.families.hybrid import (
    kimi_linear_end,
    kimi_linear_layers,
    qwen3_next_layers,
    qwen3_next_prediction,
)
from replicas.catalogue.families.latent import deepseek_stack
from replicas.catalogue.families.mixtures import (
    llama4_layers,
    minimax_m3_layers,
    qwen3_moe_layers,
)
from replicas.catalogue.fields import Fields


def _with_towers(
    c: Fields, text: Fields, layers: list[Layer], *towers: Tower, tied_by_default: bool = False, **options: Any
) -> Architecture:
    """Return a language model with its towers. A field of the whole model outranks the same field in `text_config`."""
    tied = is_tied(c, is_tied(text, tied_by_default))
    return decoder(text, layers, model_type=str(c["model_type"]), tied=tied, towers=towers, **options)


_QWEN_PIXELS = 16_777_216
_LLAMA4_TILES = 17
_KIMI_PATCHES = 16_384
_PIXTRAL_SIDE = 1_540


def qwen_tower(v: Fields) -> Tower:
    """Return the tower of Qwen3-VL and Qwen 3.5: patches of several frames, and a merger for each injected layer."""
    width, layers, inner = v.count("hidden_size"), v.layers("depth"), v.count("intermediate_size")
    merged = width * v.count("spatial_merge_size") ** 2
    out = v.count("out_hidden_size")
    patch = v.count("in_channels", 3) * v.count("temporal_patch_size") * v.count("patch_size") ** 2
    blocks = transformer(width, layers=layers, heads=v.count("num_heads"), feed_forward=inner)
    merger = projector(merged, merged, out)
    injected = len(v.get("deepstack_visual_indexes") or [])
    around = projector(patch, width) + v.count("num_position_embeddings") * width + merger + 2 * width
    return Tower(
        modality="vision",
        parameters=blocks + around + injected * (merger + 2 * merged),
        width=width,
        feed_forward_width=inner,
        most_patches=_QWEN_PIXELS // v.count("patch_size") ** 2,
    )


def qwen3_vl(c: Fields) -> Architecture:
    """Return the architecture of Qwen3-VL."""
    text = c.part("text_config")
    return _with_towers(c, text, qwen3_layers(text), qwen_tower(c.part("vision_config")))


def qwen3_vl_moe(c: Fields) -> Architecture:
    """Return the architecture of Qwen3-VL with experts."""
    text = c.part("text_config")
    return _with_towers(c, text, qwen3_moe_layers(text), qwen_tower(c.part("vision_config")))


def qwen3_5(c: Fields) -> Architecture:
    """Return the architecture of Qwen 3.5 and 3.6."""
    text = c.part("text_config")
    towers = () if c.flag("language_model_only") else (qwen_tower(c.part("vision_config")),)
    apart = qwen3_next_prediction(text, "mtp_num_hidden_layers")
    return _with_towers(c, text, qwen3_next_layers(text), *towers, prediction_parameters=apart)


def qwen2_5_vl(c: Fields) -> Architecture:
    """Return the architecture of Qwen2.5-VL: a tower with gated blocks and windows.

    The fields of the language model can be at the top level of the configuration.
    """
    text = c.part("text_config") if c.has("text_config") else c
    return _with_towers(c, text, qwen2_layers(text), qwen2_5_tower(c.part("vision_config")))


def qwen2_5_tower(v: Fields) -> Tower:
    """Return the tower of Qwen2.5-VL: gated blocks and windows."""
    width, layers, inner = v.count("hidden_size"), v.layers("depth"), v.count("intermediate_size")
    merged = width * v.count("spatial_merge_size", 2) ** 2
    patch = (
        v.count("in_channels", v.count("in_chans", 3))
        * v.count("temporal_patch_size", 2)
        * v.count("patch_size", 14) ** 2
    )
    blocks = transformer(
        width, layers=layers, heads=v.count("num_heads"), feed_forward=inner, gated=True, norm_bias=False
    )
    around = patch * width + width + projector(merged, merged, v.count("out_hidden_size"))
    return Tower(
        modality="vision",
        parameters=blocks + around,
        width=width,
        feed_forward_width=inner,
        most_patches=_QWEN_PIXELS // v.count("patch_size", 14) ** 2,
    )


_LLAMA4_TOWER = {
    "hidden_size": 768,
    "num_hidden_layers": 34,
    "num_attention_heads": 16,
    "num_channels": 3,
    "intermediate_size": 5632,
    "vision_output_dim": 7680,
    "image_size": 448,
    "patch_size": 14,
    "projector_input_dim": 4096,
    "projector_output_dim": 4096,
}
"""Defaults of `Llama4VisionConfig` (transformers 5.8), which engines use if the configuration has no tower."""


def llama4(c: Fields) -> Architecture:
    """Return the architecture of Llama 4."""
    text = c.part("text_config")
    doubts: tuple[str, ...] = ()
    if c.has("vision_config"):
        v = c.part("vision_config")
    else:
        v = Fields(_LLAMA4_TOWER)
        doubts = ("config.json has no vision_config: the tower is sized with the engines' defaults",)
    width, inner = v.count("hidden_size"), v.count("intermediate_size")
    patch, image = v.count("patch_size"), v.count("image_size")
    blocks = transformer(
        width, layers=v.layers("num_hidden_layers"), heads=v.count("num_attention_heads"), feed_forward=inner
    )
    patches = (image // patch) ** 2 + 1
    shuffled = inner
    around = (
        v.count("num_channels", 3) * patch * patch * width
        + width
        + patches * width
        + 4 * width
        + shuffled * v.count("projector_input_dim")
        + v.count("projector_input_dim") * v.count("projector_output_dim")
        + v.count("vision_output_dim") * hidden_size(text)
    )
    tower = Tower(
        modality="vision",
        parameters=blocks + around,
        width=width,
        feed_forward_width=inner,
        most_patches=_LLAMA4_TILES * patches,
    )
    return _with_towers(c, text, llama4_layers(text), tower, doubts=doubts)


def pixtral_tower(v: Fields, defaults: Mapping[str, int]) -> Tower:
    """Return the tower of Pixtral: rotary positions and gated blocks.

    `defaults`: values of fields that the configuration leaves out.
    """

    def count(name: str) -> int:
        return v.count(name, defaults.get(name))

    width, inner, heads, patch = map(count, ("hidden_size", "intermediate_size", "num_attention_heads", "patch_size"))
    blocks = transformer(
        width,
        layers=v.layers("num_hidden_layers", defaults.get("num_hidden_layers")),
        heads=heads,
        head_dim=v.count("head_dim", width // heads),
        feed_forward=inner,
        gated=True,
        bias=False,
        norm_bias=False,
    )
    return Tower(
        modality="vision",
        parameters=blocks + v.count("num_channels", 3) * patch * patch * width + width,
        width=width,
        feed_forward_width=inner,
        most_patches=(count("image_size") // patch) ** 2,
    )


def mistral3(c: Fields) -> Architecture:
    """Return the architecture of Mistral Small 3.1 and later: a Pixtral tower whose patches are merged."""
    text, v = c.part("text_config"), c.part("vision_config")
    tower, out = pixtral_tower(v, {"image_size": _PIXTRAL_SIDE}), hidden_size(text)
    merge, width = c.count("spatial_merge_size", 2), tower.width
    merged = merge * merge * width * width + width
    joined = merged + projector(width, out, out, bias=c.flag("multimodal_projector_bias"))
    return _with_towers(c, text, mistral_layers(text), replace(tower, parameters=tower.parameters + joined))


def gemma3(c: Fields) -> Architecture:
    """Return the architecture of Gemma 3: a SigLIP tower whose patches are pooled."""
    text, v = c.part("text_config"), c.part("vision_config")
    width, inner, out = v.count("hidden_size"), v.count("intermediate_size"), hidden_size(text)
    patch = v.count("patch_size")
    patches = (v.count("image_size") // patch) ** 2
    blocks = transformer(
        width, layers=v.layers("num_hidden_layers"), heads=v.count("num_attention_heads"), feed_forward=inner
    )
    around = projector(v.count("num_channels", 3) * patch * patch, width) + patches * width + 2 * width
    tower = Tower(
        modality="vision",
        parameters=blocks + around + width * out + width,
        width=width,
        feed_forward_width=inner,
        most_patches=patches,
    )
    return _with_towers(c, text, gemma3_layers(text), tower, tied_by_default=True)


def _gemma4_tower(v: Fields, out: int) -> Tower:
    width, inner, heads = v.count("hidden_size"), v.count("intermediate_size"), v.count("num_attention_heads")
    head_dim, patch, layers = v.count("head_dim"), v.count("patch_size"), v.layers("num_hidden_layers")
    blocks = transformer(
        width,
        layers=layers,
        heads=heads,
        kv_heads=v.count("num_key_value_heads", heads),
        head_dim=head_dim,
        feed_forward=inner,
        gated=True,
        bias=v.flag("attention_bias"),
        feed_forward_bias=False,
        norms=4,
        norm_bias=False,
        head_norms=2 * head_dim,
    )
    positions = 2 * v.count("position_embedding_size") * width
    around = 3 * patch * patch * width + positions + width * out
    tokens, pooled = v.count("default_output_length", 280), v.count("pooling_kernel_size", 3) ** 2
    return Tower(
        modality="vision",
        parameters=blocks + around,
        width=width,
        feed_forward_width=inner,
        most_patches=tokens * pooled,
    )


def gemma4_layers(c: Fields) -> list[Layer]:
    """Return the layers of Gemma 4: most layers have a window, the other layers have wider heads.

    Experts are added to a dense block.
    """
    width, heads, layers = hidden_size(c), c.count("num_attention_heads"), c.layers("num_hidden_layers")
    shared = c.number("num_kv_shared_layers")
    head_dim, wide = c.count("head_dim"), c.count("global_head_dim")
    kv_heads = c.count("num_key_value_heads")
    wide_kv_heads = c.count("num_global_key_value_heads", kv_heads) if c.flag("attention_k_eq_v") else kv_heads
    bias = c.flag("attention_bias")
    inner, per_layer = c.count("intermediate_size"), _per_layer_width(c)
    beside = (
        (
            Matrix("per_layer_input_gate", per_layer, width, parts=1),
            Matrix("per_layer_projection", width, per_layer, parts=1),
        )
        if per_layer
        else ()
    )

    def layer(number: int, span: Span) -> Layer:
        is_whole, uses_another = span == ALL_TOKENS, number >= layers - shared
        dim, kv = (wide, wide_kv_heads) if is_whole else (head_dim, kv_heads)
        mixer = grouped(
            width,
            heads=heads,
            kv_heads=kv,
            head_dim=dim,
            qkv_bias=bias,
            output_bias=bias,
            vectors=dim * (2 - uses_another),
            kind=span.kind,
            tokens=span.tokens,
            caches=not uses_another,
            own_keys=not uses_another,
        )
        doubled = c.flag("use_double_wide_mlp") and uses_another
        blocks: tuple[FeedForward, ...] = (dense(width, inner * (1 + doubled)),)
        norms = 4 + bool(per_layer)
        if c.flag("enable_moe_block"):
            experts = c.count("num_experts")
            routed = mixture(
                width,
                c.count("moe_intermediate_size"),
                experts=experts,
                per_token=c.count("top_k_experts"),
                module="moe",
                router="router.proj",
                vectors=experts + width,
            )
            blocks, norms = (*blocks, routed), norms + 3
        return Layer(mixers=(mixer,), feed_forwards=blocks, matrices=beside, vectors=norms * width)

    if not c.has("layer_types"):
        raise KeyError(f"{c.path}layer_types")
    return [layer(number, span) for number, span in enumerate(spans(c))]


def _per_layer_width(c: Fields) -> int:
    """Return the width of each layer's embeddings; the library's default is 256."""
    return (c.count_or_none("hidden_size_per_layer_input") or 0) if "hidden_size_per_layer_input" in c else 256


def _with_layer_embeddings(c: Fields, read: Architecture) -> Architecture:
    """Add the per-layer embeddings of Gemma 4, which only some sizes of the model have."""
    layers, per_layer = c.layers("num_hidden_layers"), _per_layer_width(c)
    vocabulary = c.count("vocab_size_per_layer_input", c.count("vocab_size"))
    if not per_layer:
        return read
    embeddings = Matrix("embed_tokens_per_layer", vocabulary, layers * per_layer, precision="half")
    mixing = Matrix("per_layer_model_projection", layers * per_layer, hidden_size(c), precision="half")
    return replace(read, ends=(*read.ends, embeddings, mixing), vectors=read.vectors + per_layer)


def gemma4_text(c: Fields) -> Architecture:
    """Return the architecture of Gemma 4 without towers."""
    return _with_layer_embeddings(c, decoder(c, gemma4_layers(c), tied_by_default=True))


def _gemma4_audio(a: Fields, out: int) -> Tower:
    """Return the encoder of sound of Gemma 4: the Conformer of Gemma 3n and two projections.

    Missing fields have the defaults of `Gemma4AudioConfig` (transformers 5.19).
    """
    channels = a.counts("subsampling_conv_channels", 2) if a.has("subsampling_conv_channels") else [128, 32]
    encoder = conformer(
        a.count("hidden_size", 1024),
        layers=a.layers("num_hidden_layers", 12),
        heads=a.count("num_attention_heads", 8),
        kernel=a.count("conv_kernel_size", 5),
        channels=channels,
        bins=128,
    )
    projected = a.count("output_proj_dims", 1536)
    joined = projector(encoder.width, projected) + projected * out
    return replace(encoder, parameters=encoder.parameters + joined)


def gemma4(c: Fields) -> Architecture:
    """Return the architecture of Gemma 4."""
    text = c.part("text_config")
    towers = (_gemma4_tower(c.part("vision_config"), hidden_size(text)),) if c.has("vision_config") else ()
    if c.has("audio_config"):
        towers = (*towers, _gemma4_audio(c.part("audio_config"), hidden_size(text)))
    return _with_layer_embeddings(text, _with_towers(c, text, gemma4_layers(text), *towers, tied_by_default=True))


def _moon_tower(v: Fields, out: int) -> Tower:
    """Return the tower of Kimi K2.5 and K3 (MoonViT)."""
    width, inner = v.count("vt_hidden_size"), v.count("vt_intermediate_size")
    heads, patch = v.count("vt_num_attention_heads"), v.count("patch_size")
    plain = v.get("norm_type", "layernorm") == "layernorm"
    linear_bias = v.flag("linear_bias", True)
    blocks = transformer(
        width,
        layers=v.layers("vt_num_hidden_layers"),
        heads=heads,
        head_dim=v.count("qkv_hidden_size", width) // heads,
        feed_forward=inner,
        bias=v.flag("attn_bias", True),
        feed_forward_bias=linear_bias,
        norm_bias=plain,
    )
    merged = v.count("mm_hidden_size", width) * prod(v.counts("merge_kernel_size", 2))
    positions = v.count("init_pos_emb_height") * v.count("init_pos_emb_width") * width
    embedding = 3 * patch * patch * width + width * v.flag("patch_embed_proj_bias", True)
    second = v.get("mm_projector_type", "patchmerger") == "patchmergerv2"
    joined = projector(merged, merged, out, bias=not second) + (out if second else 2 * v.count("mm_hidden_size", width))
    end = width * (1 + plain)
    return Tower(
        modality="vision",
        parameters=blocks + embedding + positions + end + joined,
        width=width,
        feed_forward_width=inner,
        most_patches=_KIMI_PATCHES,
    )


def kimi_k25(c: Fields) -> Architecture:
    """Return the architecture of Kimi K2.5 to K2.7."""
    text = c.part("text_config")
    tower = _moon_tower(c.part("vision_config"), hidden_size(text))
    if text.count_or_none("num_nextn_predict_layers"):
        raise ValueError(
            "text_config.num_nextn_predict_layers is set, which the sizing formula of this family does not support"
        )
    return _with_towers(c, text, deepseek_stack(text), tower)


def kimi_k3(c: Fields) -> Architecture:
    """Return the architecture of Kimi K3."""
    text = c.part("text_config")
    tower = _moon_tower(c.part("vision_config"), hidden_size(text))
    return _with_towers(c, text, kimi_linear_layers(text), tower, vectors=kimi_linear_end(text))


def minimax_m3_vl(c: Fields) -> Architecture:
    """Return the architecture of MiniMax M3: a CLIP tower without learned positions, and a merger of patches."""
    text, v = c.part("text_config"), c.part("vision_config")
    width, inner, out = v.count("hidden_size"), v.count("intermediate_size"), hidden_size(text)
    compression = v.part("img_token_compression_config")
    frames, merge = compression.count("temporal_patch_size"), compression.count("spatial_merge_size")
    patch = v.count("num_channels", 3) * frames * v.count("patch_size") ** 2
    middle, bias = c.count("projector_hidden_size", out), c.flag("multimodal_projector_bias", True)
    blocks = transformer(
        width, layers=v.layers("num_hidden_layers"), heads=v.count("num_attention_heads"), feed_forward=inner
    )
    joined = projector(width, middle, out, bias=bias) + projector(out * merge * merge, middle, out, bias=bias)
    tower = Tower(
        modality="vision",
        parameters=blocks + patch * width + 4 * width + joined,
        width=width,
        feed_forward_width=inner,
        most_patches=(v.count("image_size") // v.count("patch_size")) ** 2,
    )
    layers = minimax_m3_layers(text)
    apart = prediction(text, layers[-1], text.number("num_mtp_modules"))
    return _with_towers(c, text, layers, tower, prediction_parameters=apart)
