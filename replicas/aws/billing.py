"""Hourly cost of the instances behind every endpoint, by region."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from replicas.aws.app_regions import AppRegion
from replicas.aws.instances import groups_of
from replicas.aws.prices import hourly_usd
from replicas.aws.session import Aws, explain
from replicas.errors import OperationError


@dataclass(frozen=True)
class Bill:
    """The running instances of one type in one variant of an endpoint, with their price."""

    region: str
    endpoint: str
    status: str
    instance_type: str
    instances: int
    usd_per_hour: float | None
    """Indicative price of these instances; None if no source gives it."""


@dataclass(frozen=True)
class Bills:
    """The billed instances of all queried regions."""

    bills: tuple[Bill, ...]
    unanswered: tuple[tuple[str, str], ...]
    """Regions that could not be queried, each with the reason."""
    regions: tuple[str, ...] = ()
    """Regions that were queried."""
    known: tuple[AppRegion, ...] = ()
    """Regions named by stacks of this app."""

    @property
    def answered(self) -> list[str]:
        """Regions that were queried without an error."""
        return [region for region in self.regions if region not in dict(self.unanswered)]

    @property
    def not_queried(self) -> list[AppRegion]:
        """Regions named by stacks of this app, but not queried."""
        return [known for known in self.known if known.region not in self.regions]

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.aws.document.BillsDocument`)."""
        return {
            "schema": "replicas.bills/1",
            "bills": [asdict(bill) for bill in self.bills],
            "unanswered": [{"region": region, "why": why} for region, why in self.unanswered],
            "regions": list(self.regions),
            "known": [{"region": known.region, "stacks": list(known.stacks)} for known in self.known],
        }


def billed_instances(aws: Aws, regions: Sequence[str], known: Sequence[AppRegion] = ()) -> Bills:
    """Query all regions in parallel.

    A region that fails is listed in `unanswered`, and the other regions are still reported.
    """

    def ask(region: str) -> tuple[list[Bill], str | None]:
        try:
            return list(bills_of_region(aws.in_region(region))), None
        except (ClientError, BotoCoreError) as fault:
            return [], str(explain(fault))
        except OperationError as error:
            return [], str(error)

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(ask, regions))
    return Bills(
        tuple(bill for bills, _ in answers for bill in bills),
        tuple((region, why) for region, (_, why) in zip(regions, answers, strict=True) if why is not None),
        tuple(regions),
        tuple(known),
    )


def bills_of_region(aws: Aws) -> Iterator[Bill]:
    """Yield the running instances of every endpoint of the region."""
    sagemaker = aws.client("sagemaker")
    for page in sagemaker.get_paginator("list_endpoints").paginate():
        for entry in page["Endpoints"]:
            endpoint = sagemaker.describe_endpoint(EndpointName=entry["EndpointName"])
            config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
            for group in groups_of(endpoint, config):
                for kind, count in group.running.items():
                    usd = hourly_usd(kind, count, aws.region)
                    yield Bill(aws.region, endpoint["EndpointName"], endpoint["EndpointStatus"], kind, count, usd)
