"""Parsers for options that several commands share: numbers of users, routing, regions, profiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from replicas.errors import UsageError

if TYPE_CHECKING:
    from replicas.engines.profile import Profile
    from replicas.forecast.simulation import Routing

ProfileFile = Annotated[
    Path | None,
    typer.Option("--profile", metavar="FILE", help="Forecast with an engine profile from `replicas calibrate`."),
]


def routing_of(text: str) -> Routing:
    """Parse `--routing` into a routing strategy."""
    from replicas.forecast.simulation import Routing

    strategies: dict[str, Routing] = {strategy: strategy for strategy in get_args(Routing)}
    if text not in strategies:
        raise UsageError(f"--routing {text!r}: use {' or '.join(strategies)}")
    return strategies[text]


def regions_of(text: str) -> list[str]:
    """Parse `--regions` into names of known AWS regions."""
    from replicas.catalogue.regions import known_regions

    regions = [region.strip() for region in text.split(",") if region.strip()]
    unknown = [region for region in regions if region not in known_regions()]
    if unknown or not regions:
        raise UsageError(f"--regions {text!r}: unknown region {', '.join(unknown)}: use names such as us-east-1")
    return regions


def profile_of(path: Path | None) -> Profile | None:
    """Read the engine profile in the file of `--profile`; None if no file is given."""
    from replicas.forecast.profile_files import load_profile

    return None if path is None else load_profile(path)
