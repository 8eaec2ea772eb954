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
    gemma3n,
    hybrid,
    images,
    latent,
    mixtures,
    multimodal,
    older,
    parallel,
    shared_experts,
    sound,
    state_space,
)
from replicas.catalogue.fields import Fields


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family of models, with its sizing formula and with the fields of its `config.json` that the formula does not
    need to read.
    """

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

_SUMMARY = (
    *("summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj"),
    *("task_specific_params", "output_past"),
)
"""Fields of a head for summaries, which language models of the GPT families do not have."""
_GRANITE = ("attention_multiplier", "embedding_multiplier", "logits_scaling", "residual_multiplier")
_HUNYUAN = (*_ROUTING, "attention_head_dim", "eod_token_id", "group_limited_greedy")
_LFM2 = (
    *(
        "block_ffn_dim_multiplier",
        "block_mlp_init_scale",
        "block_multiple_of",
        "block_norm_eps",
        "block_out_init_scale",
        "block_use_swiglu",
    ),
    *("block_use_xavier_init", "conv_use_xavier_init", "norm_eps", "num_heads", "theta", "use_pos_enc"),
)
_MAMBA = (
    *("pad_vocab_size_multiple", "rescale_prenorm_residual", "residual_in_fp32", "norm_before_gate"),
    *("time_step_floor", "time_step_init_scheme", "time_step_limit", "time_step_max", "time_step_min"),
    *("time_step_rank", "time_step_scale", "use_mambapy"),
)

_GLM_IMAGES = (
    *("image_end_token_id", "image_start_token_id", "image_token_id", "video_end_token_id", "video_start_token_id"),
    "mrope_section",
)
_IDEFICS = (
    *(
        "max_image_size",
        "perceiver_config",
        "pixel_shuffle_factor",
        "qk_layer_norms",
        "size",
        "tie_word_embeddings",
        "use_base_siglip",
    ),
    *("use_resampler", "vocab_size", "freeze_config", "additional_vocab_size", "neftune_noise_alpha"),
)
_LLAVA = (
    *("image_grid_pinpoints", "image_seq_length", "is_composition", "projection_dim"),
    *("projector_hidden_act", "tie_word_embeddings", "use_image_newline_parameter", "vision_aspect_ratio"),
    *("vision_feature_select_strategy", "vision_use_head", "vocab_size"),
)
_WHISPER = ("encoder_layerdrop", "scale_embedding", "num_hidden_layers", "max_source_positions")
_WINDOWS_OF_IMAGES = ("fullatt_block_indexes", "spatial_patch_size", "tokens_per_second", "window_size")
_QWEN_OMNI = (
    *(*_WHISPER, "apply_vit_abs_pos_embed", "assistant_token_id", "audio_end_token_id", "audio_start_token_id"),
    *("audio_token_id", "audio_token_index", "code2wav_config", "conv_chunksize", "embed_dim", "enable_audio_output"),
    *("enable_talker", "ignore_index", "im_end_token_id", "im_start_token_id", "image_size", "in_chans", "n_window"),
    *("n_window_infer", "position_id_per_seconds", "seconds_per_chunk", "system_token_id", "talker_config"),
    *("token2wav_config", "tts_bos_token_id", "tts_eos_token_id", "tts_pad_token_id", "user_token_id"),
)
"""Fields of Qwen's omni models. Engines do not load the parts that speak (talker, token2wav, code2wav)."""

_GEMMA3N = (
    *("activation_sparsity_pattern", "altup_active_idx", "altup_coef_clip", "altup_correct_scale"),
    *("altup_lr_multiplier", "rope_local_base_freq"),
)

