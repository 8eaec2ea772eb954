"""Facts about open models: the table that ships with the project, or a model's `config.json`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from replicas.catalogue import data
from replicas.catalogue.architecture import Architecture, read_config
from replicas.catalogue.quantization import Quantization, read_quantization, stored
from replicas.units import GIB


@dataclass(frozen=True, kw_only=True)
class Model:
    """One repository of weights and what it needs to be sized and served."""

    id: str
    """Repository on the Hugging Face Hub, or the name given with a `config.json`."""
    architecture: Architecture
    quantization: Quantization | None = None
    """How the checkpoint is stored; None for float16, bfloat16 and float32."""
    gated: bool | None = None
    """Needs a token and an accepted licence; None where nobody knows."""
    chat: bool | None = None
    """Ships a chat template; None where nobody knows."""
    source: str

    @property
    def weights_bytes(self) -> float:
        """Size of the checkpoint as engines load it, bytes."""
        return weights_bytes(self.architecture, self.quantization)

    def to_document(self) -> dict[str, Any]:
        """JSON document (`replicas.catalogue.document.ModelDocument`)."""
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
            "source": self.source,
        }


def weights_bytes(architecture: Architecture, quantization: Quantization | None) -> float:
    """Memory of all weights: quantized linear layers, the rest at two bytes, what engines keep at four."""
    per_linear = quantization.bytes_per_parameter if quantization else 2
    shrinking = architecture.linear_parameters - architecture.float32_parameters
    return shrinking * per_linear + architecture.float32_parameters * 4 + architecture.other_parameters * 2


def model_ids() -> list[str]:
    """Every repository of the table, in its order."""
    return list(data.load("models")["models"])


@cache
def find_model(name: str) -> Model:
    """A model of the table, by its repository (`TheBloke/Llama-2-13B-chat-AWQ`) or short name (`llama-2-13b`).

    Upper and lower case are the same. Raises `LookupError` with the nearest names.
    """
    table = data.load("models")
    repositories = {repository.lower(): repository for repository in table["models"]}
    short_names = {short: entry["default_model"] for short, entry in table["architectures"].items()}
    wanted = name.lower()
    repository = repositories.get(wanted) or short_names.get(wanted)
    if repository is None:
        near: list[str] = difflib.get_close_matches(wanted, [*repositories, *short_names], n=3, cutoff=0.6)
        guess = f"; near: {', '.join(repositories.get(hit, hit) for hit in near)}" if near else ""
        raise LookupError(
            f"model {name!r} is not in the table{guess}. `replicas models` lists it; "
            "any other model is sized from its config.json (config=, or --config)"
        )
    entry = table["models"][repository]
    architecture = table["architectures"][entry["architecture"]]
    return Model(
        id=repository,
        architecture=read_config(architecture["config"]),
        quantization=stored(**entry["quantization"]) if "quantization" in entry else None,
        gated=entry["gated"],
        chat=entry["chat"],
        source=entry.get("source", architecture["source"]),
    )


def quantized_sibling(model: Model, method: str) -> str | None:
    """The repository of the table with the same architecture whose checkpoint is stored with this quantization."""
    table = data.load("models")["models"]
    wanted = table[model.id]["architecture"]
    siblings = [
        repository
        for repository, entry in table.items()
        if entry["architecture"] == wanted and (entry.get("quantization") or {}).get("method") == method
    ]
    return next((name for name in siblings if table[name]["chat"] == model.chat), next(iter(siblings), None))


def read_model(path: Path | str, name: str | None = None) -> Model:
    """A model from the `config.json` of its repository (the file, or the folder that holds it).

    Raises:
        ValueError: no such file, not JSON, or an architecture that cannot be sized.

    """
    file = Path(path)
    try:
        if file.is_dir():
            file /= "config.json"
        content = file.read_bytes()
    except (OSError, ValueError) as fault:  # ValueError: a name that no file can have
        raise ValueError(f"config.json cannot be read: {str(file)!r}: {getattr(fault, 'strerror', fault)}") from None
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"{file} is not JSON: {fault}") from None
    if not isinstance(config, dict):
        raise ValueError(f"{file} is not the config.json of a model: it holds no JSON object")
    return model_from_config(config, name or str(config.get("_name_or_path") or file.parent.name), str(file))


def model_from_config(config: Mapping[str, Any], name: str, source: str) -> Model:
    """A model from the content of a `config.json`. Raises `ValueError` where it cannot be sized."""
    return Model(id=name, architecture=read_config(config), quantization=read_quantization(config), source=source)
