"""Language models with an encoder of images. `text_config` has the fields of another family, a language model.

Towers are sized as an engine's code builds them (docs/models.md names the engine and its version): without the layers
after the layer whose output is used. If `config.json` does not state the largest image, the default of the family's
processor applies: 12,845,056 pixels for Qwen2-VL, 9,633,792 for GLM 4.1V, 17 tiles for Idefics 3 and SmolVLM, 13 for
InternVL and Command A Vision, 10 for LLaVA OneVision and LFM2-VL, 5 for LLaVA NeXT.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.towers import Tower, projector, transformer
from replicas.catalogue.families import dense, hybrid, latent, mixtures, parallel
from replicas.catalogue.families.common import hidden_size, is_tied
from replicas.catalogue.families.multimodal import pixtral_tower
from replicas.catalogue.fields import FieldError, Fields

_LANGUAGE: Mapping[str, Callable[[Fields], Architecture]] = {
    "cohere2": parallel.cohere2,
    "deepseek_v3": latent.deepseek,
    "gemma": dense.gemma,
    "gemma2": dense.gemma2,
    "glm4_moe": mixtures.glm4_moe,
    "glm4v_moe_text": mixtures.glm4_moe,
    "glm4v_text": parallel.glm4,
    "gpt_oss": mixtures.gpt_oss,
    "internlm2": parallel.internlm,
    "internlm3": parallel.internlm,
    "lfm2": hybrid.lfm2,
    "lfm2_moe": hybrid.lfm2_moe,
    "llama": dense.llama,
    "mistral": dense.mistral,
    "phi3": dense.mistral,
    "qwen2": dense.qwen2,
    "qwen2_5_omni_text": dense.qwen2,
    "qwen2_vl": dense.qwen2,
    "qwen2_vl_text": dense.qwen2,
    "qwen3": dense.qwen3,
    "qwen3_moe": mixtures.qwen3_moe,
    "qwen3_omni_moe_text": mixtures.qwen3_moe,
}
"""Formulas of language models that have towers, by the `model_type` of their configuration."""
_WITH_OWN_HEAD = frozenset({"deepseek_v3", "glm4_moe", "glm4v_moe_text", "gpt_oss"})
"""Language models that have an output head even if `tie_word_embeddings` is set."""


def with_towers(c: Fields, text: Fields, *towers: Tower, vectors: int = 0, tied: bool | None = None) -> Architecture:
    """Return a language model with its towers.

    Args:
        c: the configuration of the whole model.
        text: the configuration of the language model.
        towers: the encoders of images and sound.
        vectors: further parameters outside layers and towers.
        tied: True if the output head shares the weights of the token embeddings. By default the field of the whole
            model decides; if it is missing, the language model's field.

    """
    kind = str(text["model_type"])
    if kind not in _LANGUAGE:
        raise FieldError(
            f"{text.path}model_type is {kind!r}, for which no sizing formula is known; known: "
            f"{', '.join(sorted(_LANGUAGE))}"
        )
    read = _LANGUAGE[kind](text)
    ends, head = read.ends, next((matrix for matrix in read.ends if matrix.name == "lm_head"), None)
    if tied is None:
        tied = is_tied(c, head is None) and kind not in _WITH_OWN_HEAD
    if tied:
        ends = tuple(matrix for matrix in ends if matrix is not head)
    elif head is None:
        ends = (*ends, replace(ends[0], name="lm_head", precision="named"))
    model_type = str(c["model_type"]) if c.has("model_type") else read.model_type
    return replace(read, model_type=model_type, towers=towers, ends=ends, vectors=read.vectors + vectors)


def _side(v: Fields, name: str, default: int | None = None) -> int:
    """Return the side of a square. The field gives it as one number, or as a list of two equal numbers."""
    value = v.get(name)
    if isinstance(value, list):
        sides = v.counts(name, 2)
        if sides[0] != sides[1]:
            raise FieldError(f"{v.path}{name} has two different lengths, for which no sizing formula is known")
        return sides[0]
    return v.count(name, default)


def _vit(
    v: Fields,
    *,
    layers: int | None = None,
    class_token: bool = False,
    patch_bias: bool = True,
    pre_norm: bool = False,
    post_norm: bool = True,
    positions: int | None = None,
    in_layer: int = 0,
    bias: bool = True,
    patches_shown: int = 1,
) -> tuple[Tower, int]:
    """Return the tower that the fields of CLIP, SigLIP and InternViT describe, and the number of patches per tile.

    Args:
        v: the configuration of the tower.
        layers: number of layers that are built; default: all.
        class_token: True if a token stands for the whole image.
        patch_bias: True if the embedding of patches has a bias.
        pre_norm: True if a norm precedes the layers.
        post_norm: True if a norm follows the layers.
        positions: number of learned positions; default: one for each patch and the class token.
        in_layer: parameters of scales in each layer.
        bias: True if the attention's input projections have biases.
        patches_shown: number of tiles of the largest image.

    """
    width, inner = v.count("hidden_size"), v.count("intermediate_size")
    patch = _side(v, "patch_size")
    patches = (_side(v, "image_size") // patch) ** 2
    built = v.layers("num_hidden_layers") if layers is None else layers
    blocks = transformer(width, layers=built, heads=v.count("num_attention_heads"), feed_forward=inner)
    blocks += built * (in_layer - 3 * width * (not bias))
    around = v.count("num_channels", 3) * patch * patch * width + width * patch_bias + width * class_token
    around += (patches + class_token if positions is None else positions) * width
    around += 2 * width * (pre_norm + post_norm)
    tower = Tower(
        modality="vision",
        parameters=blocks + around,
        width=width,
        feed_forward_width=inner,
        most_patches=patches_shown * patches,
    )
    return tower, patches


def _joined(tower: Tower, parameters: int) -> Tower:
    """Return the tower with the parameters of the projection that follows it."""
    return replace(tower, parameters=tower.parameters + parameters)


def _used_layers(c: Fields, v: Fields) -> int:
    """Return the number of the tower's layers up to the last one whose output is used (`_get_num_hidden_layers` in
    models/llava.py).
    """
    layers, feature = v.layers("num_hidden_layers"), c.get("vision_feature_layer", -2)
    if isinstance(feature, list) or type(feature) is not int or not -layers <= feature <= layers:
        raise FieldError(f"{c.path}vision_feature_layer={str(feature)[:40]} is not the number of one layer")
    return layers + feature + 1 if feature < 0 else feature


_PIXTRAL = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_attention_heads": 16,
    "num_hidden_layers": 24,
    "patch_size": 16,
    "image_size": 1024,
}
"""Defaults of `PixtralVisionConfig` (transformers 5.19)."""
_LLAVA_TILES = {"llava": 1, "llava_next": 5, "llava_onevision": 10}


def llava(c: Fields) -> Architecture:
    """Return the architecture of LLaVA 1.5, NeXT and OneVision, and of Pixtral: a CLIP, SigLIP or Pixtral tower, and
    two projections.
    """
    text, v = c.part("text_config"), c.part("vision_config")
    kind, tower_kind, out = str(c["model_type"]), str(v.get("model_type")), hidden_size(text)
    if tower_kind == "pixtral":
        tower = pixtral_tower(v, _PIXTRAL)
    elif tower_kind in ("clip_vision_model", "siglip_vision_model"):
        is_clip = tower_kind == "clip_vision_model"
        tower, _ = _vit(
            v,
            layers=_used_layers(c, v),
            class_token=is_clip,
            patch_bias=not is_clip,
            pre_norm=is_clip,
            post_norm=False,
            patches_shown=_LLAVA_TILES[kind],
        )
    else:
        raise FieldError(
            f"{v.path}model_type is {tower_kind!r}, for which no sizing formula is known; known: clip_vision_model, "
            "pixtral, siglip_vision_model"
        )
    c.get("vision_feature_layer")
    joined = projector(tower.width, out, out, bias=c.flag("multimodal_projector_bias", True))
    tied = is_tied(c) or is_tied(text)  # `LlavaConfig.__post_init__`
    return with_towers(c, text, _joined(tower, joined), vectors=0 if kind == "llava" else out, tied=tied)


_QWEN2_PIXELS = 12_845_056


def qwen2_vl(c: Fields) -> Architecture:
    """Return the architecture of Qwen2-VL, whose language model's fields can be at the top level."""
    text = c.part("text_config") if c.has("text_config") else c
    v = c.part("vision_config")
    width, layers = v.count("embed_dim", 1280), v.layers("depth", 32)
    inner = int(width * v.get("mlp_ratio", 4))
    patch_size, merge = v.count("patch_size", 14), v.count("spatial_merge_size", 2)
    channels = v.count("in_channels", v.count("in_chans", 3))
    patch = channels * v.count("temporal_patch_size", 2) * patch_size**2
    blocks = transformer(width, layers=layers, heads=v.count("num_heads", 16), feed_forward=inner)
    merged = width * merge**2
    around = patch * width + 2 * width + projector(merged, merged, v.count("hidden_size"))
    tower = Tower(
        modality="vision",
        parameters=blocks + around,
        width=width,
        feed_forward_width=inner,
        most_patches=_QWEN2_PIXELS // patch_size**2,
    )
    if text is not c:
        return with_towers(c, text, tower)
    return replace(dense.qwen2(c), towers=(tower,))


