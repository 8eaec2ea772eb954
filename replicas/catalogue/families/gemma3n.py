"""Gemma 3n: several streams of activations, embeddings for each layer, and encoders of images and sound.

The parts are taken from the code of the engine that docs/models.md names (models/gemma3n.py and gemma3n_mm.py).
"""

from __future__ import annotations

from dataclasses import replace

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.attention import grouped
from replicas.catalogue.composition.feed_forward import dense
from replicas.catalogue.composition.parts import Layer, Matrix
from replicas.catalogue.composition.towers import Tower
from replicas.catalogue.families.common import Span, decoder, hidden_size, is_tied, spans
from replicas.catalogue.fields import FieldError, Fields

_VISION = "mobilenetv5_300m_enc"
_VISION_PARAMETERS = 294_126_912
"""Parameters of MobileNet V5 (timm 1.0.31), as the engine builds it."""
_VISION_WIDTH, _VISION_PATCHES = 2048, 256


def gemma3n_text(c: Fields) -> Architecture:
    """Return the architecture of Gemma 3n without its encoders. The last layers use the cache of earlier layers."""
    width, layers = hidden_size(c), c.layers("num_hidden_layers")
    heads, head_dim, kv_heads = c.count("num_attention_heads"), c.count("head_dim"), c.count("num_key_value_heads")
    streams, rank, per_layer = (
        c.count("altup_num_inputs", 4),
        c.count("laurel_rank", 64),
        c.count("hidden_size_per_layer_input", 256),
    )
    shared = c.number("num_kv_shared_layers", 15)
    widths = c.each("intermediate_size", layers) if isinstance(c["intermediate_size"], list) else None
    if not c.has("layer_types"):
        raise KeyError(f"{c.path}layer_types")
    beside = (
        Matrix("laurel.linear_left", rank, width, parts=1),
        Matrix("laurel.linear_right", width, rank, parts=1),
        Matrix("per_layer_input_gate", per_layer, width, parts=1),
        Matrix("per_layer_projection", width, per_layer, parts=1),
    )
    streamed = 2 * width + streams * width + streams**2 + streams**3

    def layer(number: int, span: Span) -> Layer:
        uses_another = number >= layers - shared
        mixer = grouped(
            width,
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            vectors=head_dim * (2 - uses_another),
            kind=span.kind,
            tokens=span.tokens,
            caches=not uses_another,
            own_keys=not uses_another,
        )
        inner = c.counts("intermediate_size", layers)[number] if widths else c.count("intermediate_size")
        return Layer(
            mixers=(mixer,), feed_forwards=(dense(width, inner),), matrices=beside, vectors=6 * width + streamed
        )

    read = decoder(c, [layer(number, span) for number, span in enumerate(spans(c))], tied_by_default=True)
    apart = 2 * (streams - 1) * width * width
    each = c.count("vocab_size_per_layer_input", 262_144)
    embeddings = Matrix("embed_tokens_per_layer", each, layers * per_layer, precision="half")
    mixing = Matrix("per_layer_model_projection", layers * per_layer, width, precision="half")
    return replace(read, ends=(*read.ends, embeddings, mixing), vectors=read.vectors + per_layer + apart)


def gemma3n(c: Fields) -> Architecture:
    """Return the architecture of Gemma 3n with its encoders: MobileNet V5 and a Conformer."""
    text, v, a = c.part("text_config"), c.part("vision_config"), c.part("audio_config")
    if v.get("architecture", _VISION) != _VISION or v.count("hidden_size", _VISION_WIDTH) != _VISION_WIDTH:
        raise FieldError(f"{v.path}architecture is not {_VISION}, the only one whose parameters are known")
    out = hidden_size(text)
    vision = Tower(
        modality="vision",
        parameters=_VISION_PARAMETERS + _embedder(v.count("vocab_size", 128), _VISION_WIDTH, out),
        width=_VISION_WIDTH,
        feed_forward_width=4 * _VISION_WIDTH,
        most_patches=_VISION_PATCHES,
    )
    width = a.count("hidden_size", 1536)
    sound = conformer(
        width,
        layers=a.layers("conf_num_hidden_layers", 12),
        heads=a.count("conf_num_attention_heads", 8),
        kernel=a.count("conf_conv_kernel_size", 5),
        channels=a.counts("sscp_conv_channel_size", 2) if a.has("sscp_conv_channel_size") else [128, 32],
        bins=a.count("input_feat_size", 128),
    )
    sound = replace(sound, parameters=sound.parameters + _embedder(a.count("vocab_size", 128), width, out))
    read = gemma3n_text(text)
    if not is_tied(c, is_tied(text, True)):
        raise ValueError("tie_word_embeddings is not set, which the sizing formula of this family does not support")
    return replace(read, model_type=str(c["model_type"]), towers=(vision, sound))


def _embedder(vocabulary: int, width: int, out: int) -> int:
    """Return the parameters of the embeddings of an encoder's tokens, and of the projection to the model's width."""
    return vocabulary * width + 2 * width + width * out


def conformer(width: int, *, layers: int, heads: int, kernel: int, channels: list[int], bins: int) -> Tower:
    """Return the Conformer of Gemma 3n and Gemma 4 with two convolutions before it.

    Args:
        width: width of the encoder.
        layers: number of layers.
        heads: attention heads.
        kernel: width of the convolution in a layer.
        channels: channels of both convolutions before the layers.
        bins: frequencies of the input.

    """
    first, second = channels
    before = 9 * first + first + 9 * first * second + second + second * (bins // 4) * width
    blocks = 2 * (8 * width * width + 2 * width)
    attended = 5 * width * width + width // heads + 2 * width
    convolved = 3 * width * width + kernel * width + 2 * width
    return Tower(
        modality="audio",
        parameters=before + layers * (blocks + attended + convolved + width),
        width=width,
        feed_forward_width=4 * width,
        most_patches=3000,
    )
