"""Number of random examples of a test."""

from __future__ import annotations

from typing import Any

from hypothesis import settings


def examples(number: int, **more: Any) -> settings:
    """Settings with this number of random examples, and ten times as many in `make soak`."""
    return settings(max_examples=number * settings.default.max_examples // 100, **more)
