"""Formulas of the model families: the architecture that the fields of a `config.json` describe.

The parameter count of every family here is exact: it equals the count that the model's publisher states
(`tests/catalogue/test_models.py` checks it for the table). Field names are those of Hugging Face. A formula looks up
every field that it depends on: `reading.py` refuses a configuration with a field that nothing has looked up.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from replicas.catalogue.architecture import Architecture

Config = Mapping[str, Any]


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
    windows: tuple[int, int | None] | None = None,
) -> Architecture:
    """Return the architecture of a decoder-only transformer with Llama's field names."""
    hidden, layers, heads = config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]
    windowed, window = windows or (0, None)
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
        experts=experts,
        experts_per_token=config["num_experts_per_tok"] if experts else 1,
        linear_parameters=layers * (attention + feed_forward),
        other_parameters=layers * rest_of_layer + norm + heads_of_model * vocab * hidden,
        windowed_layers=windowed,
        window_tokens=window,
    )


def _windows(config: Config, *, windowed: int) -> tuple[int, int | None]:
    """Return the layers with a sliding window and its tokens. `layer_types` names the kind of each layer; without it,
    `windowed` layers have the window.
    """
    window, kinds = config.get("sliding_window") or None, config.get("layer_types")  # 0 and null turn it off
    if window is not None and (type(window) is not int or window < 1):
        raise ValueError(f"sliding_window is no count: {str(window)[:40]!r}")
    if kinds is not None:
        if len(kinds) != config["num_hidden_layers"]:
            raise ValueError(f"layer_types names {len(kinds)} layers of {config['num_hidden_layers']}")
        unknown = sorted(set(map(str, kinds)) - {"full_attention", "sliding_attention"})
        if unknown:
            raise ValueError(f"layer_types has {', '.join(unknown)}, which no formula here sizes")
        windowed = sum(kind == "sliding_attention" for kind in kinds)
    return (windowed, window) if window and windowed else (0, None)


def _llama(config: Config) -> Architecture:
    bias = bool(config.get("attention_bias", False))
    return _decoder(config, qkv_bias=bias, output_bias=bias, mlp_bias=bool(config.get("mlp_bias", False)))


def _mistral(config: Config) -> Architecture:
    bias = bool(config.get("attention_bias", False))
    windows = _windows(config, windowed=config["num_hidden_layers"])
    return _decoder(
        config, qkv_bias=bias, output_bias=bias, mlp_bias=bool(config.get("mlp_bias", False)), windows=windows
    )


def _mixtral(config: Config) -> Architecture:
    windows = _windows(config, windowed=config["num_hidden_layers"])
    return _decoder(config, experts=config["num_local_experts"], windows=windows)


def _qwen_windows(config: Config) -> tuple[int, int | None]:
    """Qwen's layers from `max_window_layers` on have the window, if `use_sliding_window` turns it on."""
    layers, first = config["num_hidden_layers"], config.get("max_window_layers", 0)
    windows = _windows(config, windowed=max(0, layers - first))
    return windows if config.get("use_sliding_window", False) else (0, None)


def _qwen2(config: Config) -> Architecture:
    return _decoder(config, qkv_bias=True, windows=_qwen_windows(config))


def _qwen3(config: Config, *, experts: int = 0, expert_width: int | None = None) -> Architecture:
    bias = bool(config.get("attention_bias", False))
    return _decoder(
        config,
        qkv_bias=bias,
        output_bias=bias,
        head_norms=True,
        experts=experts,
        expert_width=expert_width,
        windows=_qwen_windows(config),
    )


def _qwen3_moe(config: Config) -> Architecture:
    return _qwen3(config, experts=config["num_experts"], expert_width=config["moe_intermediate_size"])


