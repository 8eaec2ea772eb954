"""How a checkpoint is quantized: read where its publisher writes it.

Transformers, GPTQ, AWQ and compressed-tensors write `quantization_config` into `config.json`; NVIDIA's modelopt writes
`hf_quant_config.json` beside it. Engines look in this order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from replicas.catalogue.quantization import METHODS, Quantization, stored

_BESIDE = "hf_quant_config.json"
_CONFIG = "config.json"

_ALWAYS_WHOLE = re.compile(r"(lm_head|embed_tokens|norm|\bgate|\brouter|e_score_correction_bias)(\.weight)?\W*$")
"""Parts that no quantization shrinks here: the output head, embeddings, norms and routers."""

_WORDS: Mapping[str, tuple[str, ...]] = {
    "nvfp4": ("nvfp4",),
    "mxfp4": ("mxfp4",),
    "awq": ("awq", "compressed-tensors"),
    "gptq": ("gptq", "compressed-tensors"),
    "fp8": ("fp8", "compressed-tensors"),
    "int4": ("awq", "gptq", "compressed-tensors", "bitsandbytes-nf4"),
    "int8": ("awq", "gptq", "compressed-tensors", "bitsandbytes"),
    "w4a16": ("awq", "gptq", "compressed-tensors"),
    "w8a8": ("compressed-tensors", "fp8"),
    "w8a16": ("gptq", "compressed-tensors"),
}
"""Words in the names of repositories, and the methods that they can mean."""


def read_quantization(config: Mapping[str, Any], unquantized: Iterable[str] = ()) -> Quantization | None:
    """Return the quantization that a `config.json` declares; None if it declares none.

    Args:
        config: the content of the file, or of `hf_quant_config.json`.
        unquantized: parts of a layer that the family's formula counts at full precision.

    Raises:
        ValueError: the memory of the method is not known, or it leaves parts of the model unquantized that are not
            counted apart.

    """
    declared = _declared(config)
    if not declared:
        return None
    try:
        return _read(declared, tuple(unquantized))
    except (AttributeError, IndexError, TypeError, KeyError, OverflowError):
        raise ValueError(f"quantization_config cannot be read: {str(declared)[:80]}") from None


def quantization_beside(file: Path) -> Mapping[str, Any] | None:
    """Return the content of the `hf_quant_config.json` that belongs to a `config.json` (`X_hf_quant_config.json` to
    `X_config.json`); None if there is none.

    Raises:
        ValueError: the file is not a JSON object.

    """
    if not file.name.endswith(_CONFIG):
        return None
    beside = file.with_name(file.name.removesuffix(_CONFIG) + _BESIDE)
    try:
        content = json.loads(beside.read_bytes())
    except OSError:
        return None
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"{beside} is not JSON: {fault}") from None
    if not isinstance(content, dict) or not isinstance(content.get("quantization"), dict):
        raise ValueError(f"{beside} declares no quantization: it holds no object of that name")
    return content


def contradiction(name: str, quantization: Quantization | None) -> str | None:
    """Return the sentence that a repository's name says another quantization than its files; None if it does not."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    for word, methods in _WORDS.items():
        if word in words and (quantization is None or quantization.method not in methods):
            declared = f"declares {quantization}" if quantization else "declares no quantization"
            return (
                f"{name}: its name says {word.upper()} and its config.json {declared}, by which it is sized: "
                f"put the repository's {_BESIDE} beside it, or declare weights_gib= by hand"
            )
    return None


