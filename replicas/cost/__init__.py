"""Cost of deployments: per hour, per month, per copy and per million tokens. Makes no AWS calls.

`cost_of(describe(NAME, SizingOptions()))` returns the cost statement of one deployment, `cost_of_all(deployments)` the
statements of all deployments, and `statement(plan)` the statement of a plan.
"""

from replicas.cost.catalogue_costs import CatalogueCosts, cost_of, cost_of_all
from replicas.cost.statement import ComponentCost, CostPoint, Statement, statement

__all__ = ["CatalogueCosts", "ComponentCost", "CostPoint", "Statement", "cost_of", "cost_of_all", "statement"]
