"""Default timeouts of a start, for deployments that do not set them.

SageMaker accepts 60 to 3,600 seconds (API reference: ProductionVariant, InferenceComponentStartupParameters).
"""

from __future__ import annotations

from math import ceil

from replicas.start.forecast import Start
from replicas.start.phases import Span

LEAST_SECONDS, MOST_SECONDS = 60, 3600
_MARGIN = 2
"""Factor on the longest expected time. A timeout that is too short stops every copy; a timeout that is too long only
delays the report of a copy that never starts."""
_LEAST_STARTUP = 300
"""Minimum start-up timeout in seconds. Source: the article, the only published deployment that states a timeout."""


def startup_timeout(start: Start) -> tuple[int, str]:
    """Return the start-up timeout of a copy in seconds, and its reason."""
    source = "weights in S3" if start.from_s3 else "with the download from the Hub"
    seconds = max(_LEAST_STARTUP, _rounded(start.container))
    return min(seconds, MOST_SECONDS), (
        f"{_MARGIN} x the longest of {start.container.low:.0f} to {start.container.high:.0f} s that the container is "
        f"expected to take, {source}; at least {_LEAST_STARTUP}"
    )


def download_timeout(start: Start) -> tuple[int, str]:
    """Return the timeout for weights in S3 in seconds, and its reason."""
    seconds = max(LEAST_SECONDS, _rounded(start.download))
    return min(seconds, MOST_SECONDS), (
        f"{_MARGIN} x the longest of {start.download.low:.0f} to {start.download.high:.0f} s that the weights are "
        "expected to take from S3"
    )


def longest_start(start: Start) -> int:
    """Return the seconds that a start-up timeout must cover, limited to the longest timeout that SageMaker accepts."""
    return min(round(start.certain.high), MOST_SECONDS)


def longest_download(start: Start) -> int:
    """Return the seconds that a download timeout must cover, limited to the longest timeout that SageMaker accepts."""
    return min(round(start.download.high), MOST_SECONDS)


def _rounded(span: Span) -> int:
    return ceil(_MARGIN * span.high / 60) * 60
