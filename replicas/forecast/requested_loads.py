"""Loads of a forecast, from the given options and the declared traffic of a component."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from replicas.load import Load
from replicas.load.options import LoadOptions
from replicas.planning.plans import ComponentPlan

DEFAULT_INPUT_TOKENS = 1000
DEFAULT_OUTPUT_TOKENS = 50
"""Length of the article's answers."""
_NO_OPTIONS = LoadOptions()


def declared_load(component: ComponentPlan) -> Load | None:
    """Return the declared traffic of a component as a load; None if it declares no traffic."""
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
    options: LoadOptions = _NO_OPTIONS,
    tell: Callable[[str], None] = lambda _line: None,
) -> list[Load]:
    """Return the loads of the options, with the declared traffic of a component as default.

    If the options give no arrivals, the load is the component's declared traffic or, without one, the article's numbers
    of users. The default lengths are those of the declared traffic or, without one, the article's.

    Args:
        component: the component that receives the load.
        options: the given options.
        tell: called with a message for each option without effect.

    Raises:
        UsageError: options contradict each other or cannot be read.
        TraceError: the trace is faulty.

    """
    declared = declared_load(component)
    answer = DEFAULT_OUTPUT_TOKENS if component.task == "generate" else 0
    longest = min(DEFAULT_INPUT_TOKENS, component.max_input_tokens) if not answer else DEFAULT_INPUT_TOKENS
    if declared is None and not options.names_a_load:
        options = replace(options, users="article")
    return options.loads(declared or Load(users=1, input_tokens=longest, output_tokens=answer), tell)
