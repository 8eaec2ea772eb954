"""Warnings about requested start-up timeouts that are shorter than a start can take."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.start.timeouts import download_timeout, longest_download, longest_start, startup_timeout


def start_warnings(plan: EndpointPlan) -> list[str]:
    """Return a warning for each requested timeout that does not cover the longest expected start."""
    several = len(plan.components) > 1
    return [
        f"{component.name}: {warning}" if several else warning
        for component in plan.components
        for warning in _warnings_of(component)
    ]


def _warnings_of(component: ComponentPlan) -> Iterator[str]:
    start, seconds = component.start, component.startup_timeout_seconds
    enough, _ = startup_timeout(start)
    if seconds < longest_start(start):
        yield (
            f"startup_timeout_seconds={seconds}: a start can take {longest_start(start)} s (docs/cold-start.md), and "
            "SageMaker stops a copy that is not ready in time: "
            f"set startup_timeout_seconds={enough}, or leave it out"
        )
    download = component.download_timeout_seconds
    if download is not None and download < longest_download(start):
        yield (
            f"startup_timeout_seconds={download} also limits the download: the weights can take "
            f"{longest_download(start)} s from S3 (docs/cold-start.md), and SageMaker stops a download that takes "
            f"longer: set startup_timeout_seconds={max(enough, download_timeout(start)[0])}, or leave it out"
        )
