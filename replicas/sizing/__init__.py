"""Sizing of one copy: memory, tensor-parallel degree, limits, CPU and host memory. Makes no AWS call and no request.

`deployments.py` files import the public names of `replicas` from this package. A name is loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import replicas

if TYPE_CHECKING:
    from replicas import (
        FROM_PROPS,
        Adapter,
        Alarms,
        Component,
        ComponentPlan,
        DataCapture,
        Deployment,
        EndpointPlan,
        InstanceScaling,
        Monitoring,
        Placement,
        PrefixAwareRouting,
        Rollout,
        RolloutPlan,
        Scaling,
        ScalingPlan,
        Schedule,
        Security,
        SizingError,
        Traffic,
        Vpc,
        plan,
    )

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


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(replicas, name)
