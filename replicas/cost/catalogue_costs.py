"""Cost statements of one deployment, or of all deployments of a `deployments.py`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from replicas.catalogue.regions import known_regions
from replicas.cost.statement import Statement, statement
from replicas.deployment.deployment import Deployment
from replicas.deployment.file import Entry
from replicas.errors import SizingError, UsageError
from replicas.forecast import Load
from replicas.planning.catalogue_plans import plan_all
from replicas.planning.choice import component_named
from replicas.planning.costs import BOUNDS, BoundName
from replicas.planning.sizing_options import DescribedDeployment


@dataclass(frozen=True)
class CatalogueCosts:
    """Cost statements of the deployments that can be planned, and the errors of all other deployments."""

    statements: tuple[Statement, ...]
    refusals: tuple[SizingError, ...]

    @property
    def unpriced(self) -> list[str]:
        """Deployments without a known price; the sums do not include them."""
        return [statement.deployment for statement in self.statements if statement.price is None]

    def usd_per_hour(self, bound: BoundName) -> float:
        """Sum of the known prices at the floor, start or ceiling of the scaling, USD per hour."""
        return sum(statement.bounds[bound].usd_per_hour or 0.0 for statement in self.statements)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.cost.document.CostsDocument`)."""
        return {
            "schema": "replicas.costs/1",
            "deployments": [statement.to_document() for statement in self.statements],
            "usd_per_hour": {bound: self.usd_per_hour(bound) for bound in BOUNDS},
            "unpriced": self.unpriced,
            "refused": [{"message": str(error), "problems": list(error.problems)} for error in self.refusals],
        }


def cost_of(
    described: DescribedDeployment,
    *,
    region: str | None = None,
    component: str | None = None,
    load: Load | None = None,
) -> Statement:
    """Return the cost statement of one deployment.

    Args:
        described: the deployment (`replicas.planning.sizing_options.describe`).
        region: region of the prices. Default: the region of the deployment, or us-west-2.
        component: the component that receives the load. Default: the only component.
        load: load for which the price of tokens is computed. Default: the declared traffic.

    Raises:
        SizingError: the deployment does not fit.
        UsageError: the region or the component does not exist, or the load is invalid.

    """
    _check(region, load)
    planned = replace(described, deployment=_in_region(described.deployment, region)).plan()
    chosen = component_named(planned, component) if load or component else None
    return statement(planned, {chosen.name: load} if load and chosen else None)


def cost_of_all(entries: Iterable[Entry], *, region: str | None = None, load: Load | None = None) -> CatalogueCosts:
    """Return the cost statements of all entries of a deployments.py. A load applies to each of their components.

    Raises:
        UsageError: the region does not exist, or the load is invalid.

    """
    _check(region, load)
    planned = plan_all(_in_region(entry, region) if isinstance(entry, Deployment) else entry for entry in entries)
    return CatalogueCosts(
        tuple(
            statement(plan, {component.name: load for component in plan.components} if load else None)
            for plan in planned.plans
        ),
        tuple(planned.refusals),
    )


def _check(region: str | None, load: Load | None) -> None:
    if region is not None and region not in known_regions():
        raise UsageError(f"region {region!r} is not known: use one of {', '.join(known_regions())}")
    if load and (problems := load.problems()):
        raise UsageError("; ".join(problems))


def _in_region(deployment: Deployment, region: str | None) -> Deployment:
    return replace(deployment, region=region) if region else deployment
