"""Files of engine profiles: `replicas calibrate` writes them, and `--profile` reads them."""

from __future__ import annotations

import json
from pathlib import Path

from replicas.engines.profile import Profile, read_profile
from replicas.errors import ForecastError, unreadable


def load_profile(path: Path) -> Profile:
    """Read the profile of a file.

    Raises:
        ForecastError: the file cannot be read, or is not a profile that this version can read.

    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise ForecastError(f"--profile {path} cannot be read: {unreadable(fault)}") from None
    try:
        return read_profile(document)
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise ForecastError(
            f"--profile {path} is not a profile of this version ({fault}): write one with `replicas calibrate`"
        ) from None


def save_profile(profile: Profile, path: Path) -> None:
    """Write a profile; missing folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(profile.to_document(), indent=2) + "\n")
