"""Older architectures with different field names: GPT BigCode and T5."""

from __future__ import annotations

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.attention import grouped
from replicas.catalogue.composition.feed_forward import dense
from replicas.catalogue.composition.parts import Cache, FeedForward, Layer, Matrix, Mixer, grouped_alike
from replicas.catalogue.families.common import is_tied
from replicas.catalogue.fields import Fields


def gpt_bigcode(c: Fields) -> Architecture:
    """Return the architecture of StarCoder: one KV head, biases, layer norms and learned positions."""
    width, heads, positions = c.count("n_embd"), c.count("n_head"), c.count("n_positions")
    mixer = grouped(
        width,
        heads=heads,
        kv_heads=1 if c.flag("multi_query", True) else heads,
        head_dim=width // heads,
        qkv_bias=True,
        output_bias=True,
    )
    feed_forward = dense(width, c.count_or_none("n_inner") or 4 * width, gated=False, bias=True)
    layer = Layer(mixers=(mixer,), feed_forwards=(feed_forward,), vectors=4 * width)
    vocabulary = c.count("vocab_size")
    learned = (
        Matrix("embed_tokens", vocabulary, width, precision="half"),
        Matrix("embed_positions", positions, width, precision="half"),
    )
    head = () if is_tied(c, True) else (Matrix("lm_head", vocabulary, width, precision="named"),)
    return Architecture(
        model_type=str(c["model_type"]),
        hidden_size=width,
        vocab_size=vocabulary,
        context_tokens=positions,
        stack=grouped_alike([layer] * c.layers("n_layer")),
        ends=(*learned, *head),
        vectors=2 * width,
    )


def t5(c: Fields) -> Architecture:
    """Return the architecture of T5 and FLAN-T5.

    Engines always keep the second projection of a block (`wo`) at four bytes per weight.
    """
    width, heads, head_dim = c.count("d_model"), c.count("num_heads"), c.count("d_kv")
    encoder, decoder = c.layers("num_layers"), c.layers("num_decoder_layers", c.layers("num_layers"))
    gated = str(c.get("feed_forward_proj", "relu")).startswith("gated")
    vocabulary = c.count("vocab_size")
    feed_forward = _kept_whole(dense(width, c.count("d_ff"), gated=gated, names=("wi_0", "wi_1", "wo")))
    own = grouped(width, heads=heads, kv_heads=heads, head_dim=head_dim)
    without_cache = grouped(width, heads=heads, kv_heads=heads, head_dim=head_dim, caches=False)
    crossing = Mixer(
        matrices=own.matrices,
        heads=heads,
        kv_heads=heads,
        head_dim=head_dim,
        pair_width=own.pair_width,
        caches=tuple(Cache(kind="cross", elements=cache.elements, heads=heads) for cache in own.caches),
    )
    encoding = Layer(mixers=(without_cache,), feed_forwards=(feed_forward,), vectors=2 * width)
    decoding = Layer(mixers=(own, crossing), feed_forwards=(feed_forward,), vectors=3 * width)
    embeddings = Matrix("shared", vocabulary, width, precision="half")
    head = () if is_tied(c, True) else (Matrix("lm_head", vocabulary, width, precision="named"),)
    return Architecture(
        model_type="t5",
        hidden_size=width,
        vocab_size=vocabulary,
        context_tokens=None,
        stack=grouped_alike([decoding] * decoder),
        encoder=grouped_alike([encoding] * encoder),
        ends=(embeddings, *head),
        vectors=2 * width + 2 * heads * c.count("relative_attention_num_buckets", 32),
    )


def _kept_whole(block: FeedForward) -> FeedForward:
    """Return the feed-forward block with its last matrix at four bytes per weight."""
    *before, last = block.matrices
    whole = Matrix(last.name, last.outputs, last.inputs, width=last.width, splits_inputs=True, precision="float32")
    return FeedForward(matrices=(*before, whole), width=block.width, gated=block.gated)
