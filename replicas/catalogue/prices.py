"""Prices as data: what an instance, an alarm or a dashboard costs where, from which source, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from replicas.catalogue import data

PRICE_REGION = "us-west-2"
"""Whose prices are shown where a deployment names no region: the only ones with a source."""

Kind = Literal["published", "indicative", "estimate"]
KINDS: tuple[Kind, ...] = ("published", "indicative", "estimate")
"""The surest first: a row of the price list for exactly this use; a price seen for another use, or at second hand; a
price computed from another one."""

Service = Literal["alarm_month", "high_resolution_alarm_month", "dashboard_month", "interface_endpoint_hour"]


@dataclass(frozen=True, kw_only=True)
class Price:
    """USD for one unit, and where the figure is from."""

    usd: float
    kind: Kind
    region: str
    retrieved: str
    """Day, YYYY-MM-DD."""
    source: str

    @property
    def is_estimate(self) -> bool:
        """Computed from another price: shown with a tilde."""
        return self.kind == "estimate"


def hosting_price(instance_type: str, region: str | None = None) -> Price | None:
    """On-demand price of one instance for an hour; None where no source gives it. No region means `PRICE_REGION`."""
    return _best("hosting").get((region or PRICE_REGION, instance_type))


def service_price(service: Service, region: str | None = None) -> Price | None:
    """Price of what an option adds, for a month or an hour as its name says; None where no source gives it."""
    return _best("services").get((region or PRICE_REGION, service))


def best_prices(sheets: list[dict[str, Any]]) -> dict[tuple[str, str], Price]:
    """The surest price of each region and thing."""
    found: dict[tuple[str, str], Price] = {}
    for sheet in sorted(sheets, key=lambda sheet: KINDS.index(sheet["kind"]), reverse=True):
        prices: Mapping[str, float] = sheet["prices"]
        for name, usd in prices.items():
            found[sheet["region"], name] = Price(
                usd=usd,
                kind=sheet["kind"],
                region=sheet["region"],
                retrieved=sheet["retrieved"],
                source=sheet["source"],
            )
    return found


@cache
def _best(table: str) -> dict[tuple[str, str], Price]:
    return best_prices(data.load("prices")[table])
