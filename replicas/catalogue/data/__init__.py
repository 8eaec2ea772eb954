"""Facts as data files, each with its source and date. `scripts/refresh_data.py` rebuilds the files taken from
packages.
"""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


def known_to_be_past() -> date:
    """Return the day on which the tables of images were retrieved: a day that is past whenever this package is used.

    Checks and plans compare schedules with it, because they must not depend on a clock.
    """
    return date.fromisoformat(load("registries")["retrieved"])


@cache
def load(name: str, folder: Path = _FOLDER) -> dict[str, Any]:
    """Return the content of `<folder>/<name>.json`. It is read once; callers must not change it.

    Args:
        name: file name without its suffix.
        folder: folder of the file. Default: the data of the catalogue.

    """
    content: dict[str, Any] = json.loads((folder / f"{name}.json").read_bytes())
    return content
