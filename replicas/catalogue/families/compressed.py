"""DeepSeek V4: attention over a window and over compressed tokens, experts in four bits, and several residual streams.

Parameters and caches follow the engine's code, models/deepseek_v4: `attention.py`, `compressor.py` and
`nvidia/model.py` (docs/models.md names the engine and its version).
"""

from __future__ import annotations

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.feed_forward import mixture
from replicas.catalogue.composition.parts import Cache, CacheKind, FeedForward, Layer, Matrix, Mixer
from replicas.catalogue.families.common import decoder, hidden_size, prediction_surround
from replicas.catalogue.fields import Fields

_INDEXED = 4
"""Number of tokens in one compressed entry, if an index selects the entries. Neighbouring entries then overlap."""

_BLOCK_TOKENS = 256
"""Number of tokens in a block of compressed entries. Blocks of windows and of compressor states have fewer tokens."""
_ALIGNMENT = 576
"""A block is padded to a multiple of this number of bytes."""
_ENTRY_BYTES = 584
"""Size of a compressed entry: 448 elements of one byte, 64 rotary elements of two bytes, 8 bytes of scales."""
_INDEX_BYTES = 132
"""Size of a key of the index: 128 elements of one byte, and a scale of four bytes."""
_STATE_BYTES = 4
"""Bytes of an element of a compressor's state."""

_DOUBT = (
    "the blocks of its caches differ in size and share one pool, and sizing does not compute how they share it: the "
    "number of concurrent requests is an upper bound"
)


def deepseek_v4(c: Fields) -> Architecture:
    """Return the architecture of DeepSeek V4."""
    width, layers = hidden_size(c), c.layers("num_hidden_layers")
    ratios = c.each("compress_ratios", layers) or []
    hashed = c.number("num_hash_layers")
    streams = c.count("hc_mult")
    mixing = (2 + streams) * streams
    residuals = tuple(
        Matrix(f"hc_{part}_fn", mixing, streams * width, parts=1, precision="float32") for part in ("attn", "ffn")
    )
    stack = [
        Layer(
            mixers=(_mixer(c, ratio),),
            feed_forwards=(_experts(c, is_hashed=number < hashed),),
            matrices=residuals,
            vectors=2 * width + 2 * (mixing + 3),
        )
        for number, ratio in enumerate(ratios)
    ]
    last = Layer(
        mixers=(_mixer(c, 0),),
        feed_forwards=(_experts(c, is_hashed=False),),
        matrices=residuals,
        vectors=2 * width + 2 * (mixing + 3),
    )
    end = streams * streams * width + streams + 1
    apart = c.number("num_nextn_predict_layers") * (last.parameters + prediction_surround(c) + end)
    return decoder(c, stack, vectors=end, prediction_parameters=apart, doubts=(_DOUBT,))


def _mixer(c: Fields, ratio: int) -> Mixer:
    """Return the attention of a layer: over a window and, unless `ratio` is 0, over entries of `ratio` compressed
    tokens.
    """
    width, heads, head_dim = hidden_size(c), c.count("num_attention_heads"), c.count("head_dim")
    query_rank, output_rank, groups = c.count("q_lora_rank"), c.count("o_lora_rank"), c.count("o_groups")
    window = c.count("sliding_window")
    matrices = [
        Matrix("attn.wq_a", query_rank, width, parts=1),
        Matrix("attn.wkv", head_dim, width, parts=1),
        Matrix("attn.wq_b", heads * head_dim, query_rank, width="width of the attention heads"),
        Matrix("attn.wo_a", groups * output_rank, heads * head_dim // groups),
        Matrix("attn.wo_b", width, groups * output_rank, splits_inputs=True),
    ]
    caches = [_padded("window", _ENTRY_BYTES, 64, tokens=window)]
    vectors = heads + query_rank + head_dim
    if ratio > 1:
        entries = _padded("latent", _ENTRY_BYTES, _BLOCK_TOKENS // ratio, tokens_per_entry=ratio)
        caches += [entries, *_compressor(matrices, "attn.compressor", width, head_dim, ratio)]
        vectors += _compressor_vectors(head_dim, ratio)
    if ratio == _INDEXED:
        index_heads, index_dim = c.count("index_n_heads"), c.count("index_head_dim")
        matrices += [
            Matrix("attn.indexer.wq_b", index_heads * index_dim, query_rank, parts=1),
            Matrix("attn.indexer.weights_proj", index_heads, width, parts=1, precision="half"),
        ]
        caches += [
            _padded("latent", _INDEX_BYTES, _BLOCK_TOKENS // ratio, tokens_per_entry=ratio),
            *_compressor(matrices, "attn.indexer.compressor", width, index_dim, ratio),
        ]
        vectors += _compressor_vectors(index_dim, ratio)
    return Mixer(
        matrices=tuple(matrices),
        vectors=vectors,
        heads=heads,
        head_dim=head_dim,
        pair_width=2 * heads * head_dim // max(1, ratio),
        caches=tuple(caches),
    )


def _parts(ratio: int) -> int:
    """Return how many vectors a token adds to a compressor: two if neighbouring entries overlap, else one."""
    return 2 if ratio == _INDEXED else 1


def _compressor(matrices: list[Matrix], module: str, width: int, head_dim: int, ratio: int) -> tuple[Cache, ...]:
    """Append the matrix of a compressor to `matrices`, and return the cache of the compressor's state."""
    parts = _parts(ratio)
    matrices.append(Matrix(f"{module}.wkv_gate", 2 * parts * head_dim, width, parts=1, precision="half"))
    state = 2 * parts * head_dim * _STATE_BYTES
    return (_padded("window", state, 4 if parts > 1 else 8, tokens=parts * ratio),)


def _padded(
    kind: CacheKind, entry_bytes: int, entries: int, *, tokens: int | None = None, tokens_per_entry: int = 1
) -> Cache:
    """Return a cache whose blocks of entries are padded to the alignment. It is stored whole on every accelerator."""
    block = -(-entries * entry_bytes // _ALIGNMENT) * _ALIGNMENT
    return Cache(kind=kind, elements=1, element_bytes=block / entries, tokens=tokens, tokens_per_entry=tokens_per_entry)


def _compressor_vectors(head_dim: int, ratio: int) -> int:
    return ratio * _parts(ratio) * head_dim + head_dim


def _experts(c: Fields, *, is_hashed: bool) -> FeedForward:
    """Return the mixture of experts of a layer. A layer with hash routing has a table in place of a routing bias."""
    experts, per_token, inner = (
        c.count("n_routed_experts"),
        c.count("num_experts_per_tok"),
        c.count("moe_intermediate_size"),
    )
    biased = c.get("topk_method") == "noaux_tc"
    return mixture(
        hidden_size(c),
        inner,
        experts=experts,
        per_token=per_token,
        module="ffn",
        names=("w1", "w3", "w2"),
        shared_width=c.number("n_shared_experts") * inner,
        shared_names=("w1", "w3", "w2"),
        vectors=c.count("vocab_size") * per_token if is_hashed else experts * biased,
    )
