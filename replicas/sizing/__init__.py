"""Models, instances, engines: does it fit, how many copies, and why. Pure: no AWS call, no network."""

from replicas.sizing.deployment import Component, Deployment
from replicas.sizing.errors import SizingError
from replicas.sizing.planner import plan
from replicas.sizing.plans import ComponentPlan, EndpointPlan

__all__ = ["Component", "ComponentPlan", "Deployment", "EndpointPlan", "SizingError", "plan"]
