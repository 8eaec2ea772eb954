"""Attention: grouped heads, and latent vectors with or without an index."""

from __future__ import annotations

from replicas.catalogue.composition.parts import Cache, CacheKind, Matrix, Mixer
from replicas.catalogue.fields import FieldError
from replicas.catalogue.quantization import PRECISION_BYTES

_QUERY_WIDTH = "width of the attention heads"
_KV_WIDTH = "width of the KV heads"


def grouped(
    hidden: int,
    *,
    heads: int,
    kv_heads: int,
    head_dim: int,
    value_dim: int | None = None,
    module: str = "self_attn",
    output: str = "o_proj",
    qkv_bias: bool = False,
    output_bias: bool = False,
    vectors: int = 0,
    gates: int = 0,
    kind: CacheKind = "full",
    tokens: int | None = None,
    caches: bool = True,
    own_keys: bool = True,
) -> Mixer:
    """Return attention whose query heads share key and value heads (MHA, GQA and MQA).

    Args:
        hidden: width of the model.
        heads: query heads.
        kv_heads: heads of keys and values.
        head_dim: width of a query and of a key.
        value_dim: width of a value; default: the width of a key.
        module: name of the block in checkpoints.
        output: name of the output projection in checkpoints.
        qkv_bias: True if the three input projections have biases.
        output_bias: True if the output projection has a bias.
        vectors: parameters of norms and sinks.
        gates: additional outputs of the query projection that gate the result.
        kind: kind of cache, by the tokens that it keeps.
        tokens: number of tokens of the window or chunk.
        caches: False if the layer uses the cache of another layer, or has no cache.
        own_keys: False if the layer uses the keys and values of another layer.

    """
    if heads % kv_heads:
        raise FieldError(f"{kv_heads} KV heads do not divide {heads} attention heads")
    value = value_dim or head_dim
    query, key_width, value_width = heads * head_dim, kv_heads * head_dim, kv_heads * value
    matrices = (
        Matrix(f"{module}.q_proj", query + gates, hidden, width=_QUERY_WIDTH),
        *(
            (
                Matrix(f"{module}.k_proj", key_width, hidden, parts=kv_heads, width=_KV_WIDTH),
                Matrix(f"{module}.v_proj", value_width, hidden, parts=kv_heads, width=_KV_WIDTH),
            )
            if own_keys
            else ()
        ),
        Matrix(f"{module}.{output}", hidden, heads * value, width=_QUERY_WIDTH, splits_inputs=True),
    )
    biases = (query + gates + key_width + value_width) * qkv_bias + hidden * output_bias
    cache = Cache(kind=kind, elements=kv_heads * (head_dim + value), heads=kv_heads, tokens=tokens)
    return Mixer(
        matrices=matrices,
        vectors=vectors + biases,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        pair_width=heads * (head_dim + value),
        caches=(cache,) if caches else (),
    )


def latent(
    hidden: int,
    *,
    heads: int,
    query_rank: int | None,
    kv_rank: int,
    rope_dim: int,
    nope_dim: int,
    value_dim: int,
    output_gate: bool = False,
    index: Mixer | None = None,
) -> Mixer:
    """Return multi-head latent attention (MLA): each token is cached as one vector of `kv_rank + rope_dim` elements,
    which is stored whole on every accelerator.

    Args:
        hidden: width of the model.
        heads: query heads.
        query_rank: rank of the query projection; None for full rank.
        kv_rank: rank of keys and values.
        rope_dim: width of a key that carries its position.
        nope_dim: width of a key that carries no position.
        value_dim: width of a value.
        output_gate: True if the result is gated.
        index: index that selects the attended tokens (`sparse_index`); None if all tokens are attended.

    """
    key = nope_dim + rope_dim
    queries = (
        (Matrix("self_attn.q_proj", heads * key, hidden, width=_QUERY_WIDTH),)
        if query_rank is None
        else (
            Matrix("self_attn.q_a_proj", query_rank, hidden, parts=1),
            Matrix("self_attn.q_b_proj", heads * key, query_rank, width=_QUERY_WIDTH),
        )
    )
    matrices = (
        *queries,
        Matrix("self_attn.kv_a_proj_with_mqa", kv_rank + rope_dim, hidden, parts=1),
        Matrix("self_attn.kv_b_proj", heads * (nope_dim + value_dim), kv_rank, width=_KV_WIDTH),
        Matrix("self_attn.o_proj", hidden, heads * value_dim, width=_QUERY_WIDTH, splits_inputs=True),
        *((Matrix("self_attn.g_proj", heads * value_dim, hidden),) if output_gate else ()),
        *(index.matrices if index else ()),
    )
    scaled = kv_rank + kv_rank // _LATENT_SCALED * _SCALE_BYTES + PRECISION_BYTES * rope_dim
    cache = Cache(kind="latent", elements=kv_rank + rope_dim, fp8_bytes=scaled if index else None)
    return Mixer(
        matrices=matrices,
        vectors=(query_rank or 0) + kv_rank + (index.vectors if index else 0),
        heads=heads,
        head_dim=key,
        pair_width=heads * (2 * kv_rank + rope_dim),
        caches=(cache, *(index.caches if index else ())),
    )


_SCALE_BYTES = 4
_LATENT_SCALED = 128
"""Elements of a latent vector that share a scale in the FP8 cache of sparse attention. The rotary part stays at two
bytes, so a token of DeepSeek-V3.2 takes 656 bytes (the engines' format `fp8_ds_mla`). Blackwell's kernels can take
576 bytes."""
_INDEX_SCALED = 128
"""Elements of an index key that share a scale of four bytes (models/deepseek_v2.py: `quant_block_size`)."""


def sparse_index(hidden: int, *, query_rank: int, heads: int, head_dim: int) -> Mixer:
    """Return the index of DeepSeek's sparse attention (DSA).

    For each token, every accelerator stores a whole key, with one byte per element, and its scales.
    """
    module = "self_attn.indexer"
    return Mixer(
        matrices=(
            Matrix(f"{module}.wq_b", heads * head_dim, query_rank, parts=1),
            Matrix(f"{module}.wk", head_dim, hidden, parts=1, precision="half"),
            Matrix(f"{module}.weights_proj", heads, hidden, parts=1, precision="half"),
        ),
        vectors=2 * head_dim,
        heads=heads,
        head_dim=head_dim,
        caches=(Cache(kind="latent", elements=head_dim + head_dim // _INDEX_SCALED * _SCALE_BYTES, element_bytes=1.0),),
    )
