"""Checks the numbers and strings that an app passes to a construct. Returns one error message per fault;
ignores CDK tokens.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from replicas.deployment.patterns import IN_WORDS
from replicas.deployment.unresolved import is_unresolved

_ACTION_NAME = re.compile(r"(?! )[^\x00-\x1f\x7f-\x9f:/|]{1,256}(?<! )")
"""Pattern and length of ScheduledActionName in the API reference of Application Auto Scaling."""


class Bound(NamedTuple):
    """A numeric argument and its bounds."""

    name: str
    value: object
    least: float
    """Smallest allowed value. If `is_open`, the value must be greater than this."""
    most: float | None = None
    is_whole: bool = True
    is_open: bool = False

    @property
    def allowed(self) -> str:
        """The bounds in words: "at least 1, at most 5"."""
        least = f"above {self.least:g}" if self.is_open else f"at least {self.least:g}"
        return least if self.most is None else f"{least}, at most {self.most:g}"

    def faults(self) -> list[str]:
        """Return the fault of the value, if any. None and CDK tokens have no faults."""
        if self.value is None or is_unresolved(self.value):
            return []
        if not isinstance(self.value, int | float) or isinstance(self.value, bool) or not math.isfinite(self.value):
            return [f"{self.name}={self.value!r}: pass a {'whole ' if self.is_whole else ''}number, {self.allowed}"]
        if self.is_whole and self.value != int(self.value):
            return [f"{self.name}={self.value:g}: pass a whole number, {self.allowed}"]
        return [] if self._holds(self.value) else [f"{self.name}={self.value:g}: pass a number, {self.allowed}"]

    def _holds(self, value: float) -> bool:
        is_above = value > self.least if self.is_open else value >= self.least
        return is_above and (self.most is None or value <= self.most)


def out_of_bounds(*bounds: Bound) -> list[str]:
    """Return an error message for every value that is no number, is outside its bounds, or must be whole and is not."""
    return [fault for bound in bounds for fault in bound.faults()]


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number or the CDK token of a number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and (is_unresolved(value) or value % 1 == 0)


def text_faults(argument: str, value: object, pattern: str) -> list[str]:
    """Return a fault if a string does not match a pattern of the `Deployment` schema. None has no faults."""
    if value is None or is_unresolved(value) or (isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII)):
        return []
    return [f"{argument}={value!r}: use {IN_WORDS[pattern]}"]


def id_faults(argument: str, value: object) -> list[str]:
    """Return a fault if a string cannot be part of a construct id: aws-cdk refuses CDK tokens and empty strings."""
    if isinstance(value, str) and value.strip() and not is_unresolved(value):
        return []
    what = "a CDK token cannot be an id: " if is_unresolved(value) else ""
    return [f"{argument}={value!r}: {what}pass a literal string that is not empty"]


def action_name_faults(argument: str, value: object) -> Iterator[str]:
    """Yield the faults of the name of a scheduled action."""
    if not is_unresolved(value) and not (isinstance(value, str) and _ACTION_NAME.fullmatch(value)):
        yield (
            f"{argument}={value!r}: use 1 to 256 characters without control characters, colons, slashes and bars, and "
            "no space at either end"
        )


def choice_faults(argument: str, value: object, *choices: str) -> list[str]:
    """Return a fault if a string is not one of the choices. None has no faults."""
    if value is None or is_unresolved(value) or value in choices:
        return []
    return [f"{argument}={value!r}: pass {' or '.join(choices)}"]


def list_faults(argument: str, value: object) -> list[str]:
    """Return a fault if a string is passed instead of a list of strings. Python would iterate over its letters."""
    return [f"{argument}={value!r}: pass a list of names"] if isinstance(value, str) else []
