"""Prices from the AWS Price List: read as botocore's model and the bulk files give them, and none is lost."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from replicas.catalogue.instances import instance_types
from replicas.catalogue.prices import best_prices
from scripts.refresh_prices import PRICES, PriceListError, Row, api_rows, bulk_rows, checked, main, merged

PUBLISHED = "2026-11-20T19:16:04Z"
OF_HOSTING = {"servicecode": "AmazonSageMaker", "regionCode": "us-west-2", "location": "US West (Oregon)"}


def product(usage_type: str, **attributes: str) -> dict[str, Any]:
    instance = usage_type.partition(":")[2]
    known = {**OF_HOSTING, "usagetype": usage_type, "instanceName": instance, "operation": "RunInstance", **attributes}
    return {"sku": usage_type, "productFamily": "ML Instance", "attributes": known}


def offer(usd: str, unit: str = "Hrs") -> dict[str, Any]:
    """A term as the list writes it: offers by code, dimensions by code, amounts as text."""
    dimension = {
        "rateCode": "A.B.C",
        "description": f"${usd} per hour",
        "unit": unit,
        "beginRange": "0",
        "endRange": "Inf",
        "appliesTo": [],
        "pricePerUnit": {"USD": usd},
    }
    return {
        "A.B": {"offerTermCode": "B", "effectiveDate": "2026-11-01T00:00:00Z", "priceDimensions": {"A.B.C": dimension}}
    }


def listed(usage_type: str, usd: str, unit: str = "Hrs", **attributes: str) -> str:
    """An entry of GetProducts: JSON as text."""
    return json.dumps(
        {
            "product": product(usage_type, **attributes),
            "serviceCode": "AmazonSageMaker",
            "terms": {"OnDemand": offer(usd, unit)},
            "version": "20261120191604",
            "publicationDate": PUBLISHED,
        }
    )


def fetched(*pages: list[str]) -> list[Row | str]:
    """What is read of pages that botocore's model accepts, asked for as its model allows."""
    client = boto3.client("pricing", region_name="us-east-1")
    filters = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-west-2"}]
    with Stubber(client) as stubber:
        for number, page in enumerate(pages):
            asked: dict[str, Any] = {"ServiceCode": "AmazonSageMaker", "Filters": filters}
            answer: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": page}
            if number:
                asked["NextToken"] = str(number)
            if number + 1 < len(pages):
                answer["NextToken"] = str(number + 1)
            stubber.add_response("get_products", answer, asked)
        rows = list(api_rows(client, "us-west-2"))
        stubber.assert_no_pending_responses()
    return rows


def prices(**hosting: float) -> dict[str, Any]:
    """A file with prices seen elsewhere for one region, and one price of another."""
    sheets = [
        {"region": "us-west-2", "kind": "indicative", "retrieved": "2026-01-01", "source": "old", "prices": hosting},
        {
            "region": "eu-west-1",
            "kind": "estimate",
            "retrieved": "2026-02-01",
            "source": "e",
            "prices": {"ml.p4d.24xlarge": 3.0},
        },
    ]
    return {"retrieved": "2026-01-01", "source": "s", "currency": "USD", "hosting": sheets, "services": []}


def test_hosting_rows_of_all_pages_and_no_others() -> None:
    rows = fetched(
        [
            listed("USW2-Host:ml.p4d.24xlarge", "25.2512860000"),
            listed("USW2-Train:ml.p4d.24xlarge", "26.0000000000"),
            listed("USW2-Studio:JupyterLab-ml.p4d.24xlarge", "27.0000000000"),
        ],
        [listed("USW2-Host:ml.g5.xlarge", "1.4080000000"), listed("USW2-Host:ml.m5.large", "0.1150000000")],
        [listed("USE1-Host:ml.g6.xlarge", "1.0000000000", regionCode="us-east-1")],
    )
    assert {name: row.usd for name, row in checked(rows).items()} == {
        "ml.p4d.24xlarge": Decimal("25.251286"),
        "ml.g5.xlarge": Decimal("1.408"),
    }


