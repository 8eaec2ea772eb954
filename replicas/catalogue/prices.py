"""Prices of instances, alarms and dashboards per region, each with its source and its reliability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from replicas.catalogue import data

PRICE_REGION = "us-west-2"
"""Region whose prices are shown for a deployment without a region, because these prices have sources."""

Kind = Literal["published", "indicative", "estimate"]
KINDS: tuple[Kind, ...] = ("published", "indicative", "estimate")
"""Kinds of prices, most reliable first. `published`: a row of the price list for exactly this use. `indicative`: a
price for another use, or from a secondary source. `estimate`: computed from another price."""

Service = Literal["alarm_month", "high_resolution_alarm_month", "dashboard_month", "interface_endpoint_hour"]


@dataclass(frozen=True, kw_only=True)
class Price:
    """Price of one unit in USD, with its source."""

    usd: float
    kind: Kind
    region: str
    retrieved: str
    """Date, YYYY-MM-DD."""
    source: str

    @property
    def is_estimate(self) -> bool:
        """True if the price is computed from another price. Estimates are shown with a tilde."""
        return self.kind == "estimate"


def hosting_price(instance_type: str, region: str | None = None) -> Price | None:
    """Return the on-demand price of one instance for an hour; None if no source gives it. No region means
    `PRICE_REGION`.
    """
    return _best("hosting").get((region or PRICE_REGION, instance_type))


def service_price(service: Service, region: str | None = None) -> Price | None:
    """Return the price of a service that an option adds; None if no source gives it.

    The name of the service states the unit of time, month or hour.
    """
    return _best("services").get((region or PRICE_REGION, service))


def best_prices(sheets: list[dict[str, Any]]) -> dict[tuple[str, str], Price]:
    """Return the most reliable price of each region and item."""
    best: dict[tuple[str, str], Price] = {}
    for sheet in sorted(sheets, key=lambda sheet: KINDS.index(sheet["kind"]), reverse=True):
        prices: Mapping[str, float] = sheet["prices"]
        for name, usd in prices.items():
            best[sheet["region"], name] = Price(
                usd=usd,
                kind=sheet["kind"],
                region=sheet["region"],
                retrieved=sheet["retrieved"],
                source=sheet["source"],
            )
    return best


@cache
def _best(table: str) -> dict[tuple[str, str], Price]:
    return best_prices(data.load("prices")[table])
