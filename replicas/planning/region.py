"""Checks whether a plan can be deployed in the region of its stack. The deployment itself need not name a region."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from replicas.catalogue.regions import region_problems
from replicas.planning.judgement import problems_of, rule_results
from replicas.planning.plans import EndpointPlan
from replicas.rules import regions
from replicas.rules.declaration import Rule

_RULES = tuple(thing for thing in vars(regions).values() if isinstance(thing, Rule))


def problems_in_region(plan: EndpointPlan, region: str, *, own_images: Collection[str] = ()) -> list[str]:
    """Return the reasons why a plan cannot be deployed in a region; empty if it can.

    A plan for another region is a problem, because its checks, prices and ARNs are for that region.

    Args:
        plan: plan of the endpoint.
        region: region of the stack.
        own_images: names of the components whose images are not pulled from the registry of a publisher.

    """
    if plan.region not in (None, region):
        return [
            f"the plan is for {plan.region} and the stack is in {region}: set region={region!r} in the deployment, or "
            f"create the stack in {plan.region}"
        ]
    published = [component for component in plan.components if component.name not in own_images]
    images = [component.engine.image for component in published if component.engine.image]
    there = replace(plan, region=region)
    return [*region_problems(region, images), *problems_of(there, rule_results(there, _RULES))]
