"""Which layout of a model carries a load for the least money, and how several models share instances. Pure.

`recommend(wish)` and `fleet(file)` are the ways in.
"""

from replicas.recommend.objective import Objective, RecommendError
from replicas.recommend.ranking import Ranked, Recommendation, recommend
from replicas.recommend.wishes import Wish

__all__ = ["Objective", "Ranked", "RecommendError", "Recommendation", "Wish", "recommend"]
