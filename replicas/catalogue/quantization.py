"""Bytes per weight of each quantization, and what its kernels need of a layer's widths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


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
    block: tuple[int, int] | None = None
    """Rows and columns of weights that share one scale; None if scales belong to columns or groups."""
    packed: bool = False
    """True for integers that a kernel unpacks as it multiplies (compressed-tensors, `pack-quantized`)."""

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
        blocks = f", blocks of {self.block[0]} x {self.block[1]}" if self.block else ""
        return f"{self.method}, {self.bits} bit{groups}{blocks}"


PRECISION_BYTES = 2
"""Bytes per weight without quantization: engines load float16, bfloat16 and also float32 checkpoints at two bytes."""

_CHECKPOINT_FORMATS = {
    "gptq": Quantization("gptq", 4, 128, zero_points=True),
    "awq": Quantization("awq", 4, 128, zero_points=True),
    "compressed-tensors": Quantization("compressed-tensors", 4, 128, packed=True),
    "mxfp4": Quantization("mxfp4", 4, 32, scale_bits=8),
    "nvfp4": Quantization("nvfp4", 4, 16, scale_bits=8),
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


def stored(method: str, bits: int, group_size: int, block: list[int] | None = None) -> Quantization:
    """Return the quantization of a checkpoint with the given bits, group size and blocks (rows, columns)."""
    rows_and_columns = (block[0], block[1]) if block else None
    return replace(METHODS[method], bits=bits, group_size=group_size, block=rows_and_columns)
