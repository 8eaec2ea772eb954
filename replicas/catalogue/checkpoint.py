"""Reads the quantization of a checkpoint from the files of its repository.

Transformers, GPTQ, AWQ and compressed-tensors write `quantization_config` into `config.json`; NVIDIA's modelopt writes
`hf_quant_config.json` next to it. Engines look for `quantization_config` first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from replicas.catalogue.json_files import read_object
from replicas.catalogue.quantization import METHODS, ROUTED_EXPERTS, Modules, Quantization, modules, stored

CacheFormat = Literal["fp8", "nvfp4"]
_CACHE_FORMATS: Mapping[str, CacheFormat] = {"FP8": "fp8", "NVFP4": "nvfp4"}

_BESIDE = "hf_quant_config.json"
_CONFIG = "config.json"

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


def read_quantization(config: Mapping[str, Any]) -> Quantization | None:
    """Return the quantization that a `config.json` declares; None if it declares none.

    Args:
        config: the content of the file, or of `hf_quant_config.json`.

    Raises:
        ValueError: the size of weights in the declared format is not known.

    """
    declared = _declared(config)
    if not declared:
        return None
    try:
        return _with_expert_format(_read(declared), config, declared)
    except (AttributeError, IndexError, TypeError, KeyError, OverflowError, re.error):
        raise ValueError(
            f"quantization_config cannot be read: {str(declared)[:80]}: it must be an object with a quant_method, as "
            "in the repository's config.json"
        ) from None


@dataclass(frozen=True)
class CacheRequest:
    """A checkpoint's request for a KV cache in a different format than the activations."""

    method: str
    """Quantization method of the checkpoint that requests it: `modelopt` or `compressed-tensors`."""
    format: CacheFormat


def cache_request(config: Mapping[str, Any]) -> CacheRequest | None:
    """Return the format of the KV cache that a checkpoint requests; None if it requests none.

    Args:
        config: the content of `config.json` or of `hf_quant_config.json`. In `config.json`, engines read only the
            outermost declaration.

    """
    outermost = {key: value for key, value in config.items() if key != "text_config"}
    declared = _declared(outermost) or {}
    method = str(declared.get("quant_method") or "")
    known = next((name for name in ("modelopt", "compressed-tensors") if method.startswith(name)), None)
    scheme = declared.get("kv_cache_scheme") or declared.get("kv_cache_quant_algo")
    requested: CacheFormat | None = None
    if not isinstance(scheme, Mapping):
        requested = _CACHE_FORMATS.get(str(scheme).upper())
    elif scheme.get("type") == "float":
        if scheme.get("num_bits") == 8 and not scheme.get("dynamic"):
            requested = "fp8"
        elif scheme.get("num_bits") == 4 and known == "modelopt":
            requested = "nvfp4"
    return CacheRequest(known, requested) if known and requested else None


def quantization_beside(file: Path) -> Mapping[str, Any] | None:
    """Return the content of the `hf_quant_config.json` in the folder of a `config.json`; None without such a file.

    The file that belongs to `X_config.json` is `X_hf_quant_config.json`.

    Raises:
        ValueError: the file is not a JSON object, or declares no quantization.

    """
    if not file.name.endswith(_CONFIG):
        return None
    sibling = file.with_name(file.name.removesuffix(_CONFIG) + _BESIDE)
    return quantization_file(sibling) if sibling.is_file() else None


def quantization_file(file: Path) -> Mapping[str, Any]:
    """Return the content of an `hf_quant_config.json`, given by its path or by the path of its folder.

    Raises:
        ValueError: the file cannot be read, is not a JSON object, or declares no quantization.

    """
    if file.is_dir():
        file /= _BESIDE
    content = read_object(file, _BESIDE)
    if not isinstance(content.get("quantization"), dict):
        raise ValueError(
            f"{file} is not a {_BESIDE}: it declares no quantization (an object `quantization` with `quant_algo`)"
        )
    return content


def contradiction(name: str, quantization: Quantization | None) -> str | None:
    """Return a warning if a repository's name and its files state different quantizations; otherwise None."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    for word, methods in _WORDS.items():
        if word in words and (quantization is None or not any(map(quantization.has, methods))):
            declared = f"declares {quantization}" if quantization else "declares no quantization"
            return (
                f"{name}: the name says {word.upper()}, but the config.json {declared} and decides the size: "
                f"put the repository's {_BESIDE} next to it, pass it as quant_config=, or declare weights_gib= by hand"
            )
    return None


def _declared(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the quantization declared in a `config.json`, from any of the fields that can hold it."""
    text = config.get("text_config")
    places = (config, text if isinstance(text, Mapping) else {})
    for place in places:
        for name in ("quantization_config", "compression_config"):
            if place.get(name):
                declared: Mapping[str, Any] = place[name]
                return declared
    nested = config.get("quantization")
    if isinstance(nested, Mapping) and "quant_algo" in nested:
        return {"quant_method": "modelopt", **nested}
    return None


_ALWAYS_KEPT = re.compile(r"(lm_head|embed_tokens|norm|\bgate|\brouter|e_score_correction_bias)(\.weight)?\W*$")
"""Modules that always stay at two bytes: the output head, embeddings, norms and routers."""

