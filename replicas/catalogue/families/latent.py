"""Decoders with latent attention: DeepSeek, and other families with the same layers.

A missing field has the default of `DeepseekV3Config` (transformers 5.8), because libraries omit fields whose value is
the default.
"""

from __future__ import annotations

from dataclasses import replace

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.composition.attention import latent, sparse_index
from replicas.catalogue.composition.feed_forward import mixture
from replicas.catalogue.composition.parts import FeedForward, Layer, Mixer
from replicas.catalogue.families.common import block, decoder, has_own_head, hidden_size, layers_of, prediction
from replicas.catalogue.fields import Fields


def deepseek_mixer(c: Fields, index: Mixer | None = None, *, output_gate: bool = False) -> Mixer:
    """Return the latent attention that DeepSeek's fields describe."""
    if c.flag("attention_bias"):
        raise ValueError("attention_bias is set, for which no sizing formula is known for latent attention")
    return latent(
        hidden_size(c),
        heads=c.count("num_attention_heads"),
        query_rank=c.count_or_none("q_lora_rank") if "q_lora_rank" in c else 1536,
        kv_rank=c.count("kv_lora_rank", 512),
        rope_dim=c.count("qk_rope_head_dim", 64),
        nope_dim=c.count("qk_nope_head_dim", 128),
        value_dim=c.count("v_head_dim", 128),
        output_gate=output_gate,
        index=index,
    )


def deepseek_blocks(c: Fields) -> list[FeedForward]:
    """Return the feed-forward block of each layer: dense in the first layers, then a mixture with shared experts."""
    layers, first = c.layers("num_hidden_layers"), c.number("first_k_dense_replace", 3)
    frequency, experts = c.get("moe_layer_freq", 1), c.count_or_none("n_routed_experts")
    if experts is None:
        return [block(c)] * layers
    inner = c.count("moe_intermediate_size")
    routed = mixture(
        hidden_size(c),
        inner,
        experts=experts,
        per_token=c.count("num_experts_per_tok", 8),
        shared_width=c.number("n_shared_experts", 1) * inner,
        vectors=experts * (c.get("topk_method", "noaux_tc") == "noaux_tc"),
    )
    if isinstance(frequency, list):
        sparse = [bool(on) for on in c.each("moe_layer_freq", layers) or []]
    else:
        sparse = [number >= first and number % c.count("moe_layer_freq", 1) == 0 for number in range(layers)]
    kinds = c.each("mlp_layer_types", layers)
    if kinds and [kind == "sparse" for kind in kinds] != sparse:
        raise ValueError("mlp_layer_types contradicts first_k_dense_replace")
    return [routed if on else block(c) for on in sparse]


def deepseek_stack(c: Fields) -> list[Layer]:
    """Return the layers of DeepSeek V2 and V3 and Kimi K2."""
    return layers_of(c, [deepseek_mixer(c)] * c.layers("num_hidden_layers"), deepseek_blocks(c))


def deepseek(c: Fields) -> Architecture:
    """Return the architecture of DeepSeek V2 and V3, and Kimi K2."""
    stack = deepseek_stack(c)
    apart = prediction(c, stack[-1], c.number("num_nextn_predict_layers"))
    return decoder(c, stack, tied=has_own_head(c), prediction_parameters=apart)


def deepseek_sparse(c: Fields) -> Architecture:
    """Return the architecture of DeepSeek V3.2 and GLM 5, in which an index selects the tokens to attend to."""
    layers = c.layers("num_hidden_layers")
    rank = c.count("q_lora_rank", 1536)
    index = sparse_index(
        hidden_size(c), query_rank=rank, heads=c.count("index_n_heads"), head_dim=c.count("index_head_dim")
    )
    with_index, without = deepseek_mixer(c, index), deepseek_mixer(c)
    mixers = [with_index if own else without for own in _own_index(c, layers)]
    stack = layers_of(c, mixers, deepseek_blocks(c))
    last = replace(stack[-1], mixers=(with_index,))  # a prediction layer always has its own index
    apart = prediction(c, last, c.number("num_nextn_predict_layers"))
    return decoder(c, stack, tied=has_own_head(c), prediction_parameters=apart)


def _own_index(c: Fields, layers: int) -> list[bool]:
    """Return for each layer whether it has its own index. Other layers use the index of an earlier layer."""
    frequency, offset = c.count("index_topk_freq", 1), c.count("index_skip_topk_offset", 2)
    pattern, kinds = c.get("index_topk_pattern"), c.each("indexer_types", layers)
    own = (
        [mark != "S" for mark in pattern][:layers]
        if pattern
        else [max(number - offset + 1, 0) % frequency == 0 for number in range(layers)]
    )
    if kinds and [kind != "shared" for kind in kinds] != own:
        raise ValueError("indexer_types contradicts index_topk_freq")
    return own