def _declared(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the declaration, wherever the file has it."""
    text = config.get("text_config")
    places = (config, text if isinstance(text, Mapping) else {})
    for place in places:
        for name in ("quantization_config", "compression_config"):
            if place.get(name):
                declared: Mapping[str, Any] = place[name]
                return declared
    beside = config.get("quantization")
    if isinstance(beside, Mapping) and "quant_algo" in beside:
        return {"quant_method": "modelopt", **beside}
    return None


def _read(declared: Mapping[str, Any], unquantized: tuple[str, ...]) -> Quantization:
    method = str(declared.get("quant_method", "") or "")
    if not method and "quant_algo" in declared:
        method = "modelopt"
    quantization = _of_method(method, declared)
    for name in ("modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules", "llm_int8_skip_modules"):
        apart = [
            part
            for part in map(str, declared.get(name) or ())
            if not _ALWAYS_WHOLE.search(part) and not any(known in part for known in unquantized)
        ]
        if apart:
            others = f" and {len(apart) - 1} more" if len(apart) > 1 else ""
            raise ValueError(
                f"quantization_config.{name} leaves {apart[0]}{others} unquantized, which is not counted apart here"
            )
    return quantization


def _of_method(method: str, declared: Mapping[str, Any]) -> Quantization:
    if method in ("gptq", "awq"):
        if declared.get("dynamic"):
            raise ValueError("quantization_config.dynamic gives layers different bits, which cannot be sized")
        return stored(method, _whole(declared, "bits", 4), _whole(declared, "group_size", 128))
    if method == "fp8":
        block = declared.get("weight_block_size")
        return stored("fp8", 8, -1, _block(block) if block else None)
    if method == "mxfp4":
        return METHODS["mxfp4"]
    if method == "bitsandbytes":
        return METHODS["bitsandbytes-nf4" if declared.get("load_in_4bit") else "bitsandbytes"]
    if method == "compressed-tensors":
        return _compressed_tensors(declared)
    if method.startswith("modelopt"):
        return _modelopt(declared)
    raise ValueError(f"quantization_config.quant_method {method!r} cannot be sized; known: {', '.join(METHODS)}")


def _compressed_tensors(declared: Mapping[str, Any]) -> Quantization:
    if declared.get("sparsity_config"):
        raise ValueError("quantization_config.sparsity_config cannot be sized: sparse weights")
    groups = list((declared.get("config_groups") or {}).values()) or [{}]
    weights = [group.get("weights") or {} for group in groups]
    if any(other != weights[0] for other in weights):
        raise ValueError("quantization_config.config_groups gives layers different weights, which cannot be sized")
    targets = sorted({str(target) for group in groups for target in group.get("targets") or ["Linear"]} - {"Linear"})
    if targets:
        raise ValueError(f"quantization_config quantizes {targets[0]} alone, which is not counted apart here")
    first, layout = weights[0], str(declared.get("format", ""))
    bits = _whole(first, "num_bits", 8)
    if first.get("type") == "float" and bits < 8:
        if layout and not layout.startswith("nvfp4"):
            raise ValueError(f"quantization_config.format {layout!r} cannot be sized")
        return METHODS["nvfp4"]
    group_size = _whole(first, "group_size", -1) if first.get("group_size") is not None else -1
    block = _block(first["block_structure"]) if first.get("block_structure") else None
    read = stored("compressed-tensors", bits, group_size, block)
    whole_numbers = first.get("type", "int") == "int" and all(not group.get("input_activations") for group in groups)
    return replace(read, packed=whole_numbers)


def _modelopt(declared: Mapping[str, Any]) -> Quantization:
    algorithm = str(declared.get("quant_algo") or "").upper()
    if algorithm in ("FP8", "FP8_PER_CHANNEL_PER_TOKEN"):
        return METHODS["fp8"]
    if algorithm in ("NVFP4", "W4A16_NVFP4"):
        if _whole(declared, "group_size", 16) != 16:
            raise ValueError(f"quantization.group_size={declared['group_size']} of NVFP4 cannot be sized; known: 16")
        return METHODS["nvfp4"]
    raise ValueError(f"modelopt's quant_algo {algorithm!r} cannot be sized; known: FP8, NVFP4")


def _whole(declared: Mapping[str, Any], field: str, default: int) -> int:
    value = declared.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or (value < 1 and value != -1):
        raise ValueError(f"quantization_config.{field} is no count: {str(value)[:40]!r}")
    return value


def _block(value: Any) -> list[int]:
    """Return the rows and columns of a block."""
    if not (isinstance(value, list) and len(value) == 2 and all(type(side) is int and side > 0 for side in value)):
        raise ValueError(f"quantization_config: a block has rows and columns, not {str(value)[:40]!r}")
    return value
