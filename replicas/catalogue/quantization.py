"""Bytes per weight of each quantization, and the quantization that a checkpoint declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Quantization:
    """Storage format of the linear layers. Embeddings, norms and the output head stay at two bytes."""

    method: str
    bits: int
    group_size: int = -1
    """Weights that share one scale; -1 if a whole column does."""
    scale_bits: int = 16
    zero_points: bool = False
    """True if a zero point is stored with each scale (GPTQ and AWQ, but not symmetric formats)."""

    @property
    def bytes_per_parameter(self) -> float:
        """Bytes per weight of a linear layer, including its share of the scales and zero points.

        4 bit in groups of 128 takes (4 + 16/128 + 4/128) / 8 = 0.5195 bytes. "Total / 8" would understate a 7B
        model by 13 %, because its embeddings stay at full precision.
        """
        overhead = 0.0
        if self.group_size > 0:
            overhead = (self.scale_bits + self.bits * self.zero_points) / self.group_size
        return (self.bits + overhead) / 8

    def __str__(self) -> str:
        """Format of tables: `awq, 4 bit, groups of 128`."""
        groups = f", groups of {self.group_size}" if self.group_size > 0 else ""
        return f"{self.method}, {self.bits} bit{groups}"


PRECISION_BYTES = 2
"""Bytes per weight without quantization: engines load float16, bfloat16 and also float32 checkpoints at two bytes."""

_CHECKPOINT_FORMATS = {
    "gptq": Quantization("gptq", 4, 128, zero_points=True),
    "awq": Quantization("awq", 4, 128, zero_points=True),
    "compressed-tensors": Quantization("compressed-tensors", 4, 128),
    "mxfp4": Quantization("mxfp4", 4, 32, scale_bits=8),
}
_AT_LOAD = {
    "fp8": Quantization("fp8", 8),
    "eetq": Quantization("eetq", 8),
    "bitsandbytes": Quantization("bitsandbytes", 8),
    "bitsandbytes-nf4": Quantization("bitsandbytes-nf4", 4, 64, scale_bits=32),
}
METHODS: Mapping[str, Quantization] = {**_CHECKPOINT_FORMATS, **_AT_LOAD}
"""Quantization methods of a component. Some need a quantized checkpoint; engines apply the others at start-up."""


def needs_checkpoint(method: str) -> bool:
    """True if the repository must contain quantized weights (an engine cannot apply the method at start-up)."""
    return method in _CHECKPOINT_FORMATS


def _whole(declared: Mapping[str, Any], field: str, default: int) -> int:
    value = declared.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or (value < 1 and value != -1):
        raise ValueError(f"quantization_config.{field} is no count: {str(value)[:40]!r}")
    return value


def stored(method: str, bits: int, group_size: int) -> Quantization:
    """Return the quantization of a checkpoint with the given bits and group size."""
    return replace(METHODS[method], bits=bits, group_size=group_size)


def read_quantization(config: Mapping[str, Any]) -> Quantization | None:
    """Return the quantization that `quantization_config` of a `config.json` declares; None if it declares none.

    Raises:
        ValueError: the memory of the method is not known.

    """
    declared = config.get("quantization_config")
    if not declared:
        return None
    try:
        return _declared_quantization(declared)
    except (AttributeError, TypeError, KeyError, OverflowError, StopIteration):
        raise ValueError(f"quantization_config cannot be read: {str(declared)[:80]}") from None


def _declared_quantization(declared: Mapping[str, Any]) -> Quantization:
    method = str(declared.get("quant_method", ""))
    if method in ("gptq", "awq"):
        return stored(method, _whole(declared, "bits", 4), _whole(declared, "group_size", 128))
    if method in ("fp8", "mxfp4"):
        return METHODS[method]
    if method == "bitsandbytes":
        return METHODS["bitsandbytes-nf4" if declared.get("load_in_4bit") else "bitsandbytes"]
    if method == "compressed-tensors":
        groups = declared.get("config_groups") or {}
        first: Mapping[str, Any] = next(iter(groups.values()), {})
        weights = first.get("weights") or {}
        return stored(method, int(weights.get("num_bits") or 8), int(weights.get("group_size") or -1))
    raise ValueError(f"quantization_config.quant_method {method!r} cannot be sized; known: {', '.join(METHODS)}")