_KEPT: Mapping[str, tuple[str, ...]] = {
    "bitsandbytes": ("llm_int8_skip_modules",),
    "compressed-tensors": ("ignore",),
    "modelopt": ("exclude_modules", "ignore"),
}
"""Fields that list the modules that stay at two bytes, by quantization method."""
_KEPT_ELSEWHERE = ("modules_to_not_convert", "ignored_layers")


def _read(declared: Mapping[str, Any]) -> Quantization:
    method = str(declared.get("quant_method", "") or "")
    if not method and "quant_algo" in declared:
        method = "modelopt"
    fields = next((names for known, names in _KEPT.items() if method.startswith(known)), _KEPT_ELSEWHERE)
    unquantized = [str(name) for field in fields for name in declared.get(field) or ()]
    unquantized = [name for name in unquantized if not _ALWAYS_KEPT.search(name)]
    read = _of_method(method, declared)
    return replace(read, kept=(*read.kept, *modules(unquantized)))


def _of_method(method: str, declared: Mapping[str, Any]) -> Quantization:
    if method == "gptq":
        return _by_expression(_gptq(declared, stored(method, 4, 128)), declared)
    if method == "awq":
        return _integers(declared, stored(method, 4, 128), bits="w_bit", group_size="q_group_size")
    if method == "fp8":
        block = declared.get("weight_block_size")
        return stored("fp8", 8, -1, _block(block) if block else None)
    if method == "fbgemm_fp8":
        return METHODS["fp8"]
    if method == "mxfp4":
        return METHODS["mxfp4"]
    if method == "bitsandbytes":
        return METHODS["bitsandbytes-nf4" if declared.get("load_in_4bit") else "bitsandbytes"]
    if method == "compressed-tensors":
        return _compressed_tensors(declared)
    if method.startswith("modelopt"):
        return _modelopt(declared)
    known = ", ".join((*METHODS, "fbgemm_fp8", "modelopt"))
    raise ValueError(f"quantization_config.quant_method {method!r} cannot be sized; known: {known}")


_BITS = (2, 3, 4, 8)
"""Bits of a weight in GPTQ's and AWQ's formats (the engines' files quantization/gptq.py and awq.py)."""


def _integers(declared: Mapping[str, Any], base: Quantization, *, bits: str = "", group_size: str = "") -> Quantization:
    """Return a format with the declared bits and group size.

    The arguments `bits` and `group_size` name alternative fields. If `declared` has such a field, its value is used.
    """
    width = _whole(declared, bits if bits in declared else "bits", base.bits)
    if width not in _BITS:
        raise ValueError(f"quantization_config: weights of {width} bits cannot be sized; known: 2, 3, 4, 8")
    group = _whole(declared, group_size if group_size in declared else "group_size", base.group_size)
    return replace(base, bits=width, group_size=group)


def _gptq(declared: Mapping[str, Any], base: Quantization) -> Quantization:
    """Return the format of a GPTQ checkpoint. Without groups of weights, `desc_act` has no effect."""
    read = _integers(declared, base)
    is_ordered = bool(declared.get("desc_act", base.ordered)) and read.group_size != -1
    return replace(read, symmetric=bool(declared.get("sym", base.symmetric)), ordered=is_ordered)


def _by_expression(read: Quantization, declared: Mapping[str, Any]) -> Quantization:
    """Apply GPTQModel's `dynamic`: modules that match `-:expression` stay unquantized, and modules that match
    `+:expression` get their own bits and groups.
    """
    unquantized: list[Modules] = []
    apart: list[tuple[Modules, Quantization]] = []
    for expression, changed in (declared.get("dynamic") or {}).items():
        matched = Modules(expression.removeprefix("-:").removeprefix("+:"))
        if expression.startswith("-:"):
            unquantized.append(matched)
        else:
            apart.append((matched, _gptq(changed, read)))
    return replace(read, kept=tuple(unquantized), apart=tuple(apart))


def _with_expert_format(read: Quantization, config: Mapping[str, Any], declared: Mapping[str, Any]) -> Quantization:
    """Add the format of the routed experts if it differs from the declared format (DeepSeek V4)."""
    algorithm = str(declared.get("moe_quant_algo") or "").upper()
    if algorithm:
        own = _algorithm(algorithm, declared)
    elif config.get("expert_dtype", "fp4" if config.get("model_type") == "deepseek_v4" else None) == "fp4":
        own = replace(METHODS["mxfp4"], only=())
    else:
        return read
    return replace(read, apart=(*((expert_modules, own) for expert_modules in ROUTED_EXPERTS), *read.apart))


