"""What deployments cost: by the hour, by the month, for a copy, for a million tokens. Pure.

`cost_of(describe(NAME, SizingOptions()))` is the statement of one deployment, `cost_of_all(deployments)` that of all;
`statement(plan)` takes a plan.
"""

from replicas.cost.catalogue_costs import CatalogueCosts, cost_of, cost_of_all
from replicas.cost.statement import ComponentCost, CostPoint, Statement, statement

__all__ = ["CatalogueCosts", "ComponentCost", "CostPoint", "Statement", "cost_of", "cost_of_all", "statement"]
