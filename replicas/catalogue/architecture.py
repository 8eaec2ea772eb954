"""Reads the size of a model from its `config.json`: parameters, KV cache, activations.

The parameter count of every family here is exact: it equals the count that the model's publisher states
(`tests/catalogue/test_models.py` checks it for the table). Field names are those of Hugging Face.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Config = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Architecture of a model: the figures that memory and tensor parallelism depend on. Counts are elements, not
    bytes.
    """

    model_type: str
    layers: int
    """Layers with a KV cache (those of the decoder if the model has an encoder)."""
    hidden_size: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    context_tokens: int | None
    """Longest context of the checkpoint, tokens; None if it is not bounded (relative positions)."""
    intermediate_size: int
    """Width of one feed-forward block (of one expert if the model has experts)."""
    gated: bool
    """True for feed-forward blocks with a gate (SwiGLU, GeGLU), which have three matrices instead of two."""
    experts_per_token: int = 1
    linear_parameters: int
    """Parameters of the linear layers, which a quantization makes smaller."""
    other_parameters: int
    """Parameters of embeddings, output head, norms, biases and routers, which stay at full precision."""
    float32_parameters: int = 0
    """Linear parameters that engines keep at four bytes at any precision (T5's `wo`)."""
    encoder_decoder: bool = False
    exact: bool = True
    """False for a family without its own formula, which is read as if it were Llama."""

    @property
    def parameters(self) -> int:
        """All parameters of the model."""
        return self.linear_parameters + self.other_parameters

    def adapter_parameters(self, rank: int) -> int:
        """Return the parameters of a LoRA adapter on every linear layer of a dense decoder: per layer, `rank` times the
        sum of
        its two widths.
        """
        hidden, query, key_value = self.hidden_size, self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = 2 * (hidden + query) + 2 * (hidden + key_value)
        feed_forward = (3 if self.gated else 2) * (hidden + self.intermediate_size)
        return self.layers * rank * (attention + feed_forward)

    def kv_bytes_per_token(self, tensor_parallel: int, element_bytes: float) -> float:
        """Return the KV cache of one token on one accelerator, bytes.

        It counts key and value of each layer and KV head. The heads are split over the accelerators; if there are
        fewer heads than accelerators, they are repeated. An encoder-decoder model caches the same amount for each
        input token (cross-attention), so that the figure is valid for input and output tokens.
        """
        heads = max(1, self.kv_heads // tensor_parallel)
        return 2 * self.layers * heads * self.head_dim * element_bytes

    def activation_bytes_per_token(self, tensor_parallel: int) -> float:
        """Return the peak activation memory of one prefill token, bytes, at two bytes per element.

        The peak is in the feed-forward block: the residual (complete on each accelerator), the projections
        (gate and up, or up alone) and the activated product (each split over the accelerators).
        """
        width = self.intermediate_size * self.experts_per_token / tensor_parallel
        return 2 * self.hidden_size + 2 * width * (3 if self.gated else 2)


def read_config(config: Config) -> Architecture:
    """Return the architecture that a Hugging Face `config.json` describes.

    Raises:
        ValueError: the formulas do not cover the family (latent attention, state space layers, vision towers), or a
            field is missing.

    """
    model_type = str(config.get("model_type", ""))
    for field in _COUNTS:
        value = config.get(field)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ValueError(f"config.json of model_type {model_type!r}: {field} is no count: {str(value)[:40]!r}")
    unlike = sorted(set(config) & _UNLIKE_LLAMA.keys())
    if model_type not in _FAMILIES and unlike:
        reasons = ", ".join(f"{field} ({_UNLIKE_LLAMA[field]})" for field in unlike)
        raise ValueError(
            f"model_type {model_type!r} cannot be sized: its config.json has {reasons}. "
            f"Families that can: {', '.join(sorted(_FAMILIES))}, and others built like Llama"
        )
    try:
        return _FAMILIES.get(model_type, _unknown_family)(config)
    except KeyError as missing:
        raise ValueError(
            f"config.json of model_type {model_type!r} lacks the field {missing.args[0]!r}, which its size needs"
        ) from None
    except (TypeError, ZeroDivisionError) as fault:
        raise ValueError(f"config.json of model_type {model_type!r} has a field of the wrong type: {fault}") from None


_COUNTS = (
    *("hidden_size", "intermediate_size", "ffn_hidden_size", "moe_intermediate_size", "vocab_size", "head_dim"),
    *("num_hidden_layers", "num_attention_heads", "num_key_value_heads", "num_kv_heads", "max_position_embeddings"),
    *("num_experts", "num_local_experts", "num_experts_per_tok", "n_embd", "n_inner", "n_layer", "n_head"),
    *("n_positions", "d_model", "d_ff", "d_kv", "num_layers", "num_decoder_layers", "num_heads"),
    "relative_attention_num_buckets",
)
"""Fields that sizes are computed from: positive whole numbers, if they are present."""

_UNLIKE_LLAMA = {
    "kv_lora_rank": "latent attention",
    "layer_types": "mixed layers",
    "n_routed_experts": "experts in a layout of its own",
    "num_experts": "experts in a layout of its own",
    "num_local_experts": "experts in a layout of its own",
    "linear_num_key_heads": "linear attention",
    "mamba_d_state": "state space layers",
    "ssm_state_size": "state space layers",
    "state_size": "state space layers",
    "text_config": "a vision or audio tower",
    "vision_config": "a vision tower",
}


def _decoder(
    config: Config,
    *,
    qkv_bias: bool = False,
    output_bias: bool = False,
    mlp_bias: bool = False,
    gated: bool = True,
    norms_per_layer: int = 2,
    norm_bias: bool = False,
    head_norms: bool = False,
    experts: int = 0,
    expert_width: int | None = None,
    tied_by_default: bool = False,
    exact: bool = True,
) -> Architecture:
    """Return the architecture of a decoder-only transformer with Llama's field names."""
    hidden, layers, heads = config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    head_dim = config.get("head_dim") or hidden // heads
    width = expert_width or config["intermediate_size"]
    vocab = config["vocab_size"]
    matrices = 3 if gated else 2
    attention = hidden * head_dim * (2 * heads + 2 * kv_heads)
    feed_forward = matrices * hidden * width * max(experts, 1)
    biases = (
        head_dim * (heads + 2 * kv_heads) * qkv_bias
        + hidden * output_bias
        + ((matrices - 1) * width + hidden) * mlp_bias
    )
    norm = hidden * (1 + norm_bias)
    rest_of_layer = biases + norms_per_layer * norm + 2 * head_dim * head_norms + hidden * experts
    heads_of_model = 1 if config.get("tie_word_embeddings", tied_by_default) else 2
    return Architecture(
        model_type=str(config.get("model_type", "")),
        layers=layers,
        hidden_size=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocab_size=vocab,
        context_tokens=config.get("max_position_embeddings"),
        intermediate_size=width,
        gated=gated,
        experts_per_token=config["num_experts_per_tok"] if experts else 1,
        linear_parameters=layers * (attention + feed_forward),
        other_parameters=layers * rest_of_layer + norm + heads_of_model * vocab * hidden,
        exact=exact,
    )


def _llama(config: Config) -> Architecture:
    bias = bool(config.get("attention_bias", False))
    return _decoder(config, qkv_bias=bias, output_bias=bias, mlp_bias=bool(config.get("mlp_bias", False)))


def _unknown_family(config: Config) -> Architecture:
    bias = bool(config.get("attention_bias", False))
    return _decoder(config, qkv_bias=bias, output_bias=bias, exact=False)


def _mixtral(config: Config) -> Architecture:
    return _decoder(config, experts=config["num_local_experts"])


def _qwen2(config: Config) -> Architecture:
    return _decoder(config, qkv_bias=True)


def _qwen3(config: Config) -> Architecture:
    bias = bool(config.get("attention_bias", False))
    return _decoder(config, qkv_bias=bias, output_bias=bias, head_norms=True)


def _qwen3_moe(config: Config) -> Architecture:
    return _decoder(
        config, head_norms=True, experts=config["num_experts"], expert_width=config["moe_intermediate_size"]
    )


def _gpt_oss(config: Config) -> Architecture:
    experts, layers, hidden = config["num_local_experts"], config["num_hidden_layers"], config["hidden_size"]
    shape = _decoder(config, qkv_bias=True, output_bias=True, experts=experts)
    width = shape.intermediate_size
    expert_biases, router_bias, sinks = experts * (2 * width + hidden), experts, shape.heads
    # Its checkpoints store only the experts in four bits; attention stays at two bytes per weight.
    quantized = layers * experts * 3 * hidden * width
    extra = layers * (expert_biases + router_bias + sinks)
    return replace(shape, linear_parameters=quantized, other_parameters=shape.parameters - quantized + extra)


def _gemma(config: Config) -> Architecture:
    return _decoder(config, tied_by_default=True)


def _gemma2(config: Config) -> Architecture:
    return _decoder(config, norms_per_layer=4, tied_by_default=True)


def _starcoder2(config: Config) -> Architecture:
    bias = bool(config.get("use_bias", True))
    return _decoder(
        config,
        qkv_bias=bias,
        output_bias=bias,
        mlp_bias=bias,
        gated=False,
        norm_bias=True,
        tied_by_default=True,
    )


def _falcon(config: Config) -> Architecture:
    new = bool(config.get("new_decoder_architecture", False))
    heads = config["num_attention_heads"]
    one_or_all = 1 if config.get("multi_query", True) else heads
    kv_heads = config.get("num_kv_heads") or heads if new else one_or_all
    bias = bool(config.get("bias", False))
    one_norm = bool(config.get("parallel_attn", True)) and not new
    return _decoder(
        {
            "max_position_embeddings": 2048,  # the family's training length, which its config.json does not contain
            **config,
            "num_key_value_heads": kv_heads,
            "intermediate_size": config.get("ffn_hidden_size") or 4 * config["hidden_size"],
            "tie_word_embeddings": False,  # tied, but its checkpoints store the head a second time
        },
        qkv_bias=bias,
        output_bias=bias,
        mlp_bias=bias,
        gated=False,
        norms_per_layer=1 if one_norm else 2,
        norm_bias=True,
    )


def _gpt_bigcode(config: Config) -> Architecture:
    hidden, heads = config["n_embd"], config["n_head"]
    shape = _decoder(
        {
            "model_type": config["model_type"],
            "hidden_size": hidden,
            "num_hidden_layers": config["n_layer"],
            "num_attention_heads": heads,
            "num_key_value_heads": 1 if config.get("multi_query", True) else heads,
            "intermediate_size": config.get("n_inner") or 4 * hidden,
            "vocab_size": config["vocab_size"],
            "max_position_embeddings": config["n_positions"],
            "tie_word_embeddings": config.get("tie_word_embeddings", True),
        },
        qkv_bias=True,
        output_bias=True,
        mlp_bias=True,
        gated=False,
        norm_bias=True,
    )
    learned_positions = config["n_positions"] * hidden
    return replace(shape, other_parameters=shape.other_parameters + learned_positions)


def _t5(config: Config) -> Architecture:
    hidden, heads, head_dim = config["d_model"], config["num_heads"], config["d_kv"]
    encoder, decoder = config["num_layers"], config.get("num_decoder_layers") or config["num_layers"]
    width, vocab = config["d_ff"], config["vocab_size"]
    gated = str(config.get("feed_forward_proj", "relu")).startswith("gated")
    attention = 4 * hidden * heads * head_dim
    feed_forward = (3 if gated else 2) * hidden * width
    relative_positions = 2 * heads * config.get("relative_attention_num_buckets", 32)
    norms = encoder * 2 * hidden + decoder * 3 * hidden + 2 * hidden
    heads_of_model = 1 if config.get("tie_word_embeddings", True) else 2
    return Architecture(
        model_type="t5",
        layers=decoder,
        hidden_size=hidden,
        heads=heads,
        kv_heads=heads,
        head_dim=head_dim,
        vocab_size=vocab,
        context_tokens=None,
        intermediate_size=width,
        gated=gated,
        linear_parameters=encoder * (attention + feed_forward) + decoder * (2 * attention + feed_forward),
        other_parameters=relative_positions + norms + heads_of_model * vocab * hidden,
        float32_parameters=(encoder + decoder) * hidden * width,
        encoder_decoder=True,
    )


_FAMILIES: dict[str, Callable[[Config], Architecture]] = {
    "falcon": _falcon,
    "gemma": _gemma,
    "gemma2": _gemma2,
    "gpt_bigcode": _gpt_bigcode,
    "gpt_oss": _gpt_oss,
    "llama": _llama,
    "mistral": _llama,
    "mixtral": _mixtral,
    "phi3": _llama,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "qwen3_moe": _qwen3_moe,
    "starcoder2": _starcoder2,
    "t5": _t5,
}
