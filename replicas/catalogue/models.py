"""Facts about open models: the table that ships with the project, or a model's `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from replicas.catalogue import data
from replicas.catalogue.architecture import Architecture
from replicas.catalogue.checkpoint import (
    CacheRequest,
    cache_request,
    contradiction,
    quantization_beside,
    quantization_file,
    read_quantization,
)
from replicas.catalogue.context import ContextScaling, context_scaling
from replicas.catalogue.json_files import read_object
from replicas.catalogue.near_names import near_models
from replicas.catalogue.quantization import PRECISION_BYTES, Quantization, stored
from replicas.catalogue.reading import BY_HAND, read_config
from replicas.catalogue.tasks import TASK_OF_HEAD, Task
from replicas.catalogue.weights import weights_bytes
from replicas.units import GIB

_CONFIG = "config.json"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Sizes that a user declares by hand. They replace the computed sizes; None if a size is not declared."""

    weights_gib: float | None = None
    kv_bytes_per_token: int | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the declared sizes."""
        return tuple(name for name, value in vars(self).items() if value is not None)

    def __str__(self) -> str:
        """Return text such as `weights_gib=65.97 and kv_bytes_per_token=73728`."""
        return " and ".join(f"{name}={getattr(self, name):.10g}" for name in self.fields)


@dataclass(frozen=True, kw_only=True)
class Model:
    """One repository of weights, with the facts that sizing and serving need."""

    id: str
    """Repository on the Hugging Face Hub, or the name that was given with a `config.json`."""
    architecture: Architecture
    quantization: Quantization | None = None
    """Quantization of the checkpoint; None for float16, bfloat16 and float32."""
    cache_request: CacheRequest | None = None
    """Format of the KV cache that the checkpoint requests; None if the cache has the data type of the activations."""
    context_scaling: ContextScaling | None = None
    """`rope_scaling` that multiplies the context; None without one, and for models of the table."""
    gated: bool | None = None
    """True if the download needs a token and an accepted licence; None if unknown."""
    chat: bool | None = None
    """True if the repository has a chat template; None if unknown."""
    made_for: Task | None = None
    """Task for which the repository is published; None if the head that `config.json` describes determines the task."""
    source: str
    warnings: tuple[str, ...] = ()
    """Warnings about facts that the files of the model do not state."""
    declared: Declared = Declared()

    @property
    def task(self) -> Task:
        """Task of the model, which a deployment can replace by another task."""
        return self.made_for or TASK_OF_HEAD[self.architecture.head]

    @property
    def takes_images(self) -> bool:
        """True if a conversation may contain images."""
        return any(tower.modality == "vision" for tower in self.architecture.towers)

    @property
    def weights_bytes(self) -> float:
        """Size of the checkpoint as engines load it, bytes."""
        return self.loaded_bytes(self.quantization)

    def loaded_bytes(
        self, quantization: Quantization | None, precision_bytes: float = PRECISION_BYTES, degree: int = 1
    ) -> float:
        """Return the memory of the weights in a quantization on one of `degree` accelerators, bytes.

        The size is declared by the user, or computed from the architecture.
        """
        if self.declared.weights_gib is not None:
            return self.declared.weights_gib * GIB / degree
        return weights_bytes(self.architecture, quantization, precision_bytes, degree)

    def kv_bytes_per_token(self, tensor_parallel: int, element_bytes: float = PRECISION_BYTES) -> float:
        """Return the KV cache of one token on one accelerator, bytes: declared, or computed from the architecture.

        A declared cache is split like the KV heads. If the heads are unknown, each accelerator stores the whole cache.
        """
        computed = self.architecture.kv_bytes_per_token
        whole = computed(1, 1)
        if self.declared.kv_bytes_per_token is None:
            return computed(tensor_parallel, element_bytes)
        part = computed(tensor_parallel, 1) / whole if whole else 1.0
        return self.declared.kv_bytes_per_token * part

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.catalogue.document.ModelDocument`)."""
        return {
            "schema": "replicas.model/1",
            "model": self.id,
            "family": self.architecture.model_type,
            "parameters": self.architecture.parameters,
            "quantization": self.quantization.method if self.quantization else None,
            "weights_gib": round(self.weights_bytes / GIB, 2),
            "kv_bytes_per_token": int(self.architecture.kv_bytes_per_token(1, 2)),
            "context_tokens": self.architecture.context_tokens,
            "gated": self.gated,
            "chat": self.chat,
            "task": self.task,
            "source": self.source,
        }


