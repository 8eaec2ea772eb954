"""Prints the price of a deployment and of the running stack as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.cli.tables.options import usd
from replicas.delivery import Proposal
from replicas.planning.costs import added_usd_per_month, additions, cost_bounds
from replicas.units import HOURS_PER_MONTH


def price_lines(proposal: Proposal) -> Iterator[str]:
    """Yield the lines about the price: now, after the deployment (at start, floor and ceiling), and the difference."""
    plan, now = proposal.plan, proposal.usd_per_hour_now
    where = f"{plan.price_region}, {plan.price.kind}" if plan.price else plan.price_region
    if proposal.existing is None:
        yield f"runs now as {plan.name}: nothing, 0.00 USD an hour"
    else:
        yield f"runs now as {plan.name}: {_amount(now)}"
    then = plan.usd_per_hour
    if then is None:
        yield f"after the deployment: the price of {plan.instance.name} in {plan.price_region} is unknown"
        return
    yield f"after the deployment: {_amount(then)} with initial copies ({where})"
    bounds = cost_bounds(plan)
    floor, ceiling = bounds["floor"].usd_per_hour, bounds["ceiling"].usd_per_hour
    if (floor, ceiling) != (then, then):
        yield f"  with its scaling: from {usd(floor, plan.price)} to {usd(ceiling, plan.price)} USD an hour"
    if added := added_usd_per_month(additions(plan)):
        yield f"  its options add {added:,.2f} USD a month"
    if now is not None:
        yield f"difference: {_amount(then - now, sign='+')}"


def _amount(usd_per_hour: float | None, *, sign: str = "") -> str:
    if usd_per_hour is None:
        return "an unknown price"
    return f"{usd_per_hour:{sign},.2f} USD an hour, {usd_per_hour * HOURS_PER_MONTH:{sign},.2f} USD a month"
