"""`fleet(file)` finds the cheapest endpoints for several models. Each model gets the copies that its load needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from replicas.deployment.deployment import Deployment
from replicas.errors import RecommendError
from replicas.planning.document import plan_warnings
from replicas.planning.planner import plan
from replicas.planning.plans import EndpointPlan
from replicas.recommend.candidates import UNNAMED_SECRET, Candidate, weights_on_offer
from replicas.recommend.fleet.file import FleetFile
from replicas.recommend.fleet.needs import Needs, Served
from replicas.recommend.fleet.sharing import Choice, Shares, alone, cp_sat, instances_alone, share
from replicas.recommend.lines import written
from replicas.recommend.ranking import Progress
from replicas.recommend.requirements import Requirements


@dataclass(frozen=True)
class Fleet:
    """The cheapest endpoints of a fleet, with their plans, and the price of separate endpoints."""

    file: FleetFile
    endpoints: tuple[tuple[EndpointPlan, tuple[Served, ...]], ...]
    deployments: tuple[Deployment, ...]
    shares: Shares
    alone: tuple[tuple[Served, int, float], ...]
    """Each model on separate instances: the model, the number of instances, and USD per hour."""
    unpriced: tuple[str, ...]
    """Instance types that were left out because their price is not known."""

    @property
    def usd_per_hour(self) -> float:
        """Price of all endpoints."""
        return self.shares.usd_per_hour

    @property
    def usd_per_hour_alone(self) -> float:
        """Total price with one endpoint per model."""
        return sum(price for _, _, price in self.alone)

    def lines(self) -> str:
        """Return Python lines to paste into deployments.py."""
        return written(self.deployments)

    @property
    def needs_secret(self) -> list[str]:
        """Gated models for which no secret was given."""
        served = [model for _, models in self.endpoints for model in models]
        return [model.name for model in served if model.candidate.component.token_secret == UNNAMED_SECRET]

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.recommend.document.FleetDocument`)."""
        return {
            "schema": "replicas.fleet/1",
            "usd_per_hour": self.usd_per_hour,
            "usd_per_hour_alone": self.usd_per_hour_alone,
            "proven_cheapest": self.shares.proven,
            "least_usd_per_hour": self.shares.least_usd_per_hour,
            "endpoints": [
                {
                    "name": planned.name,
                    "instance_type": planned.instance.name,
                    "instances": planned.instances,
                    "usd_per_hour": planned.usd_per_hour,
                    "accelerators_used": planned.accelerators_used,
                    "accelerators_available": planned.instances * planned.instance.accelerators,
                    "placement": [list(counts) for counts in planned.placement],
                    "models": [model.to_document() for model in served],
                    "warnings": plan_warnings(planned),
                }
                for planned, served in self.endpoints
            ],
            "alone": [
                {**model.to_document(), "instances": instances, "usd_per_hour": price}
                for model, instances, price in self.alone
            ],
            "unpriced": list(self.unpriced),
            "lines": self.lines(),
        }


def fleet(file: FleetFile, *, progress: Progress = lambda _phase, _done, _all: None) -> Fleet:
    """Return the cheapest set of endpoints that meets the objectives of every model.

    Quick forecasts give the number of copies for the packing. The selected layouts are then forecast in full. If they
    need more copies, the fleet is packed again.

    Raises:
        RecommendError: the file has faults (all are listed), no layout meets a model's objective (the message has the
            nearest layout), or the budget is exceeded.

    """
    cp_sat()  # raises before the forecasts, which take seconds, if the solver is missing
    all_requirements = [_as_stored(requirements) for requirements in file.requirements()]
    needs = Needs(file, all_requirements, progress)
    while True:
        progress("packing", 0, 1)
        shares = share(needs.choices, needs.types, len(all_requirements), most_instances=file.max_instances)
        trivial = alone(needs.choices, needs.types, len(all_requirements))
        if not needs.corrected([*shares.chosen, *trivial.chosen]):
            break
    progress("done", 1, 1)
    if file.max_usd_per_hour is not None and shares.usd_per_hour > file.max_usd_per_hour:
        least = f"the cheapest fleet costs {shares.usd_per_hour:.2f} USD an hour"
        raise RecommendError("the fleet exceeds its budget", [f"max_usd_per_hour={file.max_usd_per_hour:g}: {least}"])
    return _fleet_of(file, shares, trivial, needs)


def _as_stored(requirements: Requirements) -> Requirements:
    """Return the requirements with the stored quantization, unless they name quantizations."""
    if requirements.quantizations:
        return requirements
    try:
        subject = requirements.resolved()
    except RecommendError:
        return requirements  # reported together with the faults of the other models
    return replace(requirements, quantizations=(weights_on_offer(subject.model, table=True)[0].label,))


def _fleet_of(file: FleetFile, shares: Shares, trivial: Shares, needs: Needs) -> Fleet:
    deployments, endpoints = [], []
    for name, instances in sorted(shares.instances.items()):
        here = [choice for choice in shares.chosen if choice.instance_type == name]
        deployment = _deployment(file, name, instances, here, needs.candidates)
        deployments.append(deployment)
        endpoints.append((plan(deployment), tuple(map(needs.served, here))))
    return Fleet(
        file=file,
        endpoints=tuple(endpoints),
        deployments=tuple(deployments),
        shares=shares,
        alone=tuple(_priced_alone(needs, choice) for choice in trivial.chosen),
        unpriced=tuple(needs.unpriced),
    )


def _priced_alone(needs: Needs, choice: Choice) -> tuple[Served, int, float]:
    instances = instances_alone(choice, needs.types)
    return needs.served(choice), instances, instances * needs.types[choice.instance_type].usd_per_hour


def _deployment(
    file: FleetFile, name: str, instances: int, choices: Sequence[Choice], all_candidates: Sequence[Candidate]
) -> Deployment:
    components = [
        replace(
            all_candidates[choice.key].deployment.components[0],
            name=file.models[choice.model].name,
            copies=choice.copies,
        )
        for choice in choices
    ]
    return Deployment(
        name=f"fleet-{name.removeprefix('ml.').replace('.', '-')}",
        instance_type=name,
        instances=instances,
        components=components,
        region=file.region,
    )
