"""What a deployment costs: by the hour, by the month, for a copy, for a million tokens."""

from replicas.cost.statement import ComponentCost, CostPoint, Statement, declared_load, statement

__all__ = ["ComponentCost", "CostPoint", "Statement", "declared_load", "statement"]
