"""Refresh `replicas/catalogue/data/prices.json` from the AWS Price List: on-demand prices of hosting, by region.

    python -m scripts.refresh_prices --regions us-west-2,eu-west-1          # the API: needs pricing:GetProducts
    python -m scripts.refresh_prices --regions us-west-2 --bulk             # the public bulk files: no credentials
    python -m scripts.refresh_prices --regions us-west-2 --index FILE.json  # a local bulk file

Prices of SageMaker's hosting usage types (`USW2-Host:ml.p4d.24xlarge`) in the list have the kind `published`. They
replace the known price of the instance type in the region. No price is ever removed: a price that the list lacks stays
with its source and date, and is reported. The refresh stops if rows contradict each other or are not in USD per hour.
Types that are not in the table of instances are skipped, because no deployment can use them.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from replicas.catalogue.instances import instance_types

PRICES = Path(__file__).parent.parent / "replicas" / "catalogue" / "data" / "prices.json"
SERVICE = "AmazonSageMaker"
PRICING_REGION = "us-east-1"  # the Price List API has endpoints in few regions, each with the prices of all regions
BULK = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{service}/current/{region}/index.json"
HOSTING = re.compile(r"(?:[A-Z0-9]+-)?Host:(ml\.[a-z0-9.-]+)")

Json = dict[str, Any]


class PriceListError(Exception):
    """Rows of the list cannot be used as prices. The message names all of them."""


@dataclass(frozen=True)
class Row:
    """One hosting price of the list."""

    region: str
    instance_type: str
    usd: Decimal
    version: str
    """Publication date of the list, or its version."""


def api_rows(client: Any, region: str) -> Iterator[Row | str]:
    """Yield the hosting prices of a region from GetProducts; for a missing or unusable price, an error message."""
    filters = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}]
    for page in client.get_paginator("get_products").paginate(ServiceCode=SERVICE, Filters=filters):
        for text in page["PriceList"]:
            product = json.loads(text)
            version = str(product.get("publicationDate", product.get("version", "")))
            yield from _rows(product["product"], product.get("terms", {}).get("OnDemand", {}), region, version)


def bulk_rows(index: Mapping[str, Any], region: str) -> Iterator[Row | str]:
    """Yield the hosting prices of a region from a bulk file; for a missing or unusable price, an error message."""
    terms = index["terms"].get("OnDemand", {})
    version = str(index.get("publicationDate", index.get("version", "")))
    for sku, product in index["products"].items():
        yield from _rows(product, terms.get(sku, {}), region, version)


def checked(rows: Iterable[Row | str]) -> dict[str, Row]:
    """Return the row of each instance type.

    Raises:
        PriceListError: a price is missing or unusable, or an instance type has several prices.

    """
    row_of: dict[str, Row] = {}
    faults: list[str] = []
    for row in rows:
        if isinstance(row, str):
            faults.append(row)
            continue
        other = row_of.setdefault(row.instance_type, row)
        if other.usd != row.usd:
            faults.append(f"{row.instance_type} in {row.region}: {other.usd} and {row.usd} USD an hour")
    if faults:
        raise PriceListError("\n".join(faults))
    return row_of


def merged(prices: Json, region: str, rows: Mapping[str, Row], today: str, origin: str) -> tuple[Json, list[str]]:
    """Add a region's published prices to the data. Return the data and a line for each new, changed or
    missing price.
    """
    lines: list[str] = []
    sheets: list[Json] = []
    for sheet in prices["hosting"]:
        if sheet["region"] != region:
            sheets.append(sheet)
            continue
        for name, usd in sheet["prices"].items():
            if name not in rows:
                lines.append(
                    f"unchanged: {name} {usd} ({sheet['kind']}, {sheet['retrieved']}): the list has no row for it"
                )
            elif rows[name].usd != Decimal(str(usd)):
                lines.append(f"changed: {name} {usd} ({sheet['kind']}, {sheet['retrieved']}) -> {rows[name].usd}")
        left = {name: usd for name, usd in sheet["prices"].items() if name not in rows}
        if left:
            sheets.append({**sheet, "prices": left})
    before = {name for sheet in prices["hosting"] if sheet["region"] == region for name in sheet["prices"]}
    lines += [f"new: {name} {rows[name].usd}" for name in rows if name not in before]
    if rows:
        versions = ", ".join(sorted({row.version for row in rows.values()}))
        published = {
            "region": region,
            "kind": "published",
            "retrieved": today,
            "source": f"{origin}, {SERVICE}, usage types Host:ml.*, on-demand, list of {versions}",
            "prices": {name: float(rows[name].usd) for name in instance_types() if name in rows},
        }
        sheets = [published, *sheets]
    dated = [sheet["retrieved"] for sheet in (*sheets, *prices["services"])]
    return {**prices, "retrieved": min(dated), "hosting": sheets}, lines


def _rows(product: Mapping[str, Any], offers: Mapping[str, Any], region: str, version: str) -> Iterator[Row | str]:
    """Yield the on-demand prices of a product; for a missing or unusable price, an error message."""
    attributes = product.get("attributes", {})
    usage = HOSTING.fullmatch(str(attributes.get("usagetype", "")))
    if usage is None or usage[1] not in instance_types() or attributes.get("regionCode", region) != region:
        return
    dimensions = [dimension for offer in offers.values() for dimension in offer.get("priceDimensions", {}).values()]
    if not dimensions:
        yield f"{usage[1]} in {region}: no on-demand price"
    for dimension in dimensions:
        amount, unit = dimension.get("pricePerUnit", {}).get("USD"), str(dimension.get("unit"))
        try:
            usd = Decimal(str(amount))
        except InvalidOperation:
            usd = Decimal(0)
        if unit.lower() not in ("hrs", "hours", "hour") or not usd.is_finite() or usd <= 0:
            yield f"{usage[1]} in {region}: {amount} USD for {unit!r} is not a price per hour"
        else:
            yield Row(region, usage[1], usd.normalize(), version)


def _read(options: argparse.Namespace, region: str) -> tuple[list[Row | str], str]:
    if options.index:
        return list(bulk_rows(json.loads(options.index.read_text()), region)), "AWS Price List bulk file"
    if options.bulk:
        address = BULK.format(service=SERVICE, region=region)
        with urllib.request.urlopen(address, timeout=120) as answer:  # noqa: S310 (https, a constant address)
            return list(bulk_rows(json.load(answer), region)), "AWS Price List bulk file"
    import boto3

    return list(api_rows(boto3.client("pricing", region_name=PRICING_REGION), region)), "AWS Price List API"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, and print the prices that changed or stayed. Return 1 if the file could not be written."""
    from botocore.exceptions import BotoCoreError, ClientError

    parser = argparse.ArgumentParser(description="Refresh the prices from the AWS Price List.")
    parser.add_argument("--regions", required=True, help="comma-separated regions: us-west-2,eu-west-1")
    parser.add_argument("--bulk", action="store_true", help="use the public bulk files, which need no credentials")
    parser.add_argument("--index", type=Path, help="local bulk file of one region")
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="recorded as `retrieved`")
    parser.add_argument("--output", type=Path, default=PRICES, help="file to refresh")
    options = parser.parse_args(arguments)
    prices: Json = json.loads(options.output.read_text())
    try:
        for region in options.regions.split(","):
            listed, origin = _read(options, region)
            rows = checked(listed)
            if not rows:
                raise PriceListError(f"the list has no hosting price in {region}: check the name of the region")
            prices, lines = merged(prices, region, rows, options.date, origin)
            print(f"{region}: {len(rows)} hosting prices", *lines, sep="\n  ")
    except (PriceListError, BotoCoreError, ClientError, OSError, ValueError) as error:
        print(f"nothing written: {error}", file=sys.stderr)
        return 1
    options.output.write_text(json.dumps(prices, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