FAMILIES: Mapping[str, Family] = {
    "afmoe": _family(
        shared_experts.afmoe,
        "AfmoeForCausalLM",
        without_structure=(
            *(*_ROUTING, "load_balance_coeff", "mup_enabled", "num_expert_groups", "num_limited_groups"),
            *("route_norm", "route_scale", "score_func", "use_grouped_mm"),
        ),
    ),
    "apertus": _family(parallel.apertus, "ApertusForCausalLM", assumed={"post_norm": (False,), "qk_norm": (True,)}),
    "arcee": _family(parallel.arcee, "ArceeForCausalLM"),
    "bailing_moe": _family(
        shared_experts.bailing,
        *("BailingMoeForCausalLM", "BailingMoeV2ForCausalLM"),
        assumed={"multi_gate": (False,), "use_rmsnorm": (True,), "use_sliding_window": (False,)},
        without_structure=(
            *(*_ROUTING, "max_window_layers", "moe_router_enable_shared_expert", "norm_head", "norm_softmax"),
            *("router_dtype", "score_function", "sliding_window", "rotary_dim", "mtp_loss_scaling_factor"),
        ),
    ),
    "bert": _family(
        encoders.bert,
        *("BertModel", "BertForSequenceClassification"),
        assumed={"position_embedding_type": ("absolute",)},
        without_structure=_ENCODER,
    ),
    "bloom": _family(
        older.bloom,
        *("BloomForCausalLM",),
        assumed={"n_inner": ()},
        without_structure=(
            *("apply_residual_connection_post_layernorm", "attention_softmax_in_fp32", "bias_dropout_fusion"),
            *("masked_softmax_fusion", "offset_alibi", "skip_bias_add", "skip_bias_add_qkv", "slow_but_exact"),
        ),
    ),
    "cohere": _family(parallel.cohere, "CohereForCausalLM", without_structure=("logit_scale",)),
    "cohere2": _family(
        parallel.cohere2,
        "Cohere2ForCausalLM",
        without_structure=("logit_scale", "order_of_interleaved_layers", "position_embedding_type", "rotary_pct"),
    ),
    "cohere2_vision": _family(
        images.cohere2_vision,
        "Cohere2VisionForConditionalGeneration",
        without_structure=(*_IMAGE_TOKENS, "adapter_layer_norm_eps", "vision_use_head"),
    ),
    "dbrx": _family(
        shared_experts.dbrx,
        "DbrxForCausalLM",
        without_structure=(
            *("clip_qkv", "moe_jitter_eps", "moe_loss_weight", "moe_normalize_expert_weights", "ffn_act_fn"),
            *("uniform_expert_assignment", "emb_pdrop", "attn_pdrop"),
        ),
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
    "exaone": _family(parallel.exaone, "ExaoneForCausalLM", without_structure=("num_hidden_layers",)),
    "exaone4": _family(parallel.exaone4, "Exaone4ForCausalLM"),
    "falcon": _family(
        dense.falcon,
        *("FalconForCausalLM", "RWForCausalLM"),
        assumed={"num_ln_in_parallel_attn": (2,), "apply_residual_connection_post_layernorm": (False,)},
        without_structure=("activation", "alibi", "ff_factor", "rotary", "tie_word_embeddings"),
    ),
    "falcon_h1": _family(
        state_space.falcon_h1,
        "FalconH1ForCausalLM",
        assumed={"attn_layer_indices": (), "sliding_window": (), "mamba_use_mlp": (True,)},
        without_structure=(
            *("attention_in_multiplier", "attention_out_multiplier", "embedding_multiplier", "key_multiplier"),
            *(
                "lm_head_multiplier",
                "mamba_chunk_size",
                "mamba_expand",
                "mamba_norm_before_gate",
                "mlp_expansion_factor",
            ),
            *("mlp_multipliers", "num_logits_to_keep", "ssm_in_multiplier", "ssm_multipliers", "ssm_out_multiplier"),
            *("time_step_floor", "time_step_max", "time_step_min", "time_step_rank"),
        ),
    ),
    "falcon_mamba": _family(
        state_space.mamba,
        "FalconMambaForCausalLM",
        without_structure=(*_MAMBA, "mixer_rms_eps", "use_falcon_mambapy", "use_mambapy"),
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
    "gemma3n": _family(
        gemma3n.gemma3n,
        "Gemma3nForConditionalGeneration",
        assumed={"text_config.attention_bias": (False,)},
        without_structure=(
            *(*_GEMMA3N, *_IMAGE_TOKENS, "audio_soft_tokens_per_image", "audio_token_id", "boa_token_id"),
            *("conf_attention_chunk_size", "conf_attention_context_left", "conf_attention_context_right"),
            *("conf_attention_logit_cap", "conf_positional_bias_size", "conf_reduction_factor", "do_pooling"),
            *("conf_residual_weight", "eoa_token_id", "gradient_clipping", "label_names", "model_args"),
            *("num_classes", "sscp_conv_eps", "sscp_conv_group_norm_eps", "sscp_conv_kernel_size"),
            *("sscp_conv_stride_size", "vision_soft_tokens_per_image", "vocab_offset", "use_cache"),
        ),
    ),
    "gemma3n_text": _family(
        gemma3n.gemma3n_text,
        "Gemma3nForCausalLM",
        assumed={"attention_bias": (False,)},
        without_structure=_GEMMA3N,
    ),
    "gemma4": _family(
        multimodal.gemma4,
        "Gemma4ForConditionalGeneration",
        assumed={"text_config.model_type": ("gemma4_text",)},
        without_structure=(
            *(*_IMAGE_TOKENS, "audio_token_id", "boa_token_id", "default_output_length", "eoa_token_id"),
            *("eoa_token_index", "image_seq_length", "pooling_kernel_size", "standardize"),
            *("use_bidirectional_attention", "use_clipped_linears", "video_seq_length"),
            *("vision_soft_tokens_per_image", "max_position_embeddings", "global_head_dim"),  # fields of the tower
            *(
                "attention_chunk_size",
                "attention_context_left",
                "attention_context_right",
                "attention_invalid_logits_value",
            ),
            *("attention_logit_cap", "gradient_clipping", "residual_weight"),
        ),
    ),
    "gemma4_text": _family(
        multimodal.gemma4_text, "Gemma4ForCausalLM", without_structure=("use_bidirectional_attention",)
    ),
    "glm": _family(parallel.glm, "GlmForCausalLM"),
    "glm4": _family(parallel.glm4, "Glm4ForCausalLM"),
    "glm4_moe": _family(mixtures.glm4_moe, "Glm4MoeForCausalLM", without_structure=_ROUTING),
    "glm4_moe_lite": _family(latent.deepseek, "Glm4MoeLiteForCausalLM", without_structure=_DEEPSEEK),
    "glm4v": _family(images.glm4v, "Glm4vForConditionalGeneration", without_structure=(*_IMAGE_TOKENS, *_GLM_IMAGES)),
    "glm4v_moe": _family(
        images.glm4v,
        "Glm4vMoeForConditionalGeneration",
        without_structure=(*_IMAGE_TOKENS, *_GLM_IMAGES, *_ROUTING),
    ),
    "glm_moe_dsa": _family(
        latent.deepseek_sparse,
        "GlmMoeDsaForCausalLM",
        without_structure=(
            *(*_DEEPSEEK, "index_share_for_mtp_iteration", "index_topk", "indexer_rope_interleave", "layer_types"),
            "num_experts",  # a default of the library; `n_routed_experts` has the number
        ),
        assumed={"mlp_bias": (False,)},
    ),
    "gpt2": _family(
        older.gpt2,
        "GPT2LMHeadModel",
        assumed={"add_cross_attention": (False,), "reorder_and_upcast_attn": (False, True)},
        without_structure=(*_SUMMARY, "n_ctx", "scale_attn_by_inverse_layer_idx", "scale_attn_weights", "embd_pdrop"),
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
    "gptj": _family(
        older.gptj,
        "GPTJForCausalLM",
        without_structure=(*_SUMMARY, "n_ctx", "rotary", "rotary_dim", "scale_attn_weights", "embd_pdrop"),
    ),
    "granite": _family(
        parallel.granite,
        "GraniteForCausalLM",
        without_structure=("attention_multiplier", "embedding_multiplier", "logits_scaling", "residual_multiplier"),
    ),
    "granitemoe": _family(shared_experts.granite_moe, "GraniteMoeForCausalLM", without_structure=_GRANITE),
    "granitemoehybrid": _family(
        state_space.granite_hybrid,
        "GraniteMoeHybridForCausalLM",
        assumed={"position_embedding_type": ("nope", "rope"), "normalization_function": ("rmsnorm",)},
        without_structure=(
            *(
                *_GRANITE,
                "init_method",
                "mamba_chunk_size",
                "num_experts_per_tok",
                "time_step_limit",
                "time_step_max",
                "time_step_min",
            ),
            "intermediate_size",
        ),
    ),
    "granitemoeshared": _family(shared_experts.granite_moe, "GraniteMoeSharedForCausalLM", without_structure=_GRANITE),
    "hunyuan_v1_dense": _family(
        parallel.hunyuan, "HunYuanDenseV1ForCausalLM", assumed={"use_qk_norm": (True,)}, without_structure=_HUNYUAN
    ),
    "hunyuan_v1_moe": _family(
        shared_experts.hunyuan_moe,
        "HunYuanMoEV1ForCausalLM",
        assumed={"use_qk_norm": (True,), "use_mixed_mlp_moe": (True,), "use_cla": (False,), "mlp_bias": (False,)},
        without_structure=(*_HUNYUAN, "cla_share_factor"),
    ),
    "hy_v3": _family(
        shared_experts.hy_v3,
        "HYV3ForCausalLM",
        without_structure=(
            *(*_ROUTING, "enable_lm_head_fp32", "route_norm", "router_scaling_factor"),
            *("moe_router_enable_expert_bias", "moe_router_use_sigmoid", "enable_attention_fp32_softmax"),
            *("enable_moe_fp32_combine", "expert_hidden_dim", "moe_intermediate_size"),
        ),
    ),
    "idefics3": _family(
        images.idefics3, "Idefics3ForConditionalGeneration", without_structure=(*_IMAGE_TOKENS, *_IDEFICS)
    ),
    "internlm2": _family(parallel.internlm, "InternLM2ForCausalLM", without_structure=("attn_implementation",)),
    "internlm3": _family(parallel.internlm, "InternLM3ForCausalLM"),
    "internvl": _family(
        images.internvl,
        "InternVLForConditionalGeneration",
        without_structure=(
            *(*_IMAGE_TOKENS, "image_seq_length", "layer_scale_init_value", "norm_type", "projection_dropout"),
            *("projector_hidden_act", "vision_feature_layer", "vision_feature_select_strategy"),
        ),
    ),
    "internvl_chat": _family(
        images.internvl_chat,
        "InternVLChatModel",
        assumed={"use_backbone_lora": (0,), "use_llm_lora": (0,)},
        without_structure=(
            *("dynamic_image_size", "force_image_size", "hidden_size", "image_fold", "max_dynamic_patch"),
            *("min_dynamic_patch", "pad2square", "ps_version", "system_message", "template", "use_thumbnail"),
            *("attn_implementation", "capacity_factor", "drop_path_rate", "ep_size", "eval_capacity_factor"),
            *("laux_allreduce", "moe_coeff_ratio", "moe_config", "moe_intermediate_size", "moe_output_scale"),
            *("noisy_gate_policy", "num_experts", "num_routed_experts", "num_shared_experts", "use_flash_attn"),
            *("shared_expert_intermediate_size", "use_residual", "use_rts", "use_weighted_residual", "output_act"),
        ),
    ),
    "jamba": _family(
        state_space.jamba,
        "JambaForCausalLM",
        assumed={"sliding_window": ()},
        without_structure=("num_logits_to_keep", "use_mamba_kernels", "calc_logits_for_entire_prompt"),
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
    "kimi_vl": _family(
        images.kimi_vl,
        "KimiVLForConditionalGeneration",
        without_structure=(*_DEEPSEEK, *_IMAGE_TOKENS, "media_placeholder_token_id", "vocab_size"),
    ),
    "lfm2": _family(hybrid.lfm2, "Lfm2ForCausalLM", without_structure=_LFM2),
    "lfm2_moe": _family(hybrid.lfm2_moe, "Lfm2MoeForCausalLM", without_structure=(*_LFM2, "routed_scaling_factor")),
    "lfm2_vl": _family(
        images.lfm2_vl,
        "Lfm2VlForConditionalGeneration",
        without_structure=(
            *(*_IMAGE_TOKENS, "do_image_splitting", "encoder_patch_size", "max_image_tokens", "max_pixels_tolerance"),
            *("max_tiles", "min_image_tokens", "min_tiles", "projector_hidden_act", "tile_size", "use_thumbnail"),
            *("use_image_special_tokens", "vision_use_head", "vision_feature_select_strategy"),
        ),
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
    "llava": _family(images.llava, "LlavaForConditionalGeneration", without_structure=(*_IMAGE_TOKENS, *_LLAVA)),
    "llava_next": _family(
        images.llava, "LlavaNextForConditionalGeneration", without_structure=(*_IMAGE_TOKENS, *_LLAVA)
    ),
    "llava_onevision": _family(
        images.llava, "LlavaOnevisionForConditionalGeneration", without_structure=(*_IMAGE_TOKENS, *_LLAVA)
    ),
    "longcat_flash": _family(
        shared_experts.longcat_flash,
        "LongcatFlashForCausalLM",
        assumed={"attention_method": ("MLA",), "router_bias": (False,), "zero_expert_type": ("identity",)},
        without_structure=(
            *(*_DEEPSEEK, "mla_scale_kv_lora", "mla_scale_q_lora", "num_hidden_layers", "intermediate_size"),
            "num_nextn_predict_layers",
        ),
    ),
    "mamba": _family(
        state_space.mamba,
        "MambaForCausalLM",
        assumed={"ssm_cfg": ({},)},
        without_structure=(*_MAMBA, "d_inner", "d_model", "fused_add_norm", "n_layer", "rms_norm"),
    ),
    "mamba2": _family(
        state_space.mamba_2, "Mamba2ForCausalLM", without_structure=(*_MAMBA, "chunk_size", "expand", "rms_norm")
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
    "minicpm": _family(
        parallel.minicpm,
        "MiniCPMForCausalLM",
        assumed={"num_experts": (0,)},
        without_structure=("dim_model_base", "scale_depth", "scale_emb", "mup_denominator", "scale_width"),
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
    "ministral3": _family(dense.mistral, "Ministral3ForCausalLM"),
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
    "olmo": _family(parallel.olmo, "OlmoForCausalLM", without_structure=("clip_qkv",)),
    "olmo2": _family(parallel.olmo2, "Olmo2ForCausalLM"),
    "olmo3": _family(parallel.olmo3, "Olmo3ForCausalLM"),
    "olmoe": _family(shared_experts.olmoe, "OlmoeForCausalLM", without_structure=("clip_qkv",)),
    "opt": _family(older.opt, "OPTForCausalLM"),
    "paligemma": _family(
        images.paligemma,
        "PaliGemmaForConditionalGeneration",
        assumed={"tie_word_embeddings": (True,)},
        without_structure=(
            *(*_IMAGE_TOKENS, "hidden_size", "num_hidden_layers", "num_image_tokens", "num_positions"),
            *("projection_dim", "projector_hidden_act", "vision_use_head", "vocab_size"),
        ),
    ),
    "phi": _family(parallel.phi, "PhiForCausalLM", assumed={"qk_layernorm": (False,)}),
    "phi3": _family(
        dense.mistral,
        "Phi3ForCausalLM",
        assumed={"lm_head_bias": (False,), "full_attn_mod": (1,)},
        without_structure=("interpolate_factor",),
    ),
    "phi3_v": _family(
        images.phi3_v,
        "Phi3VForCausalLM",
        without_structure=(
            *("hd_transform_order", "with_learnable_separator", "embedding_cls", "model_name", "num_img_tokens"),
            *("layer_idx", "type_feature"),
        ),
    ),
    "phi4mm": _family(
        images.phi4mm,
        "Phi4MMForCausalLM",
        assumed={"lm_head_bias": (False,), "full_attn_mod": (1,), "img_processor": ()},
        without_structure=(
            *("audio_embd_layer", "image_embd_layer", "interpolate_factor", "speech_lora", "vision_lora", "name"),
            *("activation", "activation_checkpointing", "causal", "chunk_size", "conv_activation", "conv_glu_type"),
            *("encoder_embedding_config", "left_chunk", "type"),
        ),
    ),
    "phimoe": _family(
        shared_experts.phi_moe, "PhiMoEForCausalLM", without_structure=("input_jitter_noise", "router_jitter_noise")
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
    "qwen2_5_omni": _family(
        sound.qwen2_5_omni,
        *("Qwen2_5OmniModel", "Qwen2_5OmniForConditionalGeneration"),
        without_structure=(*_QWEN_VISION, *_QWEN_OMNI, *_WINDOWS_OF_IMAGES),
    ),
    "qwen2_5_vl": _family(
        multimodal.qwen2_5_vl,
        "Qwen2_5_VLForConditionalGeneration",
        without_structure=(
            *(*_QWEN_VISION, "fullatt_block_indexes", "spatial_patch_size", "tokens_per_second", "window_size"),
        ),
    ),
    "qwen2_audio": _family(
        sound.qwen2_audio,
        "Qwen2AudioForConditionalGeneration",
        assumed={"text_config.use_mrope": (False,)},
        without_structure=(*_WHISPER, "audio_token_index", "ignore_index", "vocab_size"),
    ),
    "qwen2_moe": _family(mixtures.qwen2_moe, "Qwen2MoeForCausalLM", without_structure=("intermediate_size",)),
    "qwen2_vl": _family(
        images.qwen2_vl,
        "Qwen2VLForConditionalGeneration",
        without_structure=(*_QWEN_VISION, "spatial_patch_size"),
    ),
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
    "qwen3_5_moe_text": _family(
        hybrid.qwen3_5_text,
        "Qwen3_5MoeForCausalLM",
        without_structure=("mtp_use_dedicated_embeddings", "output_gate_type", "intermediate_size", "mrope_section"),
    ),
    "qwen3_5_text": _family(
        hybrid.qwen3_5_text,
        "Qwen3_5ForCausalLM",
        without_structure=("mlp_only_layers", "mtp_use_dedicated_embeddings", "output_gate_type", "mrope_section"),
    ),
    "qwen3_moe": _family(
        mixtures.qwen3_moe,
        "Qwen3MoeForCausalLM",
        assumed={"qkv_bias": (False,), "use_qk_norm": (True,)},
        without_structure=("intermediate_size",),  # the width of dense layers, if there are any
    ),
    "qwen3_next": _family(hybrid.qwen3_next, "Qwen3NextForCausalLM", without_structure=("intermediate_size",)),
    "qwen3_omni_moe": _family(
        sound.qwen3_omni_moe,
        "Qwen3OmniMoeForConditionalGeneration",
        assumed={"thinker_config.text_config.use_qk_norm": (True,)},
        without_structure=(*_QWEN_VISION, *_QWEN_OMNI, *_WINDOWS_OF_IMAGES, "intermediate_size"),
    ),
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
    "smollm3": _family(
        parallel.smollm3,
        "SmolLM3ForCausalLM",
        without_structure=("max_window_layers", "no_rope_layer_interval", "no_rope_layers"),
    ),
    "smolvlm": _family(
        images.idefics3, "SmolVLMForConditionalGeneration", without_structure=(*_IMAGE_TOKENS, *_IDEFICS)
    ),
    "stablelm": _family(
        parallel.stablelm,
        "StableLmForCausalLM",
        # The engine builds both norms of a layer, and no norms of queries and keys (models/stablelm.py).
        without_structure=("qk_layernorm", "use_parallel_residual", "rope_pct", "norm_eps"),
    ),
    "starcoder2": _family(
        dense.starcoder2, "Starcoder2ForCausalLM", assumed={"mlp_type": ("default",), "norm_type": ("layer_norm",)}
    ),
    "step3p5": _family(
        shared_experts.step3p5,
        "Step3p5ForCausalLM",
        assumed={"att_impl_type": ("GQA",), "sink": (False,), "use_moe": (True,), "use_mfa": (False,)},
        without_structure=(
            *(*_ROUTING, "max_seq_len", "moe_router_activation", "moe_router_scaling_factor", "need_fp32_gate"),
            *("num_nextn_predict_layers", "partial_rotary_factors", "swiglu_limits", "swiglu_limits_shared"),
            *("use_rope_layers", "yarn_only_types", "zero_centered", "attention_type", "true_head_dim"),
            *("moe_every_n_layer", "moe_layer_offset"),
        ),
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
