"""The families that can be sized, by `model_type`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.families import (
    compressed,
    dense,
    encoders,
    hybrid,
    latent,
    mixtures,
    multimodal,
    older,
    parallel,
)
from replicas.catalogue.fields import Fields


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family of models: its formula, and the fields of its `config.json` that the formula does not need to read."""

    formula: Callable[[Fields], Architecture]
    architectures: tuple[str, ...]
    """Values of `architectures` that the formula describes, the most common first. A class with another head or
    tower is another model."""
    assumed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """The only supported values of some fields, by the field's path (`text_config.model_type`)."""
    without_structure: frozenset[str] = frozenset()
    """Fields of this family that change neither parameters nor cache, at any level of nesting."""


def _family(formula: Callable[[Fields], Architecture], *architectures: str, **options: Any) -> Family:
    return Family(
        formula=formula,
        architectures=architectures,
        assumed=options.get("assumed", {}),
        without_structure=frozenset(options.get("without_structure", ())),
    )


_ROUTING = (
    *("aux_loss_alpha", "ep_size", "moe_router_dtype", "n_group", "norm_expert_weight", "num_expert_group"),
    *("routed_scaling_factor", "scoring_func", "seq_aux", "topk_group", "topk_method", "use_grouped_topk"),
)
"""Fields that control how a router chooses experts. They change no size."""
_IMAGE_TOKENS = (
    *("boi_token_id", "eoi_token_id", "image_token_id", "image_token_index", "video_token_id", "video_token_index"),
    *("vision_end_token_id", "vision_start_token_id", "vision_token_id", "ignore_index"),
)
_QWEN_VISION = (*_IMAGE_TOKENS, "mrope_section", "hidden_act", "initializer_range")
_DEEPSEEK = (*_ROUTING, "head_dim", "num_key_value_heads", "qk_head_dim", "rope_interleave")
_MOON = (
    *("_attn_implementation", "activation_func", "init_pos_emb_time", "merge_type", "pos_emb_interpolation_mode"),
    *("pos_emb_type", "projector_hidden_act", "projector_ln_eps", "text_hidden_size", "video_attn_type"),
    *("ignore_index", "image_placeholder", "media_placeholder_token_id", "use_unified_vision_chunk"),
    "video_placeholder",
)
_NEMOTRON = (
    *(*_ROUTING, "chunk_size", "expand", "mamba_hidden_act", "mlp_hidden_act", "moe_shared_expert_overlap"),
    *(
        "norm_eps",
        "num_logits_to_keep",
        "rescale_prenorm_residual",
        "residual_in_fp32",
        "time_step_floor",
        "time_step_limit",
    ),
    *("time_step_max", "time_step_min", "time_step_rank", "use_mamba_kernels"),
)
_MINIMAX_M3 = (
    "first_k_dense_replace",  # `moe_layer_freq` lists the layers
    *("qk_norm_type", "rotary_dim", "routed_scaling_factor", "scoring_func", "swiglu_alpha", "swiglu_limit"),
    *("use_gemma_norm", "num_nextn_predict_layers", "sparse_topk_blocks", "sparse_block_size", "sparse_init_block"),
    *("sparse_local_block", "sparse_score_type"),
)
_V4 = (
    *(*_ROUTING, "compress_rope_theta", "hc_eps", "hc_sinkhorn_iters", "index_topk", "num_key_value_heads"),
    *("qk_rope_head_dim", "swiglu_limit"),
)
_KIMI_LINEAR = (
    *(*_DEEPSEEK, "activation_situ_beta", "activation_situ_linear_beta", "gate_lower_bound", "moe_renormalize"),
    *("moe_router_activation_func", "num_nextn_predict_layers"),
)

_ENCODER = (
    *("position_embedding_type", "id2label", "label2id", "sentence_transformers", "layer_norm_eps"),
    *("pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type"),
    "directionality",
)