def test_a_bulk_file_gives_the_same_rows_as_the_api() -> None:
    usages = {
        "USW2-Host:ml.p4d.24xlarge": "25.2512860000",
        "Host:ml.g5.xlarge": "1.4080000000",
        "USW2-Train:ml.g5.xlarge": "2",
    }
    index = {
        "publicationDate": PUBLISHED,
        "products": {usage: product(usage) for usage in usages},
        "terms": {"OnDemand": {usage: offer(usd) for usage, usd in usages.items()}},
    }
    assert list(bulk_rows(index, "us-west-2")) == fetched([listed(usage, usd) for usage, usd in usages.items()])


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("25", "Hrs"), ("26", "Hrs")], "ml.p4d.24xlarge in us-west-2: 25 and 26 USD an hour"),
        ([("0.0000000000", "Hrs")], "ml.p4d.24xlarge in us-west-2: 0.0000000000 USD for 'Hrs' is not a price per hour"),
        ([("25", "Quantity")], "ml.p4d.24xlarge in us-west-2: 25 USD for 'Quantity' is not a price per hour"),
        ([("n/a", "Hrs")], "ml.p4d.24xlarge in us-west-2: n/a USD for 'Hrs' is not a price per hour"),
        ([("NaN", "Hrs")], "ml.p4d.24xlarge in us-west-2: NaN USD for 'Hrs' is not a price per hour"),
    ],
)
def test_a_row_that_is_no_price_stops_everything(entries: list[tuple[str, str]], message: str) -> None:
    rows = fetched([listed("USW2-Host:ml.p4d.24xlarge", usd, unit) for usd, unit in entries])
    with pytest.raises(PriceListError) as caught:
        checked(rows)
    assert str(caught.value) == message


def test_what_the_list_gives_is_published_and_what_it_lacks_stays_and_is_named() -> None:
    old = prices(**{"ml.p4d.24xlarge": 25.0, "ml.g5.xlarge": 1.408, "ml.p4de.24xlarge": 31.56})
    rows = checked(
        fetched(
            [
                listed(f"USW2-Host:ml.{name}", usd)
                for name, usd in (("p4d.24xlarge", "25.25"), ("g5.xlarge", "1.408"), ("g6.xlarge", "1.1"))
            ]
        )
    )
    new, said = merged(old, "us-west-2", rows, "2026-11-25", "AWS Price List API")

    assert said == [
        "changed: ml.p4d.24xlarge 25.0 (indicative, 2026-01-01) -> 25.25",
        "unchanged: ml.p4de.24xlarge 31.56 (indicative, 2026-01-01): the list has no row for it",
        "new: ml.g6.xlarge 1.1",
    ]
    published, stayed, elsewhere = new["hosting"]
    assert published["prices"] == {"ml.g5.xlarge": 1.408, "ml.g6.xlarge": 1.1, "ml.p4d.24xlarge": 25.25}
    assert (published["kind"], published["retrieved"]) == ("published", "2026-11-25")
    assert PUBLISHED in published["source"]
    assert stayed == {**old["hosting"][0], "prices": {"ml.p4de.24xlarge": 31.56}}
    assert elsewhere == old["hosting"][1]
    assert new["retrieved"] == "2026-01-01", "the day of the oldest sheet: its age is what warnings go by"


TYPES = st.sampled_from(sorted(instance_types()))
AMOUNTS = st.integers(1, 10_000).map(lambda cents: cents / 100)


@given(st.dictionaries(TYPES, AMOUNTS), st.dictionaries(TYPES, AMOUNTS), st.dictionaries(TYPES, AMOUNTS))
def test_no_price_is_ever_lost(old: dict[str, float], first: dict[str, float], second: dict[str, float]) -> None:
    found = prices(**old)
    for number, given_ in enumerate((first, second)):
        rows = {name: Row("us-west-2", name, Decimal(str(usd)), "v") for name, usd in given_.items()}
        found, said = merged(found, "us-west-2", rows, f"2026-11-{20 + number}", "list")
        best = best_prices(found["hosting"])
        before = set(old) | set(first) if number else set(old)
        assert {name for region, name in best if region == "us-west-2"} == before | set(given_)
        assert {name: best["us-west-2", name].usd for name in given_} == given_
        for name in before - set(given_):
            assert any(line.startswith(f"unchanged: {name} ") for line in said)
    assert best["eu-west-1", "ml.p4d.24xlarge"].usd == 3.0


def test_the_script_refreshes_a_file_from_a_bulk_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usage = "USW2-Host:ml.p4de.24xlarge"
    index = {
        "publicationDate": PUBLISHED,
        "products": {usage: product(usage)},
        "terms": {"OnDemand": {usage: offer("31.5")}},
    }
    (tmp_path / "index.json").write_text(json.dumps(index))
    output = tmp_path / "prices.json"
    output.write_text(PRICES.read_text())
    options = ["--index", str(tmp_path / "index.json"), "--date", "2026-11-25", "--output", str(output)]

    assert main(["--regions", "us-west-2", *options]) == 0

    assert "changed: ml.p4de.24xlarge 31.56 (estimate, 2026-11-22) -> 31.5\n" in capsys.readouterr().out
    price = best_prices(json.loads(output.read_text())["hosting"])["us-west-2", "ml.p4de.24xlarge"]
    assert (price.usd, price.kind) == (31.5, "published")
    written = output.read_bytes()
    assert main(["--regions", "nowhere", *options]) == 1
    assert "nothing written: the list has no hosting price in nowhere" in capsys.readouterr().err
    assert output.read_bytes() == written
