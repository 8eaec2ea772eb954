"""Plans of all deployments of a deployments.py. If one deployment does not fit, the others are still planned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from replicas.deployment.deployment import Deployment
from replicas.errors import SizingError
from replicas.planning.document import plans_document
from replicas.planning.planner import plan
from replicas.planning.plans import EndpointPlan


@dataclass(frozen=True)
class CataloguePlans:
    """For each deployment, in the order of the file: its plan, or the error if it does not fit."""

    results: tuple[tuple[Deployment, EndpointPlan | SizingError], ...]

    @property
    def plans(self) -> list[EndpointPlan]:
        """The plans of the deployments that fit."""
        return [result for _, result in self.results if isinstance(result, EndpointPlan)]

    @property
    def refusals(self) -> list[SizingError]:
        """The errors of the deployments that do not fit."""
        return [result for _, result in self.results if isinstance(result, SizingError)]

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of all plans and errors."""
        return plans_document(
            [
                result.to_document()
                if isinstance(result, EndpointPlan)
                else result.to_document(deployment.name, deployment.instance_type)
                for deployment, result in self.results
            ]
        )


def plan_all(deployments: Iterable[Deployment]) -> CataloguePlans:
    """Plan every deployment."""
    return CataloguePlans(tuple((deployment, _plan_or_refusal(deployment)) for deployment in deployments))


def _plan_or_refusal(deployment: Deployment) -> EndpointPlan | SizingError:
    try:
        return plan(deployment)
    except SizingError as refusal:
        return refusal
