"""Warnings about start-up timeouts that are stated and shorter than a start can take."""

from __future__ import annotations

from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.start.timeouts import MOST_SECONDS, startup_timeout


def start_warnings(plan: EndpointPlan) -> list[str]:
    """Return a sentence for each component whose start-up timeout does not cover the longest expected start."""
    several = len(plan.components) > 1
    return [
        f"{component.name}: {_warning(component)}" if several else _warning(component)
        for component in plan.components
        if component.startup_timeout_seconds < longest_start(component)
    ]


def longest_start(component: ComponentPlan) -> int:
    """Seconds that a start-up timeout must cover, at most those that SageMaker takes."""
    return min(round(component.start.certain.high), MOST_SECONDS)


def _warning(component: ComponentPlan) -> str:
    enough, _ = startup_timeout(component.start)
    return (
        f"startup_timeout_seconds={component.startup_timeout_seconds}: a start can take {longest_start(component)} s "
        "(docs/cold-start.md), and SageMaker stops a copy that is not ready in time: "
        f"startup_timeout_seconds={enough}, or leave it out"
    )
