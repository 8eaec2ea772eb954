"""Sizes of each model according to the engine's own code, as data with which tests compare `sizing`."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.oracle import configs
from scripts.oracle.asking import ROOT, inside

FOLDER = ROOT / "tests" / "data" / "engine"
_KEPT = ("kind", "layers", "page_bytes", "block_size", "sliding_window", "attention_chunk_size", "shapes", "dtypes")
"""Fields of a layer's cache that are written to the file. Other fields, such as the heads, follow from the bytes."""


def cases() -> dict[str, dict[str, Any]]:
    """Return the configs by name. Models of the archive have the name of their repository, all others short names."""
    return {**configs.catalogue(), **configs.models(), **configs.families()}


def refresh(python: Path) -> Path:
    """Build every model with the engine, write the sizes to the file, and return its path."""
    (engine, *answers) = _answers(python)
    entries = {answer.pop("name"): _entry(answer) for answer in answers}
    document = {
        "about": {
            **engine,
            "asked": datetime.now(UTC).date().isoformat(),
            "how": "scripts/oracle/engine/build.py: meta device, one accelerator, bfloat16, quantization removed from "
            "the config. page_bytes is one block of block_size tokens of one layer; of MambaSpec one sequence's state.",
        },
        "models": entries,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{engine['engine'].replace(' ', '-')}.json"
    file.write_text(_pretty(document))
    return file


def _answers(python: Path) -> Iterator[dict[str, Any]]:
    """Return the engine's answers; the first one names the engine."""
    with tempfile.TemporaryFile("w+") as lines:
        for name, config in cases().items():
            lines.write(json.dumps({"name": name, "config": config}) + "\n")
        lines.seek(0)
        for answer in inside(python, "build", lines):
            print(answer.get("name", answer), answer.get("parameters", answer.get("not_built", "")), file=sys.stderr)
            yield answer


def _entry(answer: dict[str, Any]) -> dict[str, Any]:
    if "not_built" in answer:
        return answer
    layers = [{key: layer[key] for key in _KEPT if key in layer} for layer in answer["cache_layers"]]
    kept = {key: answer[key] for key in ("class", "changes", "parameters", "parts") if answer[key]}
    return {**kept, "cache_layers": layers}


def _pretty(document: dict[str, Any]) -> str:
    """Return JSON with one line for each model."""
    models = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in document["models"].items())
    return f'{{\n "about": {json.dumps(document["about"])},\n "models": {{\n{models}\n }}\n}}\n'