_GLM_PIXELS = 9_633_792


def glm4v(c: Fields) -> Architecture:
    """Return the architecture of GLM 4.1V, 4.5V and 4.6V: a gated tower, and a gated merger of its patches."""
    text, v = c.part("text_config"), c.part("vision_config")
    width, out = v.count("hidden_size"), v.count("out_hidden_size")
    merge, patch_size, between = (
        v.count("spatial_merge_size", 2),
        v.count("patch_size", 14),
        v.count("intermediate_size"),
    )
    patch = v.count("in_channels", 3) * v.count("temporal_patch_size", 2) * patch_size**2
    if v.flag("attention_bias"):
        raise ValueError(f"{v.path}attention_bias is set, for which no sizing formula is known")
    blocks = transformer(
        width,
        layers=v.layers("depth"),
        heads=v.count("num_heads"),
        feed_forward=out,
        gated=True,
        bias=False,
        norm_bias=False,
    )
    positions = (v.count("image_size", 336) // patch_size) ** 2 * width
    merger = out * out + 2 * out + 3 * out * between
    around = patch * width + width + positions + 2 * width + width * merge**2 * out + out + merger
    tower = Tower(
        modality="vision",
        parameters=blocks + around,
        width=width,
        feed_forward_width=out,
        most_patches=_GLM_PIXELS // patch_size**2,
    )
    return with_towers(c, text, tower)


_IDEFICS_TILES = 17


def idefics3(c: Fields) -> Architecture:
    """Return the architecture of Idefics 3 and SmolVLM: a SigLIP tower whose patches are shuffled together."""
    text, v = c.part("text_config"), c.part("vision_config")
    tower, _ = _vit(v, patches_shown=_IDEFICS_TILES)
    joined = tower.width * c.count("scale_factor", 2) ** 2 * hidden_size(text)
    return with_towers(c, text, _joined(tower, joined))


def paligemma(c: Fields) -> Architecture:
    """Return the architecture of PaliGemma 1 and 2: a SigLIP tower and one projection."""
    text, v = c.part("text_config"), c.part("vision_config")
    tower, _ = _vit(v)
    return with_towers(c, text, _joined(tower, projector(tower.width, hidden_size(text))), tied=True)


def kimi_vl(c: Fields) -> Architecture:
    """Return the architecture of Kimi-VL: MoonViT with learned positions, and two projections of merged patches."""
    text, v = c.part("text_config"), c.part("vision_config")
    width, inner, patch = v.count("hidden_size"), v.count("intermediate_size"), v.count("patch_size", 14)
    positions = v.count("init_pos_emb_height", 64) * v.count("init_pos_emb_width", 64)
    blocks = transformer(
        width, layers=v.layers("num_hidden_layers"), heads=v.count("num_attention_heads"), feed_forward=inner
    )
    merged = width * prod(v.counts("merge_kernel_size", 2))
    around = projector(3 * patch * patch, width) + positions * width + 2 * width
    around += 2 * width + projector(merged, merged, hidden_size(text))
    tower = Tower(
        modality="vision",
        parameters=blocks + around,
        width=width,
        feed_forward_width=inner,
        most_patches=4096,  # `in_token_limit` of the processor
    )
    return with_towers(c, text, tower)


_LFM2_TILES = 10


def lfm2_vl(c: Fields) -> Architecture:
    """Return the architecture of LFM2-VL: a SigLIP 2 tower and two projections of merged patches."""
    text, v = c.part("text_config"), c.part("vision_config")
    width, inner, patch = v.count("hidden_size"), v.count("intermediate_size"), v.count("patch_size", 16)
    layers, positions = _used_layers(c, v), v.count("num_patches", 256)
    has_norm = layers == v.layers("num_hidden_layers")
    blocks = transformer(width, layers=layers, heads=v.count("num_attention_heads"), feed_forward=inner)
    around = projector(v.count("num_channels", 3) * patch * patch, width) + positions * width + 2 * width * has_norm
    merged = width * c.count("downsample_factor", 2) ** 2
    has_own_norm = c.flag("projector_use_layernorm", True)
    middle = c.count("projector_hidden_size", 2560)
    joined = 2 * merged * has_own_norm + projector(
        merged, middle, hidden_size(text), bias=c.flag("projector_bias", True)
    )
    tower = Tower(
        modality="vision",
        parameters=blocks + around + joined,
        width=width,
        feed_forward_width=inner,
        most_patches=_LFM2_TILES * c.count("max_num_patches", 1024),
    )
    return with_towers(c, text, tower)


_TILES = 13


def cohere2_vision(c: Fields) -> Architecture:
    """Return the architecture of Command A Vision: a SigLIP tower and a gated projection of merged patches."""
    text, v = c.part("text_config"), c.part("vision_config")
    tower, _ = _vit(v, patches_shown=_TILES)
    middle = c.count("alignment_intermediate_size", 36864)
    joined = projector(tower.width * c.count("downsample_factor", 2) ** 2, middle)
    joined += projector(middle // 2, hidden_size(text))
    return with_towers(c, text, _joined(tower, joined))


def internvl(c: Fields) -> Architecture:
    """Return the architecture of InternVL in the library's format: InternViT and two projections."""
    text, v = c.part("text_config"), c.part("vision_config")
    if v.flag("use_qk_norm") or v.flag("use_mask_token") or not v.flag("use_absolute_position_embeddings", True):
        raise ValueError(
            f"{v.path}use_qk_norm, use_mask_token or use_absolute_position_embeddings has a value for which no sizing "
            "formula is known"
        )
    pooled = v.flag("use_mean_pooling", True)
    width = v.count("hidden_size")
    tower, _ = _vit(
        v,
        class_token=True,
        post_norm=not pooled,
        in_layer=2 * width,
        bias=v.flag("attention_bias"),
        patches_shown=_TILES,
    )
    return _shuffled(c, text, tower)


def _shuffled(c: Fields, text: Fields, tower: Tower) -> Architecture:
    """Return a language model with InternVL's tower, whose neighbouring patches are joined before two projections."""
    width, out = tower.width * round(1 / float(c.get("downsample_ratio", 0.5))) ** 2, hidden_size(text)
    return with_towers(c, text, _joined(tower, 2 * width + projector(width, out, out)))


def internvl_chat(c: Fields) -> Architecture:
    """Return the architecture of InternVL 2 to 3.5 for a config.json in its publisher's own format (`llm_config`)."""
    text = c.part("llm_config" if c.has("llm_config") else "text_config")
    v = c.part("vision_config")
    width, layers = v.count("hidden_size"), v.layers("num_hidden_layers")
    if v.flag("qk_normalization") or v.get("norm_type", "layer_norm") != "layer_norm" or v.flag("use_moe"):
        raise ValueError(
            f"{v.path}qk_normalization, norm_type or use_moe has a value for which no sizing formula is known"
        )
    feature = c.get("select_layer", -1)
    if type(feature) is not int or not -layers <= feature <= layers:
        raise FieldError(f"{c.path}select_layer={str(feature)[:40]} is not the number of one layer")
    used = layers + feature + 1 if feature < 0 else feature + 1
    tower, _ = _vit(
        v,
        layers=used,
        class_token=True,
        post_norm=False,
        in_layer=2 * width,
        bias=v.flag("qkv_bias"),
        patches_shown=_TILES,
    )
    return _shuffled(c, text, tower)


_CLIP_WIDTH, _CLIP_LAYERS, _CLIP_PATCHES, _CLIP_PATCH = 1024, 24, 576, 14
_PHI3_TILES = 17


def phi3_v(c: Fields) -> Architecture:
    """Return the architecture of Phi 3 and 3.5 Vision, with CLIP ViT-L/14 at 336 pixels without its last layer.

    The sizes of CLIP are not in config.json; they come from `CLIP_VIT_LARGE_PATCH14_336_CONFIG` in models/phi3v.py.
    """
    processor, image = c.part("img_processor"), c.part("embd_layer")
    out, width = hidden_size(c), processor.count("image_dim_out", _CLIP_WIDTH)
    if width != _CLIP_WIDTH or processor.get("name") != "clip_vision_model":
        raise ValueError("img_processor is not CLIP ViT-L/14 at 336 pixels, the only one with a known formula")
    blocks = transformer(width, layers=_CLIP_LAYERS - 1, heads=16, feed_forward=4 * width)
    around = 3 * _CLIP_PATCH**2 * width + width + (_CLIP_PATCHES + 1) * width + 2 * width
    joined = projector(4 * width, out, out) + 4 * width + 4 * width  # two separators of tiles
    if image.get("projection_cls", "mlp") != "mlp" or not image.flag("use_hd_transform", True):
        raise ValueError("embd_layer has a projection for which no sizing formula is known")
    tower = Tower(
        modality="vision",
        parameters=blocks + around + joined,
        width=width,
        feed_forward_width=4 * width,
        most_patches=_PHI3_TILES * _CLIP_PATCHES,
    )
    read = dense.mistral(c)
    # The engine builds the token embeddings a second time, outside the language model.
    return replace(read, towers=(tower,), vectors=read.vectors + read.vocab_size * out)


_SIGLIP_WIDTH, _SIGLIP_INNER, _SIGLIP_LAYERS, _SIGLIP_PATCHES = 1152, 4304, 27, 1024
_PHI4_TILES = 37


def phi4mm(c: Fields) -> Architecture:
    """Return the architecture of Phi 4 Multimodal without its adapters: a Conformer, and SigLIP without its last layer.

    SigLIP encodes images of 448 pixels. Its sizes are not in config.json; they come from `get_navit_vision_model` in
    models/phi4mm.py.
    """
    out, width = hidden_size(c), _SIGLIP_WIDTH
    kind = c.part("embd_layer").get("embedding_cls")
    if kind != "image_audio":
        raise FieldError(f"embd_layer.embedding_cls is {str(kind)[:40]!r}, for which no sizing formula is known")
    blocks = transformer(width, layers=_SIGLIP_LAYERS - 1, heads=16, feed_forward=_SIGLIP_INNER)
    around = projector(3 * 14 * 14, width) + _SIGLIP_PATCHES * width + 2 * width + projector(width, out, out)
    vision = Tower(
        modality="vision",
        parameters=blocks + around,
        width=width,
        feed_forward_width=_SIGLIP_INNER,
        most_patches=_PHI4_TILES * _SIGLIP_PATCHES,
    )
    doubts = tuple(
        f"config.json names an adapter for images or sound ({name}), whose weights are not counted: the engine loads "
        "it only as a LoRA adapter"
        for name in ("vision_lora", "speech_lora")
        if c.has(name)
    )
    return replace(dense.mistral(c), towers=(vision, _phi4_sound(c, out)), doubts=doubts)


_PHI4_SOUND: Mapping[str, object] = {
    "bias_in_glu": True,
    "cnn_layer_norm": True,
    "batch_norm": False,
    "depthwise_multiplier": 1,
    "ext_pw_kernel_size": 1,
    "input_layer": "nemo_conv",
    "time_reduction": 8,
}
"""Values of the fields of Phi 4's encoder of sound for which a formula is known."""


def _phi4_sound(c: Fields, out: int) -> Tower:
    """Return the Conformer of Phi 4 Multimodal with its convolutions and its two projections."""
    a = c.part("audio_processor").part("config")
    for name, known in _PHI4_SOUND.items():
        if a.get(name) != known:
            raise FieldError(f"{a.path}{name} is {str(a.get(name))[:40]}; the sizing formula is known only for {known}")
    width, inner, kernel = a.count("attention_dim"), a.count("linear_units"), a.count("kernel_size")
    channels = a.part("nemo_conv_settings").count("conv_channels")
    if (
        channels != width
        or a.count("ext_pw_out_channel") != width
        or a.count("depthwise_seperable_out_channel") != width
    ):
        raise FieldError(f"{a.path}attention_dim differs from the channels, for which no sizing formula is known")
    bins, heads = a.count("input_size"), a.count("attention_heads")
    distance = a.part("relative_attention_bias_args").count("t5_bias_max_distance")
    before = 3 * 9 * width + 2 * width * width + 5 * width + width * -(-bins // 8) * width + width + 2 * bins
    square = width * width + width
    block = 2 * width + projector(width, 2 * inner) + projector(inner, width)
    convolved = 2 * width + projector(width, 2 * width) + 2 * width + 2 * square + (kernel + 1) * width
    layer = 2 * block + 4 * square + convolved + 4 * width
    joined = 2 * projector(width, out, out)
    return Tower(
        modality="audio",
        parameters=before + 2 * distance * heads + a.layers("num_blocks") * layer + joined,
        width=width,
        feed_forward_width=2 * inner,
        most_patches=4000,
    )
