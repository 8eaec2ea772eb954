"""What an endpoint costs an hour, as far as a source gives it."""

from __future__ import annotations


def hourly_usd(instance_type: str, instances: int, region: str) -> float | None:
    """On-demand USD an hour of so many instances in a region, indicative; None where no source gives the price."""
    from replicas.catalogue.instances import find_instance

    try:
        price = find_instance(instance_type).price_usd_per_hour(region)
    except LookupError:
        return None
    return None if price is None else price * instances
