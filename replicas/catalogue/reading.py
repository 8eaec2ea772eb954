"""Reads a model's `config.json`. A model is sized only if every field is understood.

A field is understood if the family's formula has read it, if its value is the only one that the formula supports, or if
it does not change the structure of the model (`WITHOUT_STRUCTURE`). Any other field could describe a layer, a tower or
a head that the formula does not count. The error message names such a field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from replicas.catalogue import data
from replicas.catalogue.architecture import Architecture
from replicas.catalogue.context import scaling_type
from replicas.catalogue.families import FAMILIES, Family
from replicas.catalogue.fields import Config, FieldError, Fields

BY_HAND = "declare its sizes by hand with weights_gib= and kv_bytes_per_token="

WITHOUT_STRUCTURE = frozenset(
    {
        # Metadata of the file.
        *("architectures", "auto_map", "license", "model_name", "model_type", "transformers_version"),
        *("finetuning_task", "keys_to_ignore_at_inference", "max_sequence_length", "model_max_length"),
        *("transformers.js_config", "unsloth_fixed", "unsloth_version", "is_llama_config"),
        # Precision of the stored weights: engines load them at two bytes. Quantization is read by `quantization.py`.
        *("compression_config", "dtype", "quantization_config", "torch_dtype"),
        # Special tokens of the vocabulary.
        *("bad_words_ids", "begin_suppress_tokens", "bos_token_id", "cls_token_id", "decoder_start_token_id"),
        *("eos_token_id", "forced_bos_token_id", "forced_eos_token_id", "mask_token_id", "pad_token_id"),
        *("prefix", "sep_token_id", "suppress_tokens", "tokenizer_class", "unk_token_id"),
        # Defaults of generation.
        *("diversity_penalty", "do_sample", "early_stopping", "encoder_no_repeat_ngram_size"),
        *("exponential_decay_length_penalty", "length_penalty", "max_length", "min_length", "no_repeat_ngram_size"),
        *("num_beam_groups", "num_beams", "num_return_sequences", "output_scores", "remove_invalid_values"),
        *("repetition_penalty", "return_dict_in_generate", "task_specific_params", "temperature", "top_k", "top_p"),
        *("typical_p", "cache_implementation", "use_cache", "use_return_dict"),
        # Training.
        *("attention_dropout", "attn_pdrop", "classifier_dropout", "dropout", "dropout_rate", "embd_pdrop"),
        *("embedding_dropout", "gradient_checkpointing", "hidden_dropout", "initializer_factor", "initializer_range"),
        *("activation_dropout", "attention_probs_dropout_prob", "decoder_layerdrop", "embed_dropout", "init_std"),
        *("encoder_layerdrop", "hidden_dropout_prob", "layerdrop", "output_dropout", "output_past"),
        *("output_attentions", "output_hidden_states", "output_router_logits", "pretraining_tp", "resid_pdrop"),
        *("residual_dropout", "return_dict", "router_aux_loss_coef", "router_jitter_noise", "tf_legacy_loss"),
        *("torchscript", "use_bfloat16"),
        # Constants of a computation, which have no weights: norms, activations, rotary positions, soft caps, routing.
        *("activation_function", "attn_logit_softcapping", "final_logit_softcapping", "hidden_act"),
        *("hidden_activation", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_topk_prob"),
        *("original_max_position_embeddings", "partial_rotary_factor", "query_pre_attn_scalar", "rms_norm_eps"),
        *("rope_interleaved", "rope_parameters", "rope_scaling", "rope_theta", "rope_type"),
    }
)
"""Fields that change neither the parameters nor the cache of any family."""

_ASSUMED: Mapping[str, tuple[Any, ...]] = {
    "add_cross_attention": (False,),
    "chunk_size_feed_forward": (0,),
    "is_decoder": (False, True),
    "is_encoder_decoder": (False,),
    "pruned_heads": ({},),
    "tie_encoder_decoder": (False,),
}
"""The only values of some fields that formulas support, unless a family supports others."""

_LABELS = frozenset({"id2label", "label2id", "num_labels", "problem_type"})
"""Fields of a classification head. Language models have them too, with default values, so `architectures` decides
whether the model has such a head."""

_STRUCTURE = {
    "audio_config": "an audio tower",
    "conv_L_cache": "convolutions in place of attention",
    "embd_layer": "an embedding of images",
    "img_processor": "a vision tower",
    "kv_lora_rank": "latent attention",
    "layer_types": "mixed layers",
    "moe_num_experts": "experts in a special layout",
    "n_routed_experts": "experts in a special layout",
    "num_experts": "experts in a special layout",
    "num_local_experts": "experts in a special layout",
    "num_nextn_predict_layers": "layers that predict several tokens",
    "linear_num_key_heads": "linear attention",
    "mamba_d_state": "state space layers",
    "sliding_window": "windows of attention",
    "sliding_window_pattern": "windows of attention",
    "ssm_state_size": "state space layers",
    "state_size": "state space layers",
    "text_config": "a language model in addition to a tower",
    "type_vocab_size": "an encoder",
    "vision_config": "a vision tower",
}
"""Structures that a field name reveals, by field."""

_HEADS = {
    "ForConditionalGeneration": "a model with an encoder or a tower",
    "ForMaskedLM": "an encoder",
    "ForQuestionAnswering": "a head for question answering",
    "ForRewardModel": "a reward head",
    "ForSequenceClassification": "a classification head: a reranker or a classifier",
    "ForTokenClassification": "a classification head",
    "Model": "no language-model head: an embedding model",
}


def read_config(config: Config) -> Architecture:
    """Return the architecture that a Hugging Face `config.json` describes.

    Raises:
        ValueError: the family has no formula, a field could describe parts that the formula does not count, or a
            field is missing or is not a positive integer.

    """
    model_type = str(config.get("model_type", ""))
    if not model_type:
        raise ValueError(f"config.json cannot be sized: it lacks the field 'model_type': {BY_HAND}")
    family = FAMILIES.get(model_type)
    if family is None:
        raise ValueError(_unknown_family(config, model_type))
    fields = Fields(config)
    try:
        architecture = family.formula(fields)
    except KeyError as missing:
        raise ValueError(
            f"config.json of model_type {model_type!r} lacks the field {missing.args[0]!r}, which sizing needs: "
            "download the repository's config.json again"
        ) from None
    except (AttributeError, IndexError, OverflowError, TypeError, ZeroDivisionError) as fault:
        raise ValueError(f"config.json of model_type {model_type!r} has a field of the wrong type: {fault}") from None
    except FieldError as fault:
        raise ValueError(f"config.json of model_type {model_type!r}: {fault}") from None
    except ValueError as fault:
        raise ValueError(f"model_type {model_type!r} cannot be sized: {fault}: {BY_HAND}") from None
    faults = [*_class_faults(config, family), *_field_faults(fields, family)]
    if faults:
        raise ValueError(f"model_type {model_type!r} cannot be sized: {'; '.join(faults)}: {BY_HAND}")
    declared = config.get("architectures")
    class_name = str(declared[0]) if declared else family.architectures[0]
    return replace(architecture, class_name=class_name, position_scaling=scaling_type(config))


def _class_faults(config: Config, family: Family) -> Iterator[str]:
    """Yield a problem for each class in `architectures` that the family's formula does not describe."""
    declared = config.get("architectures")
    if declared is None:
        return
    if not isinstance(declared, list) or not declared:
        yield f"architectures={str(declared)[:40]!r} names no class"
        return
    for name in map(str, declared):
        if name not in family.architectures:
            head = next((f" ({what})" for suffix, what in _HEADS.items() if name.endswith(suffix)), "")
            yield f"architectures names {name}{head}, not {' or '.join(sorted(family.architectures))}"


