"""Loads of a forecast: the given numbers, completed by the traffic that a component declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from replicas.errors import UsageError
from replicas.forecast.loads import ARTICLE_USERS
from replicas.load import Load
from replicas.planning.plans import ComponentPlan

DEFAULT_INPUT_TOKENS = 1000
DEFAULT_OUTPUT_TOKENS = 50
"""Length of the article's answers."""


def declared_load(component: ComponentPlan) -> Load | None:
    """Return the declared traffic of a component as a load; None if it declares none."""
    traffic = component.traffic
    if traffic is None:
        return None
    return Load(
        users=traffic.users,
        requests_per_second=traffic.requests_per_second,
        input_tokens=traffic.input_tokens,
        output_tokens=traffic.output_tokens,
    )


def loads_of(
    component: ComponentPlan,
    *,
    users: Sequence[int] | None = None,
    rates: Sequence[float] | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    shared_tokens: int = 0,
) -> list[Load]:
    """Return one load for each number of users or each rate.

    If neither is given, the load is the component's declared traffic. If the component declares none, the loads are the
    article's numbers of users. The default lengths are those of the declared traffic, otherwise the article's.

    Args:
        component: the component that receives the load.
        users: numbers of users in a closed loop.
        rates: arrival rates, requests per second (Poisson).
        input_tokens: length of a prompt.
        output_tokens: length of an answer.
        shared_tokens: tokens at the beginning of every prompt that all prompts have in common.

    Raises:
        UsageError: both users and rates are given.

    """
    if users is not None and rates is not None:
        raise UsageError("--users is a closed loop, --rate are arrivals: one of the two")
    declared = declared_load(component)
    answer = DEFAULT_OUTPUT_TOKENS if component.task == "generate" else 0
    longest = min(DEFAULT_INPUT_TOKENS, component.max_input_tokens) if not answer else DEFAULT_INPUT_TOKENS
    base = declared or Load(users=1, input_tokens=longest, output_tokens=answer)
    base = replace(
        base,
        input_tokens=base.input_tokens if input_tokens is None else input_tokens,
        output_tokens=base.output_tokens if output_tokens is None else output_tokens,
        shared_tokens=shared_tokens,
    )
    if rates is not None:
        return [replace(base, users=None, requests_per_second=rate) for rate in sorted(set(rates))]
    if users is None and declared is not None:
        return [base]
    counts = ARTICLE_USERS if users is None else sorted(set(users))
    return [replace(base, users=count, requests_per_second=None) for count in counts]
