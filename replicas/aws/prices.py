"""Indicative hourly price of instances."""

from __future__ import annotations


def hourly_usd(instance_type: str, instances: int, region: str) -> float | None:
    """Return the indicative on-demand USD per hour for `instances` in a region; None if no source gives the price."""
    from replicas.catalogue.instances import find_instance

    try:
        price = find_instance(instance_type).price_usd_per_hour(region)
    except LookupError:
        return None
    return None if price is None else price * instances
