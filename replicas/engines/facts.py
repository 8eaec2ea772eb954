"""Facts of an engine: the JSON files of its folder, each with the date it was gathered on and its source."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def load(folder: Path, name: str) -> dict[str, Any]:
    """The content of `<folder>/<name>.json`, read once."""
    content: dict[str, Any] = json.loads((folder / f"{name}.json").read_bytes())
    return content