FAMILIES: Mapping[str, Family] = {
    "arcee": _family(parallel.arcee, "ArceeForCausalLM"),
    "bert": _family(
        encoders.bert,
        *("BertModel", "BertForSequenceClassification"),
        assumed={"position_embedding_type": ("absolute",)},
        without_structure=_ENCODER,
    ),
    "cohere": _family(parallel.cohere, "CohereForCausalLM", without_structure=("logit_scale",)),
    "cohere2": _family(
        parallel.cohere2,
        "Cohere2ForCausalLM",
        without_structure=("logit_scale", "order_of_interleaved_layers", "position_embedding_type", "rotary_pct"),
    ),
    "deepseek_ref": _family(
        compressed.deepseek_v4, "DeepseekV4ForCausalLM", assumed={"attention_bias": (False,)}, without_structure=_V4
    ),
    "deepseek_v2": _family(latent.deepseek, "DeepseekV2ForCausalLM", without_structure=_DEEPSEEK),
    "deepseek_v3": _family(latent.deepseek, "DeepseekV3ForCausalLM", without_structure=_DEEPSEEK),
    "deepseek_v32": _family(
        latent.deepseek_sparse, "DeepseekV32ForCausalLM", without_structure=(*_DEEPSEEK, "index_topk")
    ),
    "deepseek_v4": _family(
        compressed.deepseek_v4,
        "DeepseekV4ForCausalLM",
        assumed={"attention_bias": (False,)},
        without_structure=(*_V4, "expert_dtype"),
    ),
    "ernie4_5": _family(
        parallel.ernie,
        "Ernie4_5ForCausalLM",
        without_structure=("compression_ratio", "weight_share_add_bias", "ignored_index"),
    ),
    "ernie4_5_moe": _family(
        parallel.ernie_moe,
        "Ernie4_5_MoeForCausalLM",
        assumed={"moe_use_aux_free": (True,)},
        without_structure=(
            *("moe_capacity", "moe_norm_min", "num_nextn_predict_layers", "compression_ratio", "ignored_index"),
            "weight_share_add_bias",
        ),
    ),
    "falcon": _family(
        dense.falcon,
        *("FalconForCausalLM", "RWForCausalLM"),
        assumed={"num_ln_in_parallel_attn": (2,), "apply_residual_connection_post_layernorm": (False,)},
        without_structure=("activation", "alibi", "ff_factor", "rotary", "tie_word_embeddings"),
    ),
    "gemma": _family(dense.gemma, "GemmaForCausalLM", assumed={"attention_bias": (False,)}),
    "gemma2": _family(
        dense.gemma2,
        "Gemma2ForCausalLM",
        assumed={"attention_bias": (False,)},
        without_structure=("sliding_window_size",),  # an older name, which engines do not read
    ),
    "gemma3": _family(
        multimodal.gemma3,
        "Gemma3ForConditionalGeneration",
        assumed={"text_config.attention_bias": (False,), "text_config.model_type": ("gemma3_text",)},
        without_structure=(
            *(*_IMAGE_TOKENS, "mm_tokens_per_image", "rope_local_base_freq", "vision_use_head", "eoi_token_index"),
            "boi_token_index",
        ),
    ),
    "gemma3_text": _family(
        dense.gemma3,
        "Gemma3ForCausalLM",
        assumed={"attention_bias": (False,)},
        without_structure=("rope_local_base_freq",),
    ),
    "gemma4": _family(
        multimodal.gemma4,
        "Gemma4ForConditionalGeneration",
        assumed={"text_config.model_type": ("gemma4_text",)},
        without_structure=(
            *(*_IMAGE_TOKENS, "audio_token_id", "boa_token_id", "default_output_length", "eoa_token_id"),
            *("eoa_token_index", "image_seq_length", "pooling_kernel_size", "standardize"),
            *("use_bidirectional_attention", "use_clipped_linears", "video_seq_length"),
            *("vision_soft_tokens_per_image", "max_position_embeddings", "global_head_dim"),  # of the tower
        ),
    ),
    "gemma4_text": _family(
        multimodal.gemma4_text, "Gemma4ForCausalLM", without_structure=("use_bidirectional_attention",)
    ),
    "glm4_moe": _family(mixtures.glm4_moe, "Glm4MoeForCausalLM", without_structure=_ROUTING),
    "glm_moe_dsa": _family(
        latent.deepseek_sparse,
        "GlmMoeDsaForCausalLM",
        without_structure=(
            *(*_DEEPSEEK, "index_share_for_mtp_iteration", "index_topk", "indexer_rope_interleave", "layer_types"),
            "num_experts",  # a default of the library; `n_routed_experts` counts
        ),
        assumed={"mlp_bias": (False,)},
    ),
    "gpt_bigcode": _family(
        older.gpt_bigcode,
        *("GPTBigCodeForCausalLM", "GPTBigCodeLMHeadModel"),
        without_structure=(
            *("attention_softmax_in_fp32", "scale_attention_softmax_in_fp32", "scale_attn_weights"),
            *("summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type"),
            *("summary_use_proj", "inference_runner", "validate_runner_input", "pad_key_length"),
            *("pre_allocate_kv_cache", "max_sequence_length", "max_batch_size"),
        ),
    ),
    "gpt_neox": _family(
        parallel.gpt_neox,
        "GPTNeoXForCausalLM",
        without_structure=("rotary_emb_base", "rotary_pct", "use_parallel_residual"),
    ),
    "gpt_oss": _family(
        mixtures.gpt_oss,
        "GptOssForCausalLM",
        assumed={"attention_bias": (True,)},
        without_structure=("experts_per_token", "initial_context_length", "swiglu_limit"),
    ),
    "granite": _family(
        parallel.granite,
        "GraniteForCausalLM",
        without_structure=("attention_multiplier", "embedding_multiplier", "logits_scaling", "residual_multiplier"),
    ),
    "kimi_k2": _family(latent.deepseek, "DeepseekV3ForCausalLM", without_structure=_DEEPSEEK),
    "kimi_k25": _family(
        multimodal.kimi_k25,
        "KimiK25ForConditionalGeneration",
        assumed={"text_config.model_type": ("kimi_k2", "deepseek_v3")},
        without_structure=(*_DEEPSEEK, *_MOON),
    ),
    "kimi_k3": _family(
        multimodal.kimi_k3,
        "KimiK3ForConditionalGeneration",
        assumed={
            "text_config.model_type": ("kimi_linear",),
            "text_config.mla_use_nope": (True,),
            "mlp_type": ("mlp2",),
        },
        without_structure=(*_KIMI_LINEAR, *_MOON),
    ),
    "kimi_linear": _family(
        hybrid.kimi_linear,
        "KimiLinearForCausalLM",
        assumed={"mla_use_nope": (True,)},
        without_structure=_KIMI_LINEAR,
    ),
    "llama": _family(dense.llama, "LlamaForCausalLM", "LLaMAForCausalLM"),
    "llama4": _family(
        multimodal.llama4,
        "Llama4ForConditionalGeneration",
        assumed={"text_config.model_type": ("llama4_text",)},
        without_structure=(
            *(*_IMAGE_TOKENS, "attn_scale", "attn_temperature_tuning", "floor_scale", "for_llm_compressor"),
            *("multi_modal_projector_bias", "pixel_shuffle_ratio", "projector_dropout", "use_qk_norm"),
            *("vision_feature_layer", "vision_feature_select_strategy", "boi_token_index", "eoi_token_index"),
        ),
    ),
    "mimo": _family(dense.mimo, "MiMoForCausalLM", assumed={"attention_bias": (True,), "use_mrope": (False,)}),
    "mimo_v2_flash": _family(
        mixtures.mimo_v2,
        "MiMoV2FlashForCausalLM",
        without_structure=(
            *(*_ROUTING, "attention_chunk_size", "attention_value_scale", "layernorm_epsilon", "sliding_window_size"),
            "swa_rope_theta",
        ),
    ),
    "minimax_m2": _family(
        mixtures.minimax_m2,
        "MiniMaxM2ForCausalLM",
        assumed={"shared_intermediate_size": (0,)},
        without_structure=("attn_type_list", "qk_norm_type", "rotary_dim", "scoring_func"),
    ),
    "minimax_m3": _family(
        mixtures.minimax_m3,
        *("MiniMaxM3ForCausalLM", "MiniMaxM3SparseForCausalLM"),
        assumed={"attention_output_gate": (False,), "use_qk_norm": (True,)},
        without_structure=_MINIMAX_M3,
    ),
    "minimax_m3_vl": _family(
        multimodal.minimax_m3_vl,
        "MiniMaxM3SparseForConditionalGeneration",
        assumed={"text_config.attention_output_gate": (False,), "text_config.use_qk_norm": (True,)},
        without_structure=(
            *(*_MINIMAX_M3, *_IMAGE_TOKENS, "image_grid_pinpoints", "image_seq_length", "image_size"),
            *(
                "image_token_compression_method",
                "img_token_compression_config",
                "num_reward_heads",
                "position_embedding_type",
                "process_image_mode",
            ),
            *("projection_dim", "projector_hidden_act", "rope_mode", "vision_feature_layer"),
            *("vision_feature_select_strategy", "vision_segment_max_frames", "vocab_size"),
        ),
    ),
    "mistral": _family(dense.mistral, "MistralForCausalLM"),
    "mistral3": _family(
        multimodal.mistral3,
        "Mistral3ForConditionalGeneration",
        assumed={"text_config.model_type": ("mistral", "ministral3")},
        without_structure=(*(*_IMAGE_TOKENS, "image_size", "projector_hidden_act", "vision_feature_layer"),),
    ),
    "mixtral": _family(mixtures.mixtral, "MixtralForCausalLM", assumed={"attention_bias": (False,)}),
    "modernbert": _family(
        encoders.modernbert,
        *("ModernBertModel", "ModernBertForSequenceClassification"),
        without_structure=(
            *(*_ENCODER, "classifier_activation", "classifier_bias", "classifier_dropout", "classifier_pooling"),
            *("decoder_bias", "deterministic_flash_attn", "embedding_dropout", "global_attn_every_n_layers"),
            *("global_rope_theta", "initializer_cutoff_factor", "local_attention", "local_rope_theta", "mlp_dropout"),
            *("norm_eps", "position_embedding_type", "reference_compile", "repad_logits_with_grad"),
            *("sparse_pred_ignore_index", "sparse_prediction", "tie_word_embeddings", "layer_types"),
        ),
    ),
    "nemotron": _family(parallel.nemotron, "NemotronForCausalLM", without_structure=("norm_eps",)),
    "nemotron-nas": _family(
        dense.nemotron_nas,
        "DeciLMForCausalLM",
        assumed={"attention_bias": (False,), "mlp_bias": (False,)},
        without_structure=("intermediate_size", "num_key_value_heads"),
    ),
    "nemotron_h": _family(
        hybrid.nemotron_h,
        "NemotronHForCausalLM",
        assumed={"sliding_window": ()},
        without_structure=_NEMOTRON,
    ),
    "olmo2": _family(parallel.olmo2, "Olmo2ForCausalLM"),
    "olmo3": _family(parallel.olmo3, "Olmo3ForCausalLM"),
    "phi": _family(parallel.phi, "PhiForCausalLM", assumed={"qk_layernorm": (False,)}),
    "phi3": _family(
        dense.mistral,
        "Phi3ForCausalLM",
        assumed={"lm_head_bias": (False,), "full_attn_mod": (1,)},
        without_structure=("interpolate_factor",),
    ),
    "qwen": _family(
        parallel.qwen,
        *("QWenLMHeadModel", "QwenLMHeadModel"),
        assumed={"no_bias": (True,)},
        without_structure=(
            *("bf16", "fp16", "fp32", "attn_dropout_prob", "emb_dropout_prob", "onnx_safe", "rotary_emb_base"),
            *("rotary_pct", "scale_attn_weights", "seq_length", "softmax_in_fp32", "tokenizer_type"),
            *("use_cache_kernel", "use_cache_quantization", "use_dynamic_ntk", "use_flash_attn", "use_logn_attn"),
        ),
    ),
    "qwen2": _family(dense.qwen2, "Qwen2ForCausalLM", assumed={"attention_bias": (True,), "use_mrope": (False,)}),
    "qwen2_5_vl": _family(
        multimodal.qwen2_5_vl,
        "Qwen2_5_VLForConditionalGeneration",
        without_structure=(
            *(*_QWEN_VISION, "fullatt_block_indexes", "spatial_patch_size", "tokens_per_second", "window_size"),
        ),
    ),
    "qwen2_moe": _family(mixtures.qwen2_moe, "Qwen2MoeForCausalLM", without_structure=("intermediate_size",)),
    "qwen3": _family(dense.qwen3, "Qwen3ForCausalLM"),
    "qwen3_5": _family(
        multimodal.qwen3_5,
        "Qwen3_5ForConditionalGeneration",
        assumed={"text_config.model_type": ("qwen3_5_text",)},
        without_structure=(*_QWEN_VISION, "mlp_only_layers", "mtp_use_dedicated_embeddings", "output_gate_type"),
    ),
    "qwen3_5_moe": _family(
        multimodal.qwen3_5,
        "Qwen3_5MoeForConditionalGeneration",
        assumed={"text_config.model_type": ("qwen3_5_moe_text",)},
        without_structure=(*_QWEN_VISION, "mtp_use_dedicated_embeddings", "output_gate_type", "intermediate_size"),
    ),
    "qwen3_moe": _family(
        mixtures.qwen3_moe,
        "Qwen3MoeForCausalLM",
        assumed={"qkv_bias": (False,), "use_qk_norm": (True,)},
        without_structure=("intermediate_size",),  # of dense layers, if it has any
    ),
    "qwen3_next": _family(hybrid.qwen3_next, "Qwen3NextForCausalLM", without_structure=("intermediate_size",)),
    "qwen3_vl": _family(
        multimodal.qwen3_vl,
        "Qwen3VLForConditionalGeneration",
        assumed={"text_config.model_type": ("qwen3_vl_text",)},
        without_structure=_QWEN_VISION,
    ),
    "qwen3_vl_moe": _family(
        multimodal.qwen3_vl_moe,
        "Qwen3VLMoeForConditionalGeneration",
        assumed={"text_config.model_type": ("qwen3_vl_moe_text",)},
        without_structure=(*_QWEN_VISION, "intermediate_size"),
    ),
    "roberta": _family(
        encoders.roberta,
        *("RobertaModel", "RobertaForSequenceClassification"),
        assumed={"position_embedding_type": ("absolute",)},
        without_structure=_ENCODER,
    ),
    "seed_oss": _family(parallel.seed_oss, "SeedOssForCausalLM"),
    "starcoder2": _family(
        dense.starcoder2, "Starcoder2ForCausalLM", assumed={"mlp_type": ("default",), "norm_type": ("layer_norm",)}
    ),
    "step3p7": _family(
        mixtures.step3p7,
        "Step3p7FlashForCausalLM",
        without_structure=(*("moe_router_scaling_factor", "num_nextn_predict_layers", "scoring_func"),),
    ),
    "t5": _family(
        older.t5,
        *("T5ForConditionalGeneration", "T5WithLMHeadModel"),
        assumed={"is_encoder_decoder": (True,)},
        without_structure=(
            *("dense_act_fn", "is_gated_act", "n_positions", "output_past", "relative_attention_max_distance"),
        ),
    ),
    "xlm-roberta": _family(
        encoders.roberta,
        *("XLMRobertaModel", "XLMRobertaForSequenceClassification"),
        assumed={"position_embedding_type": ("absolute",)},
        without_structure=_ENCODER,
    ),
}
