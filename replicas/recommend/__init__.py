"""Finds the cheapest layout of a model for a load, and the cheapest way for several models to share instances.
Makes no AWS calls.

The entry points are `recommend(requirements)` and `fleet(read_fleet(path))`.
"""

from replicas.recommend.fleet.file import FleetFile, read_fleet
from replicas.recommend.fleet.fleets import Fleet, fleet
from replicas.recommend.objective import Objective
from replicas.recommend.ranking import recommend
from replicas.recommend.recommendation import Ranked, Recommendation
from replicas.recommend.requirements import Requirements

__all__ = [
    "Fleet",
    "FleetFile",
    "Objective",
    "Ranked",
    "Recommendation",
    "Requirements",
    "fleet",
    "read_fleet",
    "recommend",
]
