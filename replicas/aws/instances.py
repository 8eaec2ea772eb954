"""The instances of an endpoint: how many of which type run, where a variant has one type or pools of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from replicas.aws.prices import hourly_usd


class Group(NamedTuple):
    """The instances of a variant."""

    variant: str
    types: tuple[str, ...]
    """In the order in which they are tried; several where the variant has pools."""
    running: Mapping[str, int]
    """By type, types without instances left out."""
    desired: int
    scaling: tuple[int, int] | None
    """Floor and ceiling of managed instance scaling."""

    def usd_per_hour(self, region: str) -> float | None:
        """Of what runs, indicative; None where no source gives a price."""
        prices = [hourly_usd(kind, count, region) for kind, count in self.running.items()]
        return None if None in prices else float(sum(price for price in prices if price is not None))


def groups_of(endpoint: Mapping[str, Any], configuration: Mapping[str, Any]) -> Iterator[Group]:
    """The instances behind each variant of an endpoint, as SageMaker describes it and its configuration.

    A serverless variant has none and is left out.
    """
    asked = {variant["VariantName"]: variant for variant in configuration["ProductionVariants"]}
    for variant in endpoint.get("ProductionVariants", ()):
        wish = asked.get(variant["VariantName"], {})
        pools = sorted(wish.get("InstancePools", ()), key=lambda pool: pool.get("Priority", 0))
        types = tuple(pool["InstanceType"] for pool in pools) or tuple(filter(None, [wish.get("InstanceType")]))
        if not types:
            continue
        count = variant.get("CurrentInstanceCount", 0)
        running = {types[0]: count}
        if pools:
            running = {pool["InstanceType"]: pool["CurrentInstanceCount"] for pool in variant.get("InstancePools", ())}
        scaling = variant.get("ManagedInstanceScaling", {})
        bounds = (scaling.get("MinInstanceCount", 1), scaling.get("MaxInstanceCount", 1))
        yield Group(
            variant["VariantName"],
            types,
            {kind: number for kind, number in running.items() if number},
            variant.get("DesiredInstanceCount", count),
            bounds if scaling.get("Status") == "ENABLED" else None,
        )
