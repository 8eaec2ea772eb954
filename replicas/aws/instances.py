"""The instances of an endpoint: running counts by type, for variants with one instance type or instance pools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from replicas.aws.prices import hourly_usd


class Group(NamedTuple):
    """The instances of one variant."""

    variant: str
    types: tuple[str, ...]
    """Instance types in order of priority; several if the variant has instance pools."""
    running: Mapping[str, int]
    """Number of running instances by type, without types that have none."""
    desired: int
    scaling: tuple[int, int] | None
    """Minimum and maximum of managed instance scaling; None if it is off."""

    def usd_per_hour(self, region: str) -> float | None:
        """Return the indicative price of the running instances; None if a type's price is not known."""
        prices = [hourly_usd(kind, count, region) for kind, count in self.running.items()]
        return None if None in prices else float(sum(price for price in prices if price is not None))


def groups_of(endpoint: Mapping[str, Any], configuration: Mapping[str, Any]) -> Iterator[Group]:
    """Yield the instances of each variant, from DescribeEndpoint and DescribeEndpointConfig.

    Serverless variants, which have no instances, are left out.
    """
    configured = {variant["VariantName"]: variant for variant in configuration["ProductionVariants"]}
    for variant in endpoint.get("ProductionVariants", ()):
        settings = configured.get(variant["VariantName"], {})
        pools = sorted(settings.get("InstancePools", ()), key=lambda pool: pool.get("Priority", 0))
        types = tuple(pool["InstanceType"] for pool in pools) or tuple(filter(None, [settings.get("InstanceType")]))
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
