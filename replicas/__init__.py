"""Plans many copies of open LLMs on Amazon SageMaker instances, and proves that they fit before deployment.

`from replicas import Deployment, Component, plan` is the canonical import. Names are loaded on first use (PEP 562), so
that `import replicas` is fast. This package does not import the CDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas.deployment.deployment import Component, Deployment
    from replicas.deployment.options import (
        Adapter,
        Alarms,
        DataCapture,
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
    from replicas.deployment.patterns import FROM_PROPS
    from replicas.errors import SizingError
    from replicas.planning.planner import plan
    from replicas.planning.plans import ComponentPlan, EndpointPlan, RolloutPlan, ScalingPlan

_HOMES = {
    "deployment.deployment": ("Component", "Deployment"),
    "deployment.options": (
        "Adapter",
        "Alarms",
        "DataCapture",
        "InstanceScaling",
        "Monitoring",
        "Placement",
        "PrefixAwareRouting",
        "Rollout",
        "Scaling",
        "Schedule",
        "Security",
        "Traffic",
        "Vpc",
    ),
    "deployment.patterns": ("FROM_PROPS",),
    "errors": ("SizingError",),
    "planning.planner": ("plan",),
    "planning.plans": ("ComponentPlan", "EndpointPlan", "RolloutPlan", "ScalingPlan"),
}

__all__ = [
    "FROM_PROPS",
    "Adapter",
    "Alarms",
    "Component",
    "ComponentPlan",
    "DataCapture",
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

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
