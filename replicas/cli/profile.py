"""`--profile FILE`, as `forecast` and `benchmark` take it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from replicas.engines.profile import Profile

ProfileFile = Annotated[
    Path | None,
    typer.Option("--profile", metavar="FILE", help="Forecast with an engine profile that `replicas calibrate` made."),
]


def profile_of_file(path: Path | None) -> Profile | None:
    """The profile of a file; None of no file.

    Raises:
        ForecastError: it cannot be read, or is no profile of this version.

    """
    if path is None:
        return None
    import json

    from replicas.engines.profile import read_profile
    from replicas.errors import ForecastError

    try:
        return read_profile(json.loads(path.read_text()))
    except (OSError, json.JSONDecodeError) as fault:
        raise ForecastError(f"--profile {path} cannot be read: {fault}") from None
    except (AttributeError, TypeError) as fault:
        raise ForecastError(f"--profile {path} is no profile of this version ({fault}): `replicas calibrate`") from None
