"""Language models with an encoder of sound. Some of them also have an encoder of images.

Engines load the part that understands (the thinker) and not the parts that speak (talker, vocoder).
"""

from __future__ import annotations

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.towers import Tower, projector, transformer
from replicas.catalogue.families.common import hidden_size, is_tied
from replicas.catalogue.families.images import with_towers
from replicas.catalogue.families.multimodal import qwen2_5_tower, qwen_tower
from replicas.catalogue.fields import Fields


def _layers_of_whisper(*, width: int, inner: int, layers: int, heads: int) -> int:
    """Return the parameters of Whisper's layers, whose keys have no bias."""
    return transformer(width, layers=layers, heads=heads, feed_forward=inner) - layers * width


def _whisper(a: Fields, *, positions: bool) -> Tower:
    """Return the encoder of Whisper: two convolutions, a transformer, and a norm.

    `positions`: True if the positions are parameters.
    """
    width, inner = a.count("d_model"), a.count("encoder_ffn_dim")
    layers, frames = a.layers("encoder_layers"), a.count("max_source_positions", 1500)
    convolutions = 3 * a.count("num_mel_bins", 128) * width + width + 3 * width * width + width
    blocks = _layers_of_whisper(width=width, inner=inner, layers=layers, heads=a.count("encoder_attention_heads"))
    return Tower(
        modality="audio",
        parameters=convolutions + frames * width * positions + blocks + 2 * width,
        width=width,
        feed_forward_width=inner,
        most_patches=2 * frames,
    )


def _plus(tower: Tower, parameters: int) -> Tower:
    return Tower(
        modality=tower.modality,
        parameters=tower.parameters + parameters,
        width=tower.width,
        feed_forward_width=tower.feed_forward_width,
        most_patches=tower.most_patches,
    )


def qwen2_audio(c: Fields) -> Architecture:
    """Return the architecture of Qwen2-Audio: Whisper's encoder and one projection."""
    text = c.part("text_config")
    tower = _whisper(c.part("audio_config"), positions=True)
    return with_towers(c, text, _plus(tower, projector(tower.width, hidden_size(text))))


def qwen2_5_omni(c: Fields) -> Architecture:
    """Return the thinker of Qwen2.5-Omni: Whisper's encoder, and the tower of Qwen2.5-VL."""
    thinker = c.part("thinker_config") if c.has("thinker_config") else c
    text, a, v = thinker.part("text_config"), thinker.part("audio_config"), thinker.part("vision_config")
    out = a.count("output_dim", hidden_size(text))
    tower = _whisper(a, positions=False)
    towers = (_plus(tower, 2 * out + projector(tower.width, out)), qwen2_5_tower(v))
    return with_towers(c, text, *towers, tied=is_tied(thinker, is_tied(text)))


def _omni_encoder(a: Fields) -> Tower:
    """Return the encoder of sound of Qwen3-Omni: three convolutions in two dimensions, then Whisper's layers."""
    width, inner, middle = a.count("d_model"), a.count("encoder_ffn_dim"), a.count("downsample_hidden_size", 480)
    bins = a.count("num_mel_bins", 128)
    for _ in range(3):
        bins = (bins + 1) // 2
    convolutions = 9 * middle + middle + 2 * (9 * middle * middle + middle) + middle * bins * width
    layers, heads = a.layers("encoder_layers"), a.count("encoder_attention_heads")
    blocks = transformer(width, layers=layers, heads=heads, feed_forward=inner)
    return Tower(
        modality="audio",
        parameters=convolutions + blocks + 2 * width + projector(width, width, a.count("output_dim")),
        width=width,
        feed_forward_width=inner,
        most_patches=2 * a.count("max_source_positions", 1500),
    )


def qwen3_omni_moe(c: Fields) -> Architecture:
    """Return the thinker of Qwen3-Omni: an encoder of sound, the tower of Qwen3-VL, and experts."""
    thinker = c.part("thinker_config") if c.has("thinker_config") else c
    text, a, v = thinker.part("text_config"), thinker.part("audio_config"), thinker.part("vision_config")
    return with_towers(c, text, _omni_encoder(a), qwen_tower(v), tied=is_tied(thinker, is_tied(text)))
