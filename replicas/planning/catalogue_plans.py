"""Plans of all deployments of a deployments.py.

If one deployment does not fit, the other deployments are still planned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from replicas.deployment.file import Entry, with_lines
from replicas.deployment.refused import RefusedEntry
from replicas.errors import SizingError
from replicas.planning.document import plans_document
from replicas.planning.planner import plan
from replicas.planning.plans import EndpointPlan


@dataclass(frozen=True)
class CataloguePlans:
    """The result for each entry, in the order of the file.

    It is the plan, or the error if the entry does not fit or cannot be read.
    """

    results: tuple[tuple[Entry, EndpointPlan | SizingError], ...]

    @property
    def plans(self) -> list[EndpointPlan]:
        """The plans of the deployments that fit."""
        return [result for _, result in self.results if isinstance(result, EndpointPlan)]

    @property
    def refusals(self) -> list[SizingError]:
        """The errors of the deployments that do not fit."""
        return [result for _, result in self.results if isinstance(result, SizingError)]

    def changed(self, change: Callable[[EndpointPlan], EndpointPlan]) -> CataloguePlans:
        """Return a copy in which `change` is applied to every plan. Errors stay as they are."""
        return CataloguePlans(
            tuple(
                (entry, change(result) if isinstance(result, EndpointPlan) else result)
                for entry, result in self.results
            )
        )

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of all plans and errors."""
        return plans_document(
            [
                result.to_document() if isinstance(result, EndpointPlan) else result.to_document(*_identity(entry))
                for entry, result in self.results
            ]
        )


def plan_all(entries: Iterable[Entry]) -> CataloguePlans:
    """Plan every entry of a deployments.py."""
    return CataloguePlans(tuple((entry, _plan_or_refusal(entry)) for entry in entries))


def _plan_or_refusal(entry: Entry) -> EndpointPlan | SizingError:
    if isinstance(entry, RefusedEntry):
        return entry.refusal
    try:
        return plan(entry)
    except SizingError as refusal:
        return with_lines(refusal, entry)
    except Exception as fault:  # an error in one entry must not hide the other entries
        return SizingError(str(entry.name), [f"planning fails, which is a bug of replicas: {fault!r}"])


def _identity(entry: Entry) -> tuple[str, str]:
    """Return name and instance type of an entry; for a refused entry, the values that could be read."""
    name = entry.label if isinstance(entry, RefusedEntry) else str(entry.name)
    return name, str(entry.instance_type or "")
