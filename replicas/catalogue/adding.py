"""Adds a model of the Hub to the table of models."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from replicas.catalogue import data
from replicas.catalogue.json_files import read_object
from replicas.catalogue.models import Model
from replicas.catalogue.published import CONFIG, QUANT_CONFIG, Published
from replicas.catalogue.reading import read_config
from replicas.errors import UsageError

TABLE = Path(data.__file__).with_name("models.json")
_LIST = re.compile(r"\[\n[^\[\]{}]*\]")
_QUANTIZATION = re.compile(r'(?<="quantization": )\{\n[^{}]*\}')
_QUANTIZATIONS = ("quantization_config", "compression_config")


@dataclass(frozen=True, kw_only=True)
class AddedModel:
    """A new row of the table."""

    model: Model
    architecture: str
    """Name of the model's architecture in the table."""
    has_new_architecture: bool
    table: Path


def add_model(published: Published, today: date, table: Path = TABLE) -> AddedModel:
    """Add a model to the table, and its architecture if the table lacks it.

    Raises:
        UsageError: the table has the model already, or cannot be written.
        HubError: a size that the Hub states differs from the computed one.
        ValueError: the model's architecture cannot be sized.

    """
    snapshot = published.snapshot
    content = json.loads(table.read_bytes())
    if snapshot.repository in content["models"]:
        raise UsageError(
            f"{snapshot.repository} is already in the table: plan it with `replicas plan --model {snapshot.repository}`"
        )
    model = published.read()
    config = read_object(published.config, CONFIG)
    quantization = {name: config.pop(name) for name in _QUANTIZATIONS if config.get(name)}
    quantization_path = published.config.with_name(QUANT_CONFIG)
    if model.quantization is not None and not quantization and quantization_path.exists():
        quantization = read_object(quantization_path, QUANT_CONFIG)
    where = f"{published.address} at {snapshot.commit}, {today}"
    architecture = next(
        (
            name
            for name, entry in content["architectures"].items()
            if read_config(entry["config"]) == model.architecture
        ),
        None,
    )
    name = architecture or _free_name(snapshot.repository, content)
    if architecture is None:
        content["architectures"][name] = {
            "config": {key: value for key, value in config.items() if not key.startswith("_")},
            "parameters": model.architecture.parameters,
            "source": f"config.json of {where}; {_stated(published)}",
            "default_model": snapshot.repository,
        }
    row: dict[str, Any] = {"architecture": name, "gated": snapshot.gated, "chat": snapshot.chat}
    if quantization:
        row["checkpoint"] = quantization
    content["models"][snapshot.repository] = {**row, "source": f"{where}; {_stated(published)}"}
    try:
        table.write_text(written(content))
    except OSError as fault:
        raise UsageError(
            f"{table} cannot be written ({fault.strerror}): add the model in a checkout of the project, or plan it "
            f"with --model {snapshot.repository} --from-hub"
        ) from None
    return AddedModel(model=model, architecture=name, has_new_architecture=architecture is None, table=table)


def written(content: dict[str, Any]) -> str:
    """Return the table as JSON text, with each list and each quantization on one line."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    for spread in (_LIST, _QUANTIZATION):
        text = spread.sub(lambda match: json.dumps(json.loads(match[0]), ensure_ascii=False), text)
    return text


def _free_name(repository: str, content: dict[str, Any]) -> str:
    """Return a short name for an architecture that is not used yet.

    It is the repository's name, with the owner if necessary.
    """
    owner, _, name = repository.lower().rpartition("/")
    return f"{owner}-{name}" if name in content["architectures"] else name


def _stated(published: Published) -> str:
    """Return text with the sizes that the Hub states, with which the computed sizes agree."""
    counted = published.snapshot.stored_parameters
    counts = f"{', '.join(f'{count} {kind}' for kind, count in counted.items())} by the Hub's count" if counted else ""
    stored = f"{published.stored_bytes} bytes of safetensors" if published.stored_bytes else ""
    return " and ".join(filter(None, (counts, stored))) or "the Hub states no size of its weights"
