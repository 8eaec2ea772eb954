"""Texts of options that several commands parse alike: numbers of users, rates, routing, regions, profiles."""

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
    typer.Option("--profile", metavar="FILE", help="Forecast with an engine profile that `replicas calibrate` made."),
]


def users_of(text: str) -> list[int]:
    """Parse `--users`: whole numbers in rising order, or the word `article` for the article's nine."""
    from replicas.forecast.loads import ARTICLE_USERS

    if text == "article":
        return list(ARTICLE_USERS)
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise UsageError(f"--users {text!r}: whole numbers with commas between (100,200), or `article`")
    return sorted({int(part) for part in parts})


def rates_of(text: str) -> list[float]:
    """Parse `--rate`: requests a second, in rising order."""
    try:
        return sorted({float(part) for part in text.split(",")})
    except ValueError:
        raise UsageError(f"--rate {text!r}: numbers with commas between (2,5.5,10)") from None


def routing_of(text: str) -> Routing:
    """Parse `--routing`."""
    from replicas.forecast.simulation import Routing

    strategies: dict[str, Routing] = {strategy: strategy for strategy in get_args(Routing)}
    if text not in strategies:
        raise UsageError(f"--routing {text!r}: {' or '.join(strategies)}")
    return strategies[text]


def regions_of(text: str) -> list[str]:
    """Parse `--regions`: names of regions that are known."""
    from replicas.catalogue.regions import known_regions

    regions = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [region for region in regions if region not in known_regions()]
    if unknown or not regions:
        raise UsageError(f"--regions {text!r}: no region {', '.join(unknown)} is known")
    return regions


def profile_of(path: Path | None) -> Profile | None:
    """Read the profile of `--profile`; None without one."""
    from replicas.forecast.profile_files import load_profile

    return None if path is None else load_profile(path)