def _gpt_oss(config: Config) -> Architecture:
    experts, layers, hidden = config["num_local_experts"], config["num_hidden_layers"], config["hidden_size"]
    windows = _windows(config, windowed=(layers + 1) // 2)  # every second layer, beginning with the first
    shape = _decoder(config, qkv_bias=True, output_bias=True, experts=experts, windows=windows)
    width = shape.intermediate_size
    expert_biases, router_bias, sinks = experts * (2 * width + hidden), experts, shape.heads
    # Its checkpoints store only the experts in four bits; attention stays at two bytes per weight.
    quantized = layers * experts * 3 * hidden * width
    extra = layers * (expert_biases + router_bias + sinks)
    return replace(shape, linear_parameters=quantized, other_parameters=shape.parameters - quantized + extra)


def _gemma(config: Config) -> Architecture:
    return _decoder(config, tied_by_default=True)


def _gemma2(config: Config) -> Architecture:
    layers = config["num_hidden_layers"]
    windows = _windows(config, windowed=(layers + 1) // 2)  # every second layer, beginning with the first
    return _decoder(config, norms_per_layer=4, tied_by_default=True, windows=windows)


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
        windows=_windows(config, windowed=config["num_hidden_layers"]),
    )


def _falcon(config: Config) -> Architecture:
    new = bool(config.get("new_decoder_architecture", False))
    heads = config["num_attention_heads"]
    one_or_all = 1 if config.get("multi_query", True) else heads
    kv_heads = config.get("num_kv_heads") or heads if new else one_or_all
    bias = bool(config.get("bias", False))
    one_norm = bool(config.get("parallel_attn", True)) and not new
    known = {
        "num_key_value_heads": kv_heads,
        "intermediate_size": config.get("ffn_hidden_size") or 4 * config["hidden_size"],
        "tie_word_embeddings": False,  # tied, but its checkpoints store the head a second time
    }
    # The family's training length, which its config.json does not contain.
    default = {"max_position_embeddings": 2048}
    return _decoder(
        ChainMap(known, config, default),  # type: ignore[arg-type]  # no mapping is written to
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


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family of models: its formula, and the fields of its `config.json` that the formula need not look up."""

    formula: Callable[[Config], Architecture]
    architectures: frozenset[str]
    """Values of `architectures` that the formula describes: a class with another head or tower is another model."""
    assumed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Fields of which the formula describes only these values."""
    without_structure: frozenset[str] = frozenset()
    """Fields of this family that change neither parameters nor cache."""
    unquantized: tuple[str, ...] = ()
    """Parts that the family's quantized checkpoints keep at full precision, and the formula counts so."""


def _family(formula: Callable[[Config], Architecture], *architectures: str, **options: Any) -> Family:
    return Family(formula=formula, architectures=frozenset(architectures), **options)


FAMILIES: Mapping[str, Family] = {
    "falcon": _family(
        _falcon,
        *("FalconForCausalLM", "RWForCausalLM"),
        assumed={"num_ln_in_parallel_attn": (2,), "apply_residual_connection_post_layernorm": (False,)},
        without_structure=frozenset({"activation", "alibi", "ff_factor", "rotary", "tie_word_embeddings"}),
    ),
    "gemma": _family(_gemma, "GemmaForCausalLM", assumed={"attention_bias": (False,)}),
    "gemma2": _family(
        _gemma2,
        "Gemma2ForCausalLM",
        assumed={"attention_bias": (False,)},
        without_structure=frozenset({"sliding_window_size"}),  # an older name, which no engine reads
    ),
    "gpt_bigcode": _family(
        _gpt_bigcode,
        *("GPTBigCodeForCausalLM", "GPTBigCodeLMHeadModel"),
        without_structure=frozenset(
            {
                *("attention_softmax_in_fp32", "scale_attention_softmax_in_fp32", "scale_attn_weights"),
                *("summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type"),
                *("summary_use_proj", "inference_runner", "validate_runner_input", "pad_key_length"),
                *("pre_allocate_kv_cache", "max_sequence_length", "max_batch_size"),
            }
        ),
    ),
    "gpt_oss": _family(
        _gpt_oss,
        "GptOssForCausalLM",
        assumed={"attention_bias": (True,)},
        without_structure=frozenset({"experts_per_token", "initial_context_length", "swiglu_limit"}),
        unquantized=("self_attn", "router"),
    ),
    "llama": _family(_llama, "LlamaForCausalLM", "LLaMAForCausalLM"),
    "mistral": _family(_mistral, "MistralForCausalLM"),
    "mixtral": _family(_mixtral, "MixtralForCausalLM", assumed={"attention_bias": (False,)}),
    "phi3": _family(
        _mistral,
        "Phi3ForCausalLM",
        assumed={"lm_head_bias": (False,), "full_attn_mod": (1,)},
        without_structure=frozenset({"interpolate_factor"}),
    ),
    "qwen2": _family(_qwen2, "Qwen2ForCausalLM", assumed={"attention_bias": (True,), "use_mrope": (False,)}),
    "qwen3": _family(_qwen3, "Qwen3ForCausalLM"),
    "qwen3_moe": _family(
        _qwen3_moe,
        "Qwen3MoeForCausalLM",
        assumed={
            "decoder_sparse_step": (1,),
            "mlp_only_layers": ([],),
            "qkv_bias": (False,),
            "shared_expert_intermediate_size": (0,),
            "use_qk_norm": (True,),
        },
        without_structure=frozenset({"intermediate_size"}),  # of dense layers, and it has none
    ),
    "starcoder2": _family(
        _starcoder2, "Starcoder2ForCausalLM", assumed={"mlp_type": ("default",), "norm_type": ("layer_norm",)}
    ),
    "t5": _family(
        _t5,
        *("T5ForConditionalGeneration", "T5WithLMHeadModel"),
        assumed={"is_encoder_decoder": (True,)},
        without_structure=frozenset(
            {"dense_act_fn", "is_gated_act", "n_positions", "output_past", "relative_attention_max_distance"}
        ),
    ),
}
