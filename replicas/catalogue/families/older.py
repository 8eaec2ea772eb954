"""Older architectures, whose field names differ from Llama's: GPT-2, GPT BigCode, GPT-J, BLOOM, OPT, and T5."""

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
    return Architecture(
        model_type=str(c["model_type"]),
        hidden_size=width,
        vocab_size=vocabulary,
        context_tokens=positions,
        stack=grouped_alike([layer] * c.layers("n_layer")),
        ends=(*_learned(vocabulary, positions, width), *(() if is_tied(c, True) else _head(vocabulary, width))),
        vectors=2 * width,
    )


def _learned(vocabulary: int, positions: int, width: int) -> tuple[Matrix, ...]:
    """Return the embeddings of tokens and positions; `positions` is 0 for a model without position embeddings."""
    tokens = Matrix("embed_tokens", vocabulary, width, precision="half")
    return (tokens, Matrix("embed_positions", positions, width, precision="half")) if positions else (tokens,)


def _head(vocabulary: int, width: int) -> tuple[Matrix, ...]:
    return (Matrix("lm_head", vocabulary, width, precision="named"),)


def gpt2(c: Fields) -> Architecture:
    """Return the architecture of GPT-2: biases, layer norms, learned positions, and a tied output head."""
    width, heads, positions = c.count("n_embd"), c.count("n_head"), c.count("n_positions")
    mixer = grouped(
        width, heads=heads, kv_heads=heads, head_dim=width // heads, module="attn", qkv_bias=True, output_bias=True
    )
    feed_forward = dense(width, c.count_or_none("n_inner") or 4 * width, gated=False, bias=True)
    layer = Layer(mixers=(mixer,), feed_forwards=(feed_forward,), vectors=4 * width)
    vocabulary = c.count("vocab_size")
    return Architecture(
        model_type="gpt2",
        hidden_size=width,
        vocab_size=vocabulary,
        context_tokens=positions,
        stack=grouped_alike([layer] * c.layers("n_layer")),
        ends=(*_learned(vocabulary, positions, width), *(() if is_tied(c, True) else _head(vocabulary, width))),
        vectors=2 * width,
    )


def gptj(c: Fields) -> Architecture:
    """Return the architecture of GPT-J: one layer norm for attention and feed-forward block, and an output head with
    bias.
    """
    width, heads, positions = c.count("n_embd"), c.count("n_head"), c.count("n_positions")
    mixer = grouped(width, heads=heads, kv_heads=heads, head_dim=width // heads, module="attn", output="out_proj")
    feed_forward = dense(width, c.count_or_none("n_inner") or 4 * width, gated=False, bias=True)
    layer = Layer(mixers=(mixer,), feed_forwards=(feed_forward,), vectors=2 * width)
    vocabulary = c.count("vocab_size")
    if is_tied(c):
        raise ValueError("tie_word_embeddings is set, which engines do not support in this family")
    return Architecture(
        model_type="gptj",
        hidden_size=width,
        vocab_size=vocabulary,
        context_tokens=positions,
        stack=grouped_alike([layer] * c.layers("n_layer")),
        ends=(*_learned(vocabulary, 0, width), *_head(vocabulary, width)),
        vectors=2 * width + vocabulary,
    )


def bloom(c: Fields) -> Architecture:
    """Return the architecture of BLOOM: biases, layer norms, relative positions, and a tied output head."""
    width = c.count("n_embed") if "n_embed" in c else c.count("hidden_size")
    heads = c.count("n_head") if "n_head" in c else c.count("num_attention_heads")
    layers = c.layers("n_layer") if "n_layer" in c else c.layers("num_hidden_layers")
    mixer = grouped(width, heads=heads, kv_heads=heads, head_dim=width // heads, qkv_bias=True, output_bias=True)
    layer = Layer(mixers=(mixer,), feed_forwards=(dense(width, 4 * width, gated=False, bias=True),), vectors=4 * width)
    vocabulary = c.count("vocab_size")
    if not is_tied(c, True):
        raise ValueError("tie_word_embeddings is not set, which the sizing formula of this family does not support")
    return Architecture(
        model_type="bloom",
        hidden_size=width,
        vocab_size=vocabulary,
        context_tokens=c.count_or_none("seq_length") or 2048,
        stack=grouped_alike([layer] * layers),
        ends=_learned(vocabulary, 0, width),
        vectors=4 * width,
    )


def opt(c: Fields) -> Architecture:
    """Return the architecture of OPT: biases, layer norms, learned positions with two reserved ones."""
    width, heads, positions = c.count("hidden_size"), c.count("num_attention_heads"), c.count("max_position_embeddings")
    narrow, bias, vocabulary = c.count("word_embed_proj_dim", width), c.flag("enable_bias", True), c.count("vocab_size")
    norm = 2 * width * c.flag("layer_norm_elementwise_affine", True)
    mixer = grouped(
        width, heads=heads, kv_heads=heads, head_dim=width // heads, output="out_proj", qkv_bias=bias, output_bias=bias
    )
    feed_forward = dense(width, c.count("ffn_dim"), gated=False, bias=bias)
    layer = Layer(mixers=(mixer,), feed_forwards=(feed_forward,), vectors=2 * norm)
    projections = (
        (
            Matrix("project_in", width, narrow, precision="half"),
            Matrix("project_out", narrow, width, precision="half"),
        )
        if narrow != width
        else ()
    )
    ends_with_norm = c.flag("do_layer_norm_before", True) and not c.flag("_remove_final_layer_norm")
    return Architecture(
        model_type="opt",
        hidden_size=width,
        vocab_size=vocabulary,
        context_tokens=positions,
        stack=grouped_alike([layer] * c.layers("num_hidden_layers")),
        ends=(
            Matrix("embed_tokens", vocabulary, narrow, precision="half"),
            Matrix("embed_positions", positions + 2, width, precision="half"),
            *projections,
            *(() if is_tied(c, True) else _head(vocabulary, narrow)),
        ),
        vectors=norm * ends_with_norm,
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
