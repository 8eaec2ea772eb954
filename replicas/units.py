"""Conversions of bytes, time and money, and numbers as text."""

from __future__ import annotations

from typing import Final

MIB: Final = 2**20
"""Bytes per mebibyte."""
GIB: Final = 2**30
"""Bytes per gibibyte."""
MIB_PER_GIB: Final = 1024
SECONDS_PER_HOUR: Final = 3600
HOURS_PER_MONTH: Final = 730
"""Hours per month: 8,760 hours per year / 12, as in the AWS Pricing Calculator."""


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 copy`, `2 copies`."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"


def rate_text(per_second: float) -> str:
    """Format a number with three significant digits, but never round off whole digits: `12,914`, `27.5`, `0.001`.

    The text never has an exponent.
    """
    if per_second >= 100 or per_second == int(per_second):
        return f"{per_second:,.0f}"
    return f"{float(f'{per_second:.3g}'):.12f}".rstrip("0").rstrip(".")


def usd_per_million_tokens(usd_per_hour: float | None, tokens_per_second: float | None) -> float | None:
    """Return the price of a million tokens in USD; None if the price is unknown or no tokens are produced.

    Args:
        usd_per_hour: price of all instances together.
        tokens_per_second: tokens that all instances produce together.

    """
    if usd_per_hour is None or not tokens_per_second:
        return None
    return usd_per_hour / SECONDS_PER_HOUR / tokens_per_second * 1e6
