"""The model configs that are compared with the engine: the configs of the catalogue and the configs in
aiconfigurator-core.

    python -m scripts.oracle.configs

copies the configs of the installed aiconfigurator-core (a development dependency, Linux on x86_64 only) to an archive,
so that tests can read them on every platform.
"""

from __future__ import annotations

import json
import lzma
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from replicas.catalogue import data

FOLDER = Path(__file__).parents[2] / "tests" / "data" / "model_configs"
ARCHIVE = FOLDER / "aiconfigurator-core.jsonl.xz"
FAMILIES = FOLDER / "families.json"
_CONFIG = "_config.json"
_QUANTIZATION = "_hf_quant_config.json"


@cache
def shipped() -> dict[str, dict[str, Any]]:
    """Return the content of each file of the archive, by names such as `Qwen--Qwen3-8B_config.json`."""
    lines = lzma.decompress(ARCHIVE.read_bytes()).decode().splitlines()
    return {entry["file"]: entry["content"] for entry in map(json.loads, lines)}


def models() -> dict[str, dict[str, Any]]:
    """Return the `config.json` of each model of the archive, by repositories such as `Qwen/Qwen3-8B`."""
    return {
        repository(file): content
        for file, content in shipped().items()
        if file.endswith(_CONFIG) and not file.endswith(_QUANTIZATION)
    }


def quantization_of(model: str) -> dict[str, Any] | None:
    """Return the `hf_quant_config.json` of a model; None if the archive has none."""
    return shipped().get(model.replace("/", "--") + _QUANTIZATION)


def repository(file: str) -> str:
    """Return the repository that a file belongs to: `Qwen--Qwen3-8B_config.json` belongs to `Qwen/Qwen3-8B`."""
    return file.removesuffix(_QUANTIZATION).removesuffix(_CONFIG).replace("--", "/")


def catalogue() -> dict[str, dict[str, Any]]:
    """Return the config of each architecture of the catalogue, by short names such as `llama-2-13b`."""
    return {name: entry["config"] for name, entry in data.load("models")["architectures"].items()}


@cache
def families() -> dict[str, dict[str, Any]]:
    """Return the configs of families that neither the catalogue nor the archive has, by short names."""
    models: dict[str, dict[str, Any]] = json.loads(FAMILIES.read_bytes())["models"]
    return models


def main() -> None:
    """Write the archive."""
    folder = Path(str(files("aiconfigurator_core"))) / "model_configs"
    lines = [
        json.dumps({"file": file.name, "content": json.loads(file.read_bytes())}, separators=(",", ":"))
        for file in sorted(folder.glob(f"*{_CONFIG}"))
    ]
    FOLDER.mkdir(parents=True, exist_ok=True)
    ARCHIVE.write_bytes(lzma.compress("".join(f"{line}\n" for line in lines).encode(), preset=9))
    print(f"{ARCHIVE.name}: {len(lines)} files of aiconfigurator-core {version('aiconfigurator-core')}")


if __name__ == "__main__":
    main()
