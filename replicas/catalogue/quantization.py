"""Formats of quantized weights: bytes per weight, and which modules of a model are quantized."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Modules:
    """Modules that a quantization config names by a pattern of their path and by the layers that contain them."""

    pattern: str
    """Regular expression, matched from the start of the module's path. If `layers` is given, this is the path within
    the layer, otherwise the whole path."""
    layers: frozenset[int] | None = None

    def names(self, module: str, layer: int | None) -> bool:
        """Return whether the pattern matches a module, in a layer or outside the layers."""
        if self.layers is not None:
            return layer in self.layers and _matches(self.pattern, module)
        return any(_matches(self.pattern, path) for path in _paths(module, layer))


_PREFIXES = (
    *("model.", "model.language_model.", "language_model.model.", "model.text_model.", "thinker.model.", "backbone."),
    "",
)


def _paths(module: str, layer: int | None) -> list[str]:
    """Return the names that checkpoints give a module."""
    within = module if layer is None else f"layers.{layer}.{module}"
    return [prefix + within for prefix in _PREFIXES]


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _matches(pattern: str, path: str) -> bool:
    return _compiled(pattern).match(path) is not None


@dataclass(frozen=True)
class Quantization:
    """Storage format of the linear layers.

    Embeddings, norms, routers and the output head stay at two bytes unless the quantization names them.
    """

    method: str
    bits: int
    group_size: int = -1
    """Number of weights that share one scale; -1 if a whole column shares it."""
    scale_bits: int = 16
    zero_points: bool = False
    """True if a zero point is stored with each scale (GPTQ and AWQ, but not symmetric formats)."""
    block: tuple[int, int] | None = None
    """Rows and columns of weights that share one scale; None if scales belong to columns or groups."""
    symmetric: bool = True
    """False if zero points can differ from the middle of the range (GPTQ with `sym` false)."""
    ordered: bool = False
    """True if the inputs of a group are not adjacent, because they were ordered by their activations (GPTQ with
    `desc_act`, compressed-tensors with `actorder` group)."""
    activations: str = ""
    """Type of the inputs that the weights are multiplied by, `int8` or `float8`; empty if inputs have two bytes, or if
    the engine chooses the type."""
    packed: bool = False
    """True for integers that a kernel unpacks as it multiplies (compressed-tensors, `pack-quantized`)."""
    only: tuple[Modules, ...] = ()
    """Modules in this format; empty for all linear layers."""
    kept: tuple[Modules, ...] = ()
    """Modules that stay at two bytes."""
    apart: tuple[tuple[Modules, Quantization], ...] = ()
    """Modules with a different format, each with its format."""

    @property
    def bytes_per_parameter(self) -> float:
        """Bytes per weight of a linear layer, including its share of the scales and zero points.

        For 4 bits in groups of 128: (4 + 16/128 + 4/128) / 8 = 0.5195 bytes. Half a byte for every parameter would
        understate a 7B model by 13 %, because its embeddings stay at full precision.
        """
        overhead = 0.0
        if self.group_size > 0:
            overhead = (self.scale_bits + self.bits * self.zero_points) / self.group_size
        return (self.bits + overhead) / 8

    @property
    def is_uniform(self) -> bool:
        """True if all linear layers have the same format."""
        return not (self.only or self.kept or self.apart)

    def of(self, module: str, layer: int | None) -> Quantization | None:
        """Return the format of a linear layer; None if it stays at two bytes.

        Args:
            module: path of the module within the layer, or its name outside the layers.
            layer: the number of the layer; None outside the layers.

        """
        for modules, quantization in self.apart:
            if modules.names(module, layer):
                return quantization
        if any(modules.names(module, layer) for modules in self.kept):
            return None
        return self if not self.only or any(modules.names(module, layer) for modules in self.only) else None

    def named(self, module: str) -> Quantization | None:
        """Return the format of a module outside the layers; None if the quantization does not name the module."""
        return next((format_ for modules, format_ in self.apart if modules.names(module, None)), None)

    @property
    def formats(self) -> tuple[Quantization, ...]:
        """All formats of the modules."""
        return tuple(dict.fromkeys((self, *(format_ for _, format_ in self.apart))))

    def has(self, method: str) -> bool:
        """True if some modules have a format of this method."""
        return any(format_.method == method for format_ in self.formats)

    def __str__(self) -> str:
        """Return the text for tables, such as `awq, 4 bit, groups of 128`."""
        groups = f", groups of {self.group_size}" if self.group_size > 0 else ""
        blocks = f", blocks of {self.block[0]} x {self.block[1]}" if self.block else ""
        others = {format_.method for format_ in self.formats} - {self.method}
        rest = f", {' and '.join(sorted(others))} in part" if others else ""
        return f"{self.method}, {self.bits} bit{groups}{blocks}{rest}"


PRECISION_BYTES = 2
"""Bytes per weight without quantization: engines load float16, bfloat16 and also float32 checkpoints at two bytes."""

ROUTED_EXPERTS = (Modules(r".*\.experts(\..*)?$"),)
"""Routed experts, of which a router selects some for each token."""

_CHECKPOINT_FORMATS = {
    "gptq": Quantization("gptq", 4, 128, zero_points=True),
    "awq": Quantization("awq", 4, 128, zero_points=True),
    "compressed-tensors": Quantization("compressed-tensors", 4, 128, packed=True),
    # Engines apply the format only to experts (layers/quantization/mxfp4.py: other layers stay unquantized).
    "mxfp4": Quantization("mxfp4", 4, 32, scale_bits=8, only=ROUTED_EXPERTS),
    "mxfp8": Quantization("mxfp8", 8, 32, scale_bits=8),
    "nvfp4": Quantization("nvfp4", 4, 16, scale_bits=8),
}
_AT_LOAD = {
    "fp8": Quantization("fp8", 8),
    "eetq": Quantization("eetq", 8),
    "bitsandbytes": Quantization("bitsandbytes", 8),
    "bitsandbytes-nf4": Quantization("bitsandbytes-nf4", 4, 64, scale_bits=32),
}
METHODS: Mapping[str, Quantization] = {**_CHECKPOINT_FORMATS, **_AT_LOAD}
"""Quantization methods of a component. Some need a quantized checkpoint; engines apply the other methods at
start-up."""


def needs_checkpoint(method: str) -> bool:
    """True if the repository must contain quantized weights (an engine cannot apply the method at start-up)."""
    return method in _CHECKPOINT_FORMATS


def stored(method: str, bits: int, group_size: int, block: list[int] | None = None) -> Quantization:
    """Return the quantization of a checkpoint with the given bits, group size and blocks (rows, columns)."""
    rows_and_columns = (block[0], block[1]) if block else None
    return replace(METHODS[method], bits=bits, group_size=group_size, block=rows_and_columns)


_IN_LAYER = re.compile(r"^(?:.*\.)?layers\.(?P<layer>\d+|\*)(?P<end>\*?)(?:\.(?P<path>.*))?$")
_EXPERT = re.compile(r"\bexperts\.\d+\b")


def modules(names: Iterable[str]) -> tuple[Modules, ...]:
    """Return the modules that a configuration names; entries for many layers are merged into one.

    A name is a path (`model.layers.3.mlp.gate`), a part of a path (`gate`, `self_attn`), a path with wildcards
    (`model.layers.3.self_attn*`, `*.attn.*`), or a regular expression after `re:`. Modules inside a named module are
    included.
    """
    whole: dict[str, None] = {}
    by_path: dict[str, set[int]] = {}
    for name in _unfused(names):
        if name.startswith("re:"):
            whole[name[3:]] = None
            continue
        within = _IN_LAYER.match(name)
        if within is None:
            whole[_anywhere(name)] = None
            continue
        path = _EXPERT.sub("experts.0", within["path"] or "*")
        if within["layer"] == "*":
            whole[rf"(.*\.)?layers\.\d+\.{_expression(path)}"] = None
        else:
            by_path.setdefault(_expression(path), set()).add(int(within["layer"]))
    return (
        *(Modules(pattern) for pattern in whole),
        *(Modules(pattern, frozenset(layers)) for pattern, layers in by_path.items()),
    )


_FUSED = {"qkv_proj": ("q_proj", "k_proj", "v_proj"), "gate_up_proj": ("gate_proj", "up_proj")}
"""Modules that some checkpoints (Phi 3) store as one matrix, with the names of the separate matrices."""


def _unfused(names: Iterable[str]) -> Iterator[str]:
    """Yield the names, with a fused module replaced by its separate matrices."""
    for name in names:
        fused = next((module for module in _FUSED if module in name and not name.startswith("re:")), None)
        yield from (name.replace(fused, part) for part in _FUSED[fused]) if fused else (name,)


@lru_cache(maxsize=1024)
def _expression(path: str) -> str:
    """Return the regular expression of a path with wildcards and of all modules inside it."""
    return re.escape(path).replace(r"\*", ".*") + r"(\..*)?$"


def _anywhere(name: str) -> str:
    """Return a regular expression that matches whole components at any place in a path."""
    return rf"(.*\.)?{_expression(name)}"
