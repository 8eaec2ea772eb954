"""Warnings about old data files that a plan uses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from replicas.catalogue import data
from replicas.engines import engine_kinds, engine_names

_CATALOGUE_FILES = (
    *("accelerators", "amis", "claims", "config_defaults", "instances", "managed_policies"),
    *("models", "prices", "regions", "registries", "served"),
)
_ENGINE_FILES = ("facts", "variables")
_AGE_LIMIT_DAYS = 365


def gathered() -> Iterator[tuple[str, date]]:
    """Yield each data file that plans use, with the date on which its data was gathered."""
    for name in _CATALOGUE_FILES:
        yield f"{name}.json", date.fromisoformat(data.load(name)["retrieved"])
    for engine in engine_names():
        kind = engine_kinds()[engine]
        for name in (*_ENGINE_FILES, *kind.image_files.values()):
            yield f"{engine}/{name}.json", date.fromisoformat(kind.facts(name)["retrieved"])


def data_warnings(region: str | None, today: date) -> list[str]:
    """Return one warning for each data file whose data is over a year old. A plan without a region gets no warnings."""
    if region is None:
        return []
    return [
        f"{name} was gathered on {day}, over a year ago: run `make refresh-data`, or check its figures"
        for name, day in gathered()
        if (today - day).days > _AGE_LIMIT_DAYS
    ]
