"""Patches that allow a CPU to build models whose kernels need a GPU. No patch changes the size of a model.

Every patch that takes effect is recorded with the results.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import torch
from transformers import AutoConfig, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CLASSES
from vllm.model_executor.layers.fused_moe import config as moe_config
from vllm.model_executor.layers.fused_moe.oracle import unquantized
from vllm.platforms import current_platform
from vllm.transformers_utils.config import _CONFIG_REGISTRY
from vllm.transformers_utils.configs.minimax_m3 import MiniMaxM3TextConfig
from vllm.v1.attention.backends.registry import AttentionBackendEnum

_CLASSES = {
    "t5": "T5ForConditionalGeneration",
    "RefinedWebModel": "FalconForCausalLM",
    "RefinedWeb": "FalconForCausalLM",
}
_ARCHITECTURES = {
    "MiniMaxM3ForCausalLM": ("MiniMaxM3SparseForCausalLM", "minimax_m3_text"),
    "Step3p7FlashForCausalLM": ("Step3p5ForCausalLM", "step3p5"),
}
"""Architecture names in shortened configs, with the architecture and the model type that the engine knows."""
_WITHOUT_SIZES: dict[str, dict[str, Any]] = {
    "deepseek_ref": {
        "model_type": "deepseek_v4",
        "hidden_act": "silu",
        "norm_topk_prob": True,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000,
        "routed_scaling_factor": 1.5,
        "swiglu_limit": 10.0,
        "tie_word_embeddings": False,
    },
    "mimo": {"model_type": "qwen2"},
}
"""Fields that shortened configs lack and that do not affect the size, by model type."""
_STEP_FIELDS = {
    "num_key_value_heads": "num_attention_groups",
    "num_experts": "moe_num_experts",
    "num_experts_per_tok": "moe_top_k",
}


class _NasConfig(PreTrainedConfig):  # type: ignore[misc, unused-ignore]
    """Replaces the config class that is shipped with models of the type `nemotron-nas`."""

    model_type = "nemotron-nas"

    def __init__(self, block_configs: Any = (), **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        super().__init__(**fields)
        for name, value in fields.items():
            setattr(self, name, value)
        self.block_configs = [_namespace(block) for block in block_configs]

    def to_dict(self) -> dict[str, Any]:
        document: dict[str, Any] = super().to_dict()
        document.pop("block_configs", None)
        return document


def _plain_config(kind: str) -> type:
    """Return a config class without defaults, in place of a class that repositories ship with their models."""

    class _PlainConfig(PreTrainedConfig):  # type: ignore[misc, unused-ignore]
        model_type = kind

        def __init__(self, **fields: Any) -> None:
            nested = {name: _nested(value) for name, value in fields.items()}
            if "num_layers" in nested:
                nested.setdefault("num_hidden_layers", nested["num_layers"])
            for name, value in nested.items():
                object.__setattr__(self, name, value)
            super().__init__(**fields)
            for name, value in nested.items():
                setattr(self, name, value)

    return _PlainConfig


def _nested(value: Any) -> Any:
    """Return the config object of a nested config; other values as they are."""
    kind = value.get("model_type") if isinstance(value, dict) else None
    return AutoConfig.for_model(**value) if kind in CONFIG_MAPPING else value


def _namespace(value: Any) -> Any:
    if isinstance(value, dict):
        return SimpleNamespace(**{name: _namespace(entry) for name, entry in value.items()})
    return value


def config_for_engine(config: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a config that the engine can read, and a list of the changes."""
    config = _without_quantization(config)
    changes = []
    architecture, kind = next(iter(config.get("architectures") or [""])), str(config.get("model_type"))
    if not architecture:
        config["architectures"] = [_CLASSES.get(kind) or CLASSES[kind]]
    if architecture in _ARCHITECTURES:
        config["architectures"], config["model_type"] = (
            [_ARCHITECTURES[architecture][0]],
            _ARCHITECTURES[architecture][1],
        )
        changes.append(f"architecture {architecture} is read as {_ARCHITECTURES[architecture][0]}")
    if kind in _WITHOUT_SIZES:
        config |= _WITHOUT_SIZES[kind]
        changes.append(f"model type {kind} is read as {config['model_type']}")
    if kind not in {*CONFIG_MAPPING, *_CONFIG_REGISTRY, *_WITHOUT_SIZES, "nemotron-nas"}:
        AutoConfig.register(kind, _plain_config(kind), exist_ok=True)
        config.pop("auto_map", None)
        changes.append("the config class that comes with the model is replaced")
    if kind == "nemotron-nas":
        config.pop("auto_map")
        changes.append("the config class that comes with the model is replaced")
    if architecture == "Step3p7FlashForCausalLM":
        config |= {new: config.pop(old) for old, new in _STEP_FIELDS.items()}
        layers = range(config["first_k_dense_replace"], config["num_hidden_layers"])
        config |= {"moe_layers_enum": ",".join(map(str, layers)), "rms_norm_eps": 1e-5, "rope_theta": 10000.0}
        changes.append(
            "the config does not state the number of heads of windowed layers: the number of full layers is used"
        )
    return config, changes