def _compressed_tensors(declared: Mapping[str, Any]) -> Quantization:
    if declared.get("sparsity_config"):
        raise ValueError("quantization_config.sparsity_config declares sparse weights, whose size is not known")
    layout = str(declared.get("format", ""))
    groups = list((declared.get("config_groups") or {}).values())
    if not groups:
        raise ValueError("quantization_config.config_groups is missing or empty, and sizing needs it")
    read = [(_targets(group), _compressed_group(group, str(group.get("format") or layout))) for group in groups]
    everywhere = [format_ for targets, format_ in read if not targets]
    main = everywhere[0] if everywhere else replace(read[0][1], only=read[0][0])
    apart = [(matched, format_) for targets, format_ in read for matched in targets if format_ != main or everywhere]
    if not everywhere:
        apart = [(matched, format_) for targets, format_ in read[1:] for matched in targets]
    return replace(main, apart=tuple(apart))


def _targets(group: Mapping[str, Any]) -> tuple[Modules, ...]:
    """Return the modules that a group of compressed-tensors names; empty for all linear layers."""
    targets = [str(target) for target in group.get("targets") or ["Linear"]]
    return () if "Linear" in targets else modules(targets)


def _compressed_group(group: Mapping[str, Any], layout: str) -> Quantization:
    weights = group.get("weights") or {}
    if "num_bits" not in weights:
        raise ValueError("quantization_config.config_groups has a group without weights.num_bits, which sizing needs")
    bits, is_integer = _whole(weights, "num_bits", 8), weights.get("type", "int") == "int"
    if "24" in layout or "sparse" in layout:
        raise ValueError(f"quantization_config.format {layout!r} declares sparse weights, whose size is not known")
    if bits > _BITS[-1] or (layout == "int-quantized" and bits != _BITS[-1]):
        raise ValueError(f"quantization_config.format {layout!r} of {bits} bits cannot be sized; known: 8")
    group_size = _whole(weights, "group_size", -1) if weights.get("group_size") is not None else -1
    if weights.get("type") == "float" and bits < 8:
        if layout.startswith("mxfp4"):
            return replace(METHODS["mxfp4"], only=())
        if layout and not layout.startswith("nvfp4"):
            raise ValueError(f"quantization_config.format {layout!r} cannot be sized; known: nvfp4, mxfp4")
        return METHODS["nvfp4"]
    inputs = group.get("input_activations") or {}
    activations = f"{inputs.get('type', 'int')}{inputs.get('num_bits', 8)}" if inputs else ""
    block = _block(weights["block_structure"]) if weights.get("block_structure") else None
    read = stored("compressed-tensors", bits, group_size, block)
    ordered = str(weights.get("actorder") or "").lower() in ("group", "dynamic", "true")
    symmetric = bool(weights.get("symmetric", True))
    return replace(
        read,
        symmetric=symmetric,
        zero_points=not symmetric,
        ordered=ordered,
        activations=activations,
        packed=is_integer and not inputs,
    )


_MIXED = "MIXED_PRECISION"


def _modelopt(declared: Mapping[str, Any]) -> Quantization:
    algorithm = str(declared.get("quant_algo") or "").upper()
    if algorithm != _MIXED:
        return _algorithm(algorithm, declared)
    layers = declared.get("quantized_layers") or {}
    if not layers:
        raise ValueError(f"modelopt's quant_algo {_MIXED} lacks quantized_layers, which sizing needs")
    by_format: dict[Quantization, list[str]] = {}
    for name, chosen in layers.items():
        by_format.setdefault(_algorithm(str(chosen.get("quant_algo") or "").upper(), chosen), []).append(str(name))
    main = max(by_format, key=lambda format_: len(by_format[format_]))
    apart = [
        (matched, format_) for format_, names in by_format.items() if format_ != main for matched in modules(names)
    ]
    listed = modules(by_format[main])
    outside = [(matched, main) for matched in listed if matched.layers is None]
    return replace(main, only=listed, apart=(*apart, *outside))


def _algorithm(algorithm: str, declared: Mapping[str, Any]) -> Quantization:
    """Return the format of one of modelopt's quantization algorithms."""
    if algorithm in ("FP8", "FP8_PER_CHANNEL_PER_TOKEN"):
        return METHODS["fp8"]
    if algorithm == "FP8_PB_WO":
        return replace(METHODS["fp8"], block=(128, 128))
    if algorithm == "MXFP8":
        return METHODS["mxfp8"]
    if algorithm in ("NVFP4", "W4A16_NVFP4", "NVFP4_AWQ"):
        if _whole(declared, "group_size", 16) != 16:
            raise ValueError(f"quantization.group_size={declared['group_size']} of NVFP4 cannot be sized; known: 16")
        return METHODS["nvfp4"]
    known = "FP8, FP8_PB_WO, MXFP8, NVFP4, W4A16_NVFP4, MIXED_PRECISION"
    raise ValueError(f"modelopt's quant_algo {algorithm!r} cannot be sized; known: {known}")


def _whole(declared: Mapping[str, Any], field: str, default: int) -> int:
    value = declared.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or (value < 1 and value != -1):
        raise ValueError(f"quantization_config.{field} is not a positive integer: {str(value)[:40]!r}")
    return value


def _block(value: Any) -> list[int]:
    if not (isinstance(value, list) and len(value) == 2 and all(type(side) is int and side > 0 for side in value)):
        raise ValueError(f"quantization_config: a block must have rows and columns, not {str(value)[:40]!r}")
    return value
