"""Many copies of open LLMs on Amazon SageMaker instances, proven to fit before anything is paid for.

`from replicas import Deployment, Component, plan` is the canonical import. Names are loaded when first used (PEP 562),
so that `import replicas` costs nothing. Nothing in this package imports the CDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicas.deployment.deployment import Component, Deployment
    from replicas.deployment.options import (
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
    from replicas.errors import SizingError
    from replicas.planning.planner import plan
    from replicas.planning.plans import ComponentPlan, EndpointPlan, RolloutPlan, ScalingPlan

_HOMES = {
    "replicas.deployment.deployment": ("Component", "Deployment"),
    "replicas.deployment.options": (
        "Adapter",
        "Alarms",
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
    "replicas.errors": ("SizingError",),
    "replicas.planning.planner": ("plan",),
    "replicas.planning.plans": ("ComponentPlan", "EndpointPlan", "RolloutPlan", "ScalingPlan"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

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


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