def _field_faults(fields: Fields, family: Family) -> Iterator[str]:
    """Yield problems with fields that the family's formula does not understand, in the file and nested configurations.

    A nested configuration of another family (a language model with a tower) is read by the formula of that family.
    """
    for part in _parts(fields):
        own = FAMILIES.get(str(part.value("model_type"))) if part.path else None
        named = {name.removeprefix(part.path): values for name, values in family.assumed.items()}
        assumed = {
            **_ASSUMED,
            **(own.assumed if own else {}),
            **{name: values for name, values in named.items() if "." not in name},
        }
        understood = {*part.looked_up, *family.without_structure, *(own.without_structure if own else ()), *assumed}
        if part.path or part.value("architectures"):
            understood |= _LABELS
        unread = [part.path + name for name in _unread(part, understood)]
        if unread:
            yield f"its config.json has {', '.join(map(_described, unread))}, which no sizing formula reads"
        for name, values in assumed.items():
            value = part.value(name)
            if value is not None and name not in part.looked_up and not any(_same(value, known) for known in values):
                sized = f"; supported: {' and '.join(map(str, values))}" if values else ", which is not supported"
                yield f"its config.json has {part.path}{name}={str(value)[:40]}{sized}"


def _parts(fields: Fields) -> Iterator[Fields]:
    """Yield the file and the nested configurations that were read."""
    yield fields
    for part in fields.within.values():
        yield from _parts(part)


