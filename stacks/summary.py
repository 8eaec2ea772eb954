"""Summary of an app, one line per stack: copies, price, and trust in a forecast."""

from __future__ import annotations

from replicas import EndpointPlan
from replicas.forecast.expected_class import expected_class
from stacks.multi_replica_stack import describe


def summary_line(plan: EndpointPlan) -> str:
    """Return the line of a plan: `llama-2-13b: 8 x ... on 1 x ml.p4d.24xlarge; 25.25 USD an hour; forecast: ...`."""
    price = plan.price
    if plan.usd_per_hour is None or price is None:
        usd = "price not known"
    else:
        mark = "~" if price.is_estimate else ""
        usd = f"{mark}{plan.usd_per_hour:.2f} USD an hour ({plan.price_region}, {price.kind})"
    trusts = [(component.name, expected_class(plan, component)) for component in plan.components]
    classes = [(name, trust.summary if trust else "none") for name, trust in trusts]
    alone = len(classes) == 1
    forecast = ", ".join(trust if alone else f"{trust} ({name})" for name, trust in classes)
    return f"{plan.name}: {describe(plan)}; {usd}; forecast: {forecast}"
