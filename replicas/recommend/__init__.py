"""Which layout of a model carries a load for the least money, and how several models share instances. Pure.

`recommend(wish)` and `fleet(read_fleet(path))` are the ways in.
"""

from replicas.recommend.fleet.file import FleetFile, read_fleet
from replicas.recommend.fleet.fleets import Fleet, fleet
from replicas.recommend.objective import Objective
from replicas.recommend.ranking import recommend
from replicas.recommend.recommendation import Ranked, Recommendation
from replicas.recommend.wishes import Wish

__all__ = [
    "Fleet",
    "FleetFile",
    "Objective",
    "Ranked",
    "Recommendation",
    "Wish",
    "fleet",
    "read_fleet",
    "recommend",
]