def _same(value: Any, known: Any) -> bool:
    return type(value) is type(known) and bool(value == known)


def _unread(config: Fields, understood: set[str]) -> list[str]:
    """Return the fields with a value that are not understood. Fields that begin with an underscore are left out:
    libraries write notes in them.
    """
    return sorted(
        name
        for name in config
        if config.value(name) is not None
        and name not in understood
        and name not in WITHOUT_STRUCTURE
        and not name.startswith("_")
    )


def _described(name: str) -> str:
    last = name.rsplit(".", 1)[-1]
    return f"{name} ({_STRUCTURE[last]})" if last in _STRUCTURE else name


_DECODER = frozenset(
    {
        *("attention_bias", "head_dim", "hidden_size", "intermediate_size", "max_position_embeddings", "mlp_bias"),
        *("num_attention_heads", "num_hidden_layers", "num_key_value_heads", "tie_word_embeddings", "vocab_size"),
    }
)
"""Fields that every dense decoder has. They do not show what is special about an unknown family."""


def _unknown_family(config: Config, model_type: str) -> str:
    """Return the error message for a family without a formula. It names the fields that describe the structure."""
    reasons = (
        [f"its config.json has {', '.join(map(_described, unread))}"]
        if (unread := _unread(Fields(config), {*_DECODER, *_ASSUMED, *_LABELS}))
        else []
    )
    declared = config.get("architectures")
    for name in map(str, declared if isinstance(declared, list) else []):
        reasons += [f"architectures names {name} ({what})" for suffix, what in _HEADS.items() if name.endswith(suffix)]
        reasons.append(served_by(name))
    because = f" ({'; '.join(reasons)})" if reasons else ""
    return (
        f"model_type {model_type!r} cannot be sized: no sizing formula is known for this family{because}. "
        f"Families that can be sized: {', '.join(sorted(FAMILIES))}; or {BY_HAND}"
    )


def served_by(class_name: str) -> str:
    """Return a sentence that names the engines and versions that serve a class that cannot be sized."""
    table = data.load("served")
    spans = table["classes"].get(class_name, {})
    if not spans:
        read = " and ".join(f"{engine} {first} to {last}" for engine, (first, last) in table["read"].items())
        return f"no version of {read} has {class_name}"
    return f"{class_name} is served by {' and by '.join(_versions(engine, *span) for engine, span in spans.items())}"


def _versions(engine: str, first: str | None, last: str | None) -> str:
    if first is None:
        return engine if last is None else f"{engine} up to {last}"
    return f"{engine} {first} and later" if last is None else f"{engine} {first} to {last}"