def model_ids() -> list[str]:
    """Return every repository of the table, in the order of the table."""
    return list(data.load("models")["models"])


@cache
def find_model(name: str) -> Model:
    """Return a model of the table by its repository (`TheBloke/Llama-2-13B-chat-AWQ`) or short name (`llama-2-13b`).

    Case is ignored. Raises `LookupError` with the nearest names.
    """
    table = data.load("models")
    repositories = {repository.lower(): repository for repository in table["models"]}
    short_names = {short: entry["default_model"] for short, entry in table["architectures"].items()}
    key = name.lower()
    repository = repositories.get(key) or short_names.get(key)
    if repository is None:
        near = near_models(name, [*table["models"], *short_names])
        guess = f"; near: {', '.join(near)}" if near else ""
        raise LookupError(
            f"model {name!r} is not in the table{guess}. `replicas models` lists the table; "
            f"for any other model, give its config.json (config=, or --config), or {BY_HAND}"
        )
    entry = table["models"][repository]
    architecture = table["architectures"][entry["architecture"]]
    return Model(
        id=repository,
        architecture=read_config(architecture["config"]),
        quantization=_quantization_of(entry),
        cache_request=cache_request(entry.get("checkpoint", {})),
        gated=entry["gated"],
        chat=entry["chat"],
        made_for=entry.get("task"),
        source=entry.get("source", architecture["source"]),
    )


def _quantization_of(entry: Mapping[str, Any]) -> Quantization | None:
    """Return the quantization of a row of the table, from a copy of the publisher's config or from plain numbers."""
    if "checkpoint" in entry:
        return read_quantization(entry["checkpoint"])
    return stored(**entry["quantization"]) if "quantization" in entry else None


def _method_of(entry: Mapping[str, Any]) -> str | None:
    quantization = _quantization_of(entry)
    return quantization.method if quantization else None


def quantized_sibling(model: Model, method: str) -> str | None:
    """Return a repository of the table with the same architecture and this quantization method; None if the table has
    none.
    """
    table = data.load("models")["models"]
    if model.id not in table:
        return None
    architecture = table[model.id]["architecture"]
    siblings = [
        repository
        for repository, entry in table.items()
        if entry["architecture"] == architecture and _method_of(entry) == method
    ]
    return next((name for name in siblings if table[name]["chat"] == model.chat), next(iter(siblings), None))


def config_name(path: Path) -> str:
    """Return a name for a config that has none: the folder of a `config.json`, or another file without its ending."""
    whole = path.resolve()
    return whole.name if whole.is_dir() else whole.parent.name if whole.name == _CONFIG else whole.stem


def read_model(path: Path | str, name: str | None = None, quant_config: Path | str | None = None) -> Model:
    """Read a model from the `config.json` of its repository.

    Args:
        path: the file or its folder.
        name: the repository. Default: the name that the file gives, or `config_name`.
        quant_config: the repository's `hf_quant_config.json`. Default: that file in the same folder, if any.

    Raises:
        ValueError: a file cannot be read or is not JSON, or the architecture cannot be sized.

    """
    file = Path(path)
    if file.is_dir():
        file /= _CONFIG
    config = read_object(file, _CONFIG)
    name = name or str(config.get("_name_or_path") or config_name(file))
    given = quantization_file(Path(quant_config)) if quant_config is not None else None
    own = read_quantization(config)
    quantization = (given or quantization_beside(file)) if own is None else None
    model = model_from_config(config, name, str(file), quantization)
    if own is not None and given is not None and read_quantization(given) != own:
        doubt: str | None = (
            f"{name}: its {_CONFIG} declares {own} and {quant_config} declares {read_quantization(given)}: the "
            f"size follows {_CONFIG}, which engines read first"
        )
    else:
        doubt = contradiction(file.stem, model.quantization) if not model.warnings else None
    return replace(model, warnings=(*model.warnings, doubt)) if doubt else model


def model_from_config(
    config: Mapping[str, Any], name: str, source: str, quantization: Mapping[str, Any] | None = None
) -> Model:
    """Return a model from the content of a `config.json` and of its optional `hf_quant_config.json`.

    Raises:
        ValueError: the model cannot be sized.

    """
    architecture = read_config(config)
    declared = read_quantization(quantization or config)
    doubt = contradiction(name, declared)
    return Model(
        id=name,
        architecture=architecture,
        quantization=declared,
        cache_request=cache_request(quantization or config),
        context_scaling=context_scaling(config),
        source=source,
        warnings=(*(f"{name}: {sentence}" for sentence in architecture.doubts), *((doubt,) if doubt else ())),
    )
