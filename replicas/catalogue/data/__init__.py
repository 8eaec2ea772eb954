"""Facts as data files, each with its source and date. `scripts/refresh_data.py` rebuilds the files taken from
packages.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


@cache
def load(name: str, folder: Path = _FOLDER) -> dict[str, Any]:
    """Return the content of `<folder>/<name>.json`. It is read once; callers must not change it.

    Args:
        name: file name without its suffix.
        folder: folder of the file. Default: the data of the catalogue.

    """
    content: dict[str, Any] = json.loads((folder / f"{name}.json").read_bytes())
    return content
