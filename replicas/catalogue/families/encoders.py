"""Encoders that embed or score: BERT, RoBERTa and ModernBERT. They keep no KV cache.

A class without a language-model head embeds. A class for sequence classification scores.
"""

from __future__ import annotations

from replicas.catalogue.architecture import Architecture, Head
from replicas.catalogue.composition.attention import grouped
from replicas.catalogue.composition.feed_forward import dense
from replicas.catalogue.composition.parts import Layer, Matrix, grouped_alike
from replicas.catalogue.families.common import hidden_size
from replicas.catalogue.fields import Fields

_LABELS = 2
"""Default number of labels of a classification head (transformers)."""


def bert(c: Fields) -> Architecture:
    """Return the architecture of BERT: learned position embeddings, none of them reserved."""
    return _bert(c, positions=c.count("max_position_embeddings"), reserved=0)


def roberta(c: Fields) -> Architecture:
    """Return the architecture of RoBERTa and XLM-RoBERTa, where `pad_token_id + 1` positions are reserved."""
    return _bert(c, positions=c.count("max_position_embeddings"), reserved=c.number("pad_token_id", 1) + 1)


def _bert(c: Fields, *, positions: int, reserved: int) -> Architecture:
    width, heads = hidden_size(c), c.count("num_attention_heads")
    vocabulary, kinds = c.count("vocab_size"), c.count("type_vocab_size", 2)
    mixer = grouped(
        width,
        heads=heads,
        kv_heads=heads,
        head_dim=width // heads,
        qkv_bias=True,
        output_bias=True,
        caches=False,
    )
    block = dense(width, c.count("intermediate_size"), gated=False, bias=True)
    layer = Layer(mixers=(mixer,), feed_forwards=(block,), vectors=4 * width)
    head = _head(c)
    end = width * width + width if head == "pooling" else _classifier(c)
    return Architecture(
        model_type=str(c["model_type"]),
        hidden_size=width,
        vocab_size=vocabulary,
        context_tokens=positions - reserved,
        stack=grouped_alike([layer] * c.layers("num_hidden_layers")),
        ends=(
            Matrix("embed_tokens", vocabulary, width, precision="half"),
            Matrix("embed_positions", positions + kinds, width, precision="half"),
        ),
        vectors=2 * width + end,
        head=head,
    )


def modernbert(c: Fields) -> Architecture:
    """Return the architecture of ModernBERT: rotary positions, gated blocks, no biases, and windows in two of three
    layers.
    """
    width, heads, layers = hidden_size(c), c.count("num_attention_heads"), c.layers("num_hidden_layers")
    mixer = grouped(
        width,
        heads=heads,
        kv_heads=heads,
        head_dim=width // heads,
        qkv_bias=c.flag("attention_bias"),
        output_bias=c.flag("attention_bias"),
        caches=False,
    )
    block = dense(width, c.count("intermediate_size"), gated=True, bias=c.flag("mlp_bias"))
    norm = width * (1 + c.flag("norm_bias"))
    first = Layer(mixers=(mixer,), feed_forwards=(block,), vectors=norm)  # one norm fewer than other layers
    layer = Layer(mixers=(mixer,), feed_forwards=(block,), vectors=2 * norm)
    head, vocabulary = _head(c), c.count("vocab_size")
    return Architecture(
        model_type=str(c["model_type"]),
        hidden_size=width,
        vocab_size=vocabulary,
        context_tokens=c.count("max_position_embeddings"),
        stack=grouped_alike([first, *[layer] * (layers - 1)]),
        ends=(Matrix("embed_tokens", vocabulary, width, precision="half"),),
        vectors=2 * norm + (_classifier(c) + norm if head == "classification" else 0),
        head=head,
    )


def _head(c: Fields) -> Head:
    declared = [str(name) for name in c.get("architectures") or []]
    return "classification" if any(name.endswith("ForSequenceClassification") for name in declared) else "pooling"


def _classifier(c: Fields) -> int:
    """Return the parameters of a head for sequence classification: a dense layer and one output for each label."""
    width, labels = hidden_size(c), len(c.get("id2label") or {}) or c.count("num_labels", _LABELS)
    return width * width + width + width * labels + labels
