"""A refused entry of `deployments.py`: an entry that is not a usable deployment, with its readable fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replicas.deployment.deployment import Deployment
from replicas.deployment.patterns import ACCOUNT, NAME, REGION
from replicas.errors import SizingError


@dataclass(frozen=True)
class RefusedEntry:
    """An entry that cannot be planned, with the fields that could still be read.

    Its stack can be named, so that it can be listed and destroyed where it is deployed, but it cannot be deployed.
    """

    problem: str
    """Sentence with the file, the line and the fault."""
    name: str | None = None
    """Name of the entry; None if it cannot be known."""
    region: str | None = None
    account: str | None = None
    instance_type: str | None = None
    is_region_known: bool = True
    """False if `region` is None because it cannot be known, and not because the entry names none."""

    position: int = 0
    """Position in the list, from 1."""

    @property
    def label(self) -> str:
        """The name, or the position where the name cannot be known."""
        return self.name or f"entry {self.position}"

    @property
    def refusal(self) -> SizingError:
        """The error of the entry, as `plan` raises it for a deployment."""
        return SizingError(f"{self.label} cannot be read", [self.problem])


def refused(problem: str, known: Mapping[str, Any] | Deployment, *, is_region_known: bool = True) -> RefusedEntry:
    """Refuse an entry. Invalid values of `known` are dropped, because no stack can be deployed with them."""
    values = known if isinstance(known, Mapping) else vars(known)
    return RefusedEntry(
        problem,
        name=_matching(values.get("name"), NAME),
        region=_matching(values.get("region"), REGION),
        account=_matching(values.get("account"), ACCOUNT),
        instance_type=_matching(values.get("instance_type"), r"^ml\.[a-z0-9.-]+$"),
        is_region_known=is_region_known,
    )


def _matching(value: Any, pattern: str) -> str | None:
    return value if isinstance(value, str) and re.search(pattern, value) else None
