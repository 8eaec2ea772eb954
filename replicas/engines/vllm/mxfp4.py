"""Memory of MXFP4 experts in the layouts of vLLM's kernels.

A checkpoint stores an expert's three matrices at four bits per weight, with an eight-bit scale for every 32 weights. No
kernel uses this layout directly. Marlin and FlashInfer pad the widths to their tiles. Triton on Hopper pads to its own
tiles, and keeps the stored scales in addition to the repacked scales. Sources: `create_weights` and
`process_weights_after_loading` in vllm/model_executor/layers/quantization/mxfp4.py (0.10.1 to 0.14.1),
layers/fused_moe/oracle/mxfp4.py (0.19.0 to 0.32.0),
third_party/triton_kernels/tensor_details/layout_details/{hopper_value,hopper_scale}.py (0.12.0 to 0.28.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicas.catalogue.architecture import Architecture

_GROUP = 32
"""Number of weights that share a one-byte scale."""
_BIAS_BYTES = 2
_SCALE_ROWS, _SCALE_COLUMNS = 256, 2
"""Hopper's layout of scales: 8 warps of 32 rows, and pairs of columns."""

Capability = tuple[int, int]


def padding_bytes(
    shape: Architecture, facts: Mapping[str, Any], capability: Capability, tensor_parallel: int
) -> tuple[float, str]:
    """Return the bytes that the experts take on one accelerator in addition to their stored size, and the reason for
    this addition.
    """
    kernel = _kernel(facts, capability)
    hidden_multiple, width_multiple = facts["multiples"][kernel]
    more, reason = 0.0, ""
    for block, layers in shape.mixtures:
        width, inner = block.width // tensor_parallel, block.expert_inputs
        hidden, padded = _up(inner, hidden_multiple), _up(width, width_multiple)
        loaded = _expert_bytes(hidden, padded)
        reason = f"MXFP4 by {kernel}: hidden width {inner} padded to {hidden}, expert width {width} to {padded}"
        if kernel == "triton":
            loaded += _repacked_bytes(hidden, padded, *facts["triton_tile"])
            reason += ", the stored scales in addition to the repacked ones"
        stored = _expert_bytes(inner, block.width) / tensor_parallel
        more += layers * block.experts * (loaded - stored)
    return more, reason


def is_hopper(capability: Capability) -> bool:
    """True for H100, H200 and GH200."""
    return (9, 0) <= capability < (10, 0)


def _kernel(facts: Mapping[str, Any], capability: Capability) -> str:
    """Return the kernel that this version chooses for an accelerator by default."""
    if is_hopper(capability):
        kernel: str = facts["hopper"]
        return kernel
    return "flashinfer" if (10, 0) <= capability < (11, 0) else "marlin"


def _expert_bytes(hidden: int, width: int) -> float:
    """Return the bytes of one expert: gate, up and down matrices with their scales and biases."""
    weights = 3 * hidden * width
    return weights / 2 + weights / _GROUP + (2 * width + hidden) * _BIAS_BYTES


def _repacked_bytes(hidden: int, width: int, rows: int, columns: int) -> float:
    """Return the bytes that Triton's layout adds to one expert.

    These are padding of the packed weights, a second copy of the scales, and two more bytes for each bias.
    """
    more = 0.0
    for outputs, inputs in ((2 * width, hidden), (hidden, width)):
        packed = inputs // 2
        more += _up(outputs, rows) * _up(packed, columns) - outputs * packed
        more += _up(outputs, _SCALE_ROWS) * _up(inputs // _GROUP, _SCALE_COLUMNS)
        more += outputs * _BIAS_BYTES
    return more


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