def _without_quantization(config: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_quantization(value) if isinstance(value, dict) else value
        for name, value in config.items()
        if name != "quantization_config"
    }


class _Idle:
    """Replaces CUDA streams and events."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass


def patch_platform() -> list[str]:
    """Patch the engine so that classes without CPU kernels can be built.

    Return the list to which each patch appends a line when it takes effect.
    """
    changes: list[str] = []
    AutoConfig.register("minimax_m3_text", MiniMaxM3TextConfig, exist_ok=True)
    AutoConfig.register("nemotron-nas", _NasConfig, exist_ok=True)
    torch.cuda.Event = torch.cuda.Stream = _Idle  # type: ignore[misc, assignment, unused-ignore]
    torch.accelerator.empty_cache = lambda: None  # type: ignore[assignment, unused-ignore]
    _patch_attention(changes)
    _patch_experts(changes)
    _patch_moves()
    return changes


def _patch_attention(changes: list[str]) -> None:
    platform = type(current_platform)
    choose = platform.get_attn_backend_cls.__func__

    def chosen(cls: Any, selected_backend: Any, attn_selector_config: Any, num_heads: int | None = None) -> Any:
        if not attn_selector_config.use_sparse:
            return choose(cls, selected_backend, attn_selector_config, num_heads)
        changes.append("sparse attention has the backend FLASHMLA_SPARSE, which needs CUDA")
        return AttentionBackendEnum.FLASHMLA_SPARSE.get_path()

    platform.get_attn_backend_cls = classmethod(chosen)


def _patch_experts(changes: list[str]) -> None:
    check = moe_config.FusedMoEConfig.__post_init__

    def checked(settings: Any) -> None:
        try:
            check(settings)
        except NotImplementedError:
            changes.append("experts without a gate are accepted, although their kernels need a GPU")

    select = unquantized.select_unquantized_moe_backend

    def selected(moe_config: Any) -> Any:
        try:
            return select(moe_config)
        except (NotImplementedError, ValueError):
            changes.append("experts have the backend TRITON, which needs a GPU")
            triton = unquantized.UnquantizedMoeBackend.TRITON
            return triton, unquantized.backend_to_kernel_cls(triton)[0]

    moe_config.FusedMoEConfig.__post_init__ = checked
    for module in list(sys.modules.values()):
        if getattr(module, "select_unquantized_moe_backend", None) is select:
            module.select_unquantized_moe_backend = selected  # type: ignore[attr-defined, unused-ignore]


def _patch_moves() -> None:
    """Keep modules on the meta device if the model tries to move them to another device."""
    move = torch.nn.Module.to

    def moved(module: Any, *arguments: Any, **options: Any) -> Any:
        if any(parameter.is_meta for parameter in module.parameters()):
            return module
        return move(module, *arguments, **options)

    torch.nn.Module.to = moved  # type: ignore[method-assign, unused-ignore]
