"""Models, instances, engines: does it fit, how many copies, and why. Pure: no AWS call, no network."""

from replicas.sizing.deployment import Component, Deployment
from replicas.sizing.errors import SizingError
from replicas.sizing.options import (
    Adapter,
    Alarms,
    InstanceScaling,
    Monitoring,
    Placement,
    PrefixAwareRouting,
    Rollout,
    Scaling,
    Schedule,
    Security,
    Traffic,
    Vpc,
)
from replicas.sizing.planner import plan
from replicas.sizing.plans import ComponentPlan, EndpointPlan, RolloutPlan, ScalingPlan

__all__ = [
    "Adapter",
    "Alarms",
    "Component",
    "ComponentPlan",
    "Deployment",
    "EndpointPlan",
    "InstanceScaling",
    "Monitoring",
    "Placement",
    "PrefixAwareRouting",
    "Rollout",
    "RolloutPlan",
    "Scaling",
    "ScalingPlan",
    "Schedule",
    "Security",
    "SizingError",
    "Traffic",
    "Vpc",
    "plan",
]
