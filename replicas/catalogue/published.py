"""A model of the Hub: its configuration, and the sizes of its weights that the Hub and the repository state."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.catalogue.hub import Hub, Snapshot
from replicas.catalogue.json_files import read_object
from replicas.catalogue.models import Model, read_model
from replicas.catalogue.quantization import PRECISION_BYTES
from replicas.catalogue.reading import BY_HAND
from replicas.errors import HubError, HubUnreachableError

CONFIG = "config.json"
QUANT_CONFIG = "hf_quant_config.json"
_INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_HEAD = "lm_head.weight"

_TOLERANCE = 0.01
"""Largest accepted difference between a computed and a stated size, relative to the stated size."""

_TYPE_BYTES = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E8M0", "I8", "U8", "BOOL"), 1),
}
"""Bytes per element, by data type of safetensors (safetensors 0.8, `Dtype`). Types below one byte are left out."""
_FLOATS = frozenset({"F64", "F32", "F16", "BF16"})


@dataclass(frozen=True, kw_only=True)
class Published:
    """A model of the Hub at one commit."""

    snapshot: Snapshot
    config: Path
    """Path of the `config.json`. The repository's `hf_quant_config.json`, if any, is in the same folder."""
    stored_bytes: int | None
    """Bytes of the safetensors: `total_size` of the index, or the size of the only file; None if neither exists."""
    tensors: frozenset[str] = frozenset()
    """Names of the tensors in the safetensors index; empty without an index."""
    address: str
    """Address of the repository on the Hub."""

    def read(self) -> Model:
        """Return the model, after a check that its computed size agrees with the stated sizes.

        Raises:
            ValueError: the architecture cannot be sized.
            HubError: a stated size differs from the computed one by more than 1 %.

        """
        model = read_model(self.config, self.snapshot.repository)
        for difference in self._differences(model):
            raise HubError(f"{self.snapshot.repository}: {difference}: {BY_HAND}")
        return model

    @property
    def states_a_size(self) -> bool:
        """True if the Hub or the repository states a size of the weights."""
        return self.stored_bytes is not None or bool(self.snapshot.stored_parameters)

    def _differences(self, model: Model) -> Iterator[str]:
        """Yield a message for each stated size that differs from the computed size."""
        config = read_object(self.config, CONFIG)
        counted = self.snapshot.stored_parameters
        computed = model.architecture.parameters
        least, most = self._stored_beside(model, config)
        if model.quantization is None and counted:
            stated = sum(count for kind, count in counted.items() if kind in _FLOATS)
            if stated and not _agree(stated, computed, computed + least, computed + most):
                yield _sentence("parameters", computed, stated, "the Hub counts")
        stored = self.stored_bytes
        if stored is None and model.quantization is not None and model.quantization.bits == 8:
            stored = _bytes_of(counted)
        if stored:
            width = _mean_width(counted, config) if model.quantization is None else PRECISION_BYTES
            narrowest = model.quantization.bytes_per_parameter if model.quantization else width
            loaded = model.loaded_bytes(model.quantization, width)
            if not _agree(stored, loaded, (loaded + least * min(narrowest, width), loaded + most * width)):
                yield _sentence("bytes of weights", loaded, stored, "its safetensors hold")

    def _stored_beside(self, model: Model, config: Mapping[str, Any]) -> tuple[int, int]:
        """Return the minimum and maximum number of stored elements that engines do not load.

        These are an output head stored in addition to the embeddings to which it is tied, and multi-token prediction
        layers, with or without embeddings and a head of their own.
        """
        shape = model.architecture
        head = shape.vocab_size * shape.hidden_size
        text = config.get("text_config")
        is_tied = config.get("tie_word_embeddings", (text or {}).get("tie_word_embeddings", True))
        repeated = head if is_tied and (not self.tensors or _HEAD in self.tensors) else 0
        predicting = shape.prediction_parameters
        return repeated + predicting, repeated + predicting + (2 * head if predicting else 0)


def fetch(repository: str) -> Published:
    """Fetch the configuration of a repository on the Hub, and the sizes of its weights.

    Raises:
        HubError: the Hub cannot be reached, refuses the request, or does not have the files.

    """
    hub = Hub()
    try:
        snapshot = hub.snapshot(repository)
        config = _downloaded(hub, snapshot, CONFIG)
        if snapshot.file(QUANT_CONFIG):
            hub.download(snapshot, QUANT_CONFIG)
        index = hub.download(snapshot, _INDEX) if snapshot.file(_INDEX) else None
    except HubUnreachableError as fault:
        raise HubUnreachableError(f"{fault}; without a network, use --config FILE with a local config.json") from None
    single = snapshot.file(_SINGLE)
    stored, tensors = _of_index(index) if index else (single.size_bytes if single else None, frozenset())
    return Published(
        snapshot=snapshot,
        config=config,
        stored_bytes=stored,
        tensors=tensors,
        address=f"{hub.address}/{snapshot.repository}",
    )


def _downloaded(hub: Hub, snapshot: Snapshot, path: str) -> Path:
    if snapshot.file(path) is None:
        raise HubError(
            f"{snapshot.repository} has no {path}, so it cannot be sized: use the repository of the original weights, "
            f"or {BY_HAND}"
        )
    return hub.download(snapshot, path)


def _of_index(file: Path) -> tuple[int | None, frozenset[str]]:
    """Return the total bytes (None if not stated) and the names of the tensors from a safetensors index."""
    try:
        index = json.loads(file.read_bytes())
        size = (index.get("metadata") or {}).get("total_size")
        tensors = frozenset(index.get("weight_map") or ())
    except (ValueError, AttributeError, TypeError):
        raise HubError(f"{file.name} is not an index of safetensors: the repository is damaged") from None
    return (int(size) if isinstance(size, (int, float)) and size > 0 else None), tensors


def _agree(stated: float, *computed: float | tuple[float, float]) -> bool:
    """Return whether a stated size agrees, within the tolerance, with one of the computed sizes or ranges."""
    bounds = (figure if isinstance(figure, tuple) else (figure, figure) for figure in computed)
    slack = _TOLERANCE * stated
    return any(least - slack <= stated <= most + slack for least, most in bounds)


def _sentence(what: str, computed: float, stated: float, source: str) -> str:
    part = abs(computed - stated) / stated
    more = "more" if computed > stated else "less"
    return f"its config.json gives {computed:,.0f} {what}, {part:.1%} {more} than the {stated:,.0f} that {source}"


def _bytes_of(counted: Mapping[str, int]) -> int | None:
    """Return the bytes of counted elements; None if a type is not known."""
    if not counted or counted.keys() - _TYPE_BYTES.keys():
        return None
    return sum(_TYPE_BYTES[kind] * count for kind, count in counted.items())


def _mean_width(counted: Mapping[str, int], config: Mapping[str, Any]) -> float:
    """Return the mean bytes per stored parameter, from the Hub's counts or from the type in the configuration."""
    floats = {kind: count for kind, count in counted.items() if kind in _FLOATS}
    if floats:
        return (_bytes_of(floats) or 0) / sum(floats.values())
    text = config.get("text_config") or {}
    declared = next(
        (place[name] for place in (config, text) for name in ("dtype", "torch_dtype") if place.get(name)), ""
    )
    return 4.0 if str(declared).removeprefix("torch.") == "float32" else float(PRECISION_BYTES)
