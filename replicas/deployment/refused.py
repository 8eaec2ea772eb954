"""`RefusedEntry`: an entry of `deployments.py` that cannot be planned."""

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

    Its stack cannot be deployed, but an existing stack can be listed and destroyed by its name.
    """

    problem: str
    """Error message with the file, the line and the fault."""
    name: str | None = None
    """Name of the entry; None if the name is unknown."""
    region: str | None = None
    account: str | None = None
    instance_type: str | None = None
    is_region_known: bool = True
    """False if the region is unknown. True if `region` is the region of the entry, or None because the entry names no
    region."""

    position: int = 0
    """Position in the list, from 1."""

    @property
    def label(self) -> str:
        """Name of the entry, or its position in the list if the name is unknown."""
        return self.name or f"entry {self.position}"

    @property
    def refusal(self) -> SizingError:
        """The error that `plan` raises for the entry."""
        return SizingError(f"{self.label} cannot be read", [self.problem])


def refused(problem: str, known: Mapping[str, Any] | Deployment, *, is_region_known: bool = True) -> RefusedEntry:
    """Return a refused entry. Invalid values of `known` are dropped, because no stack can be deployed with them."""
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
