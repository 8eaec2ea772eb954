"""What every copy of a component runs and claims, and how an update replaces the copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Token
from aws_cdk import aws_sagemaker as sagemaker

_L1 = sagemaker.CfnInferenceComponent


@dataclass(frozen=True, kw_only=True)
class CopySpecification:
    """What every copy runs and claims: on any instance, or on those of one type (instance pools)."""

    model_name: str
    """Model with the container and the weights."""
    accelerators: float | None
    """None on instances without."""
    cpus: float | None
    """Cores reserved, from 0.25. None: none reserved."""
    memory_mib: int
    """Host memory reserved, from 128 MiB."""
    startup_timeout_seconds: int | None = None
    """How long a container may take until it answers, 60 s to 1 h. None: the service's own."""
    model_download_timeout_seconds: int | None = None
    """How long the weights may take from S3, 60 s to 1 h. None: the service's own."""
    placement_strategy: str | None = None
    """SPREAD or BINPACK. None: the service's own."""
    max_zone_imbalance: int = 0
    """Copies that a zone may have more than another, 0 to 100; read where a strategy is given."""
    data_cache: bool | None = None
    """Keep image and weights on the instance. None: the service's own."""
    instance_type: str | None = None
    """Set exactly where a component has several specifications."""

    def faults(self) -> list[str]:
        """What the service would refuse."""
        return out_of_bounds(
            ("accelerators", self.accelerators, 1, None),
            ("cpus", self.cpus, 0.25, None),
            ("memory_mib", self.memory_mib, 128, None),
            ("startup_timeout_seconds", self.startup_timeout_seconds, 60, 3600),
            ("model_download_timeout_seconds", self.model_download_timeout_seconds, 60, 3600),
            ("max_zone_imbalance", self.max_zone_imbalance, 0, 100),
        )

    def properties(self) -> dict[str, Any]:
        """As CloudFormation's Specification takes them."""
        found: dict[str, Any] = {
            "model_name": self.model_name,
            "compute_resource_requirements": _L1.InferenceComponentComputeResourceRequirementsProperty(
                number_of_accelerator_devices_required=self.accelerators,
                number_of_cpu_cores_required=self.cpus,
                min_memory_required_in_mb=self.memory_mib,
            ),
        }
        if self.startup_timeout_seconds or self.model_download_timeout_seconds:
            found["startup_parameters"] = _L1.InferenceComponentStartupParametersProperty(
                container_startup_health_check_timeout_in_seconds=self.startup_timeout_seconds,
                model_data_download_timeout_in_seconds=self.model_download_timeout_seconds,
            )
        if self.placement_strategy:
            found["scheduling_config"] = _L1.InferenceComponentSchedulingConfigProperty(
                placement_strategy=self.placement_strategy,
                availability_zone_balance=_L1.InferenceComponentAvailabilityZoneBalanceProperty(
                    enforcement_mode="PERMISSIVE", max_imbalance=self.max_zone_imbalance
                ),
            )
        if self.data_cache is not None:
            found["data_cache_config"] = _L1.InferenceComponentDataCacheConfigProperty(enable_caching=self.data_cache)
        return found


@dataclass(frozen=True, kw_only=True)
class RollingUpdate:
    """How an update replaces the copies of a component."""

    batch_copies: int
    """Copies replaced at once; the service takes 5 to 50 % of them, and so many need room beside the old ones."""
    wait_seconds: int
    """How long a batch is watched, up to 1 h."""
    timeout_seconds: int
    """Of the whole roll, 10 min to 8 h."""
    rollback_alarm_names: Sequence[str] = ()
    """Alarms, up to 10, of which any takes the component back to the version before."""

    def faults(self) -> list[str]:
        """What the service would refuse."""
        return out_of_bounds(
            ("rolling_update.batch_copies", self.batch_copies, 1, None),
            ("rolling_update.wait_seconds", self.wait_seconds, 0, 3600),
            ("rolling_update.timeout_seconds", self.timeout_seconds, 600, 28800),
            ("rolling_update.rollback_alarm_names (number)", len(self.rollback_alarm_names), 0, 10),
        )

    def properties(self) -> _L1.InferenceComponentDeploymentConfigProperty:
        """As CloudFormation's DeploymentConfig takes them."""
        batch = _L1.InferenceComponentCapacitySizeProperty(type="COPY_COUNT", value=self.batch_copies)
        rollback = None
        if self.rollback_alarm_names:
            rollback = _L1.AutoRollbackConfigurationProperty(
                alarms=[_L1.AlarmProperty(alarm_name=name) for name in self.rollback_alarm_names]
            )
        return _L1.InferenceComponentDeploymentConfigProperty(
            rolling_update_policy=_L1.InferenceComponentRollingUpdatePolicyProperty(
                maximum_batch_size=batch,
                rollback_maximum_batch_size=batch,
                wait_interval_in_seconds=self.wait_seconds,
                maximum_execution_timeout_in_seconds=self.timeout_seconds,
            ),
            auto_rollback_configuration=rollback,
        )


def specified(specifications: Sequence[CopySpecification]) -> dict[str, Any]:
    """One specification for all instances, or one for each type of them."""
    if len(specifications) == 1:
        return {"specification": _L1.InferenceComponentSpecificationProperty(**specifications[0].properties())}
    return {
        "specifications": [
            _L1.InferenceComponentSpecificationForInstanceTypeProperty(
                instance_type=specification.instance_type or "", **specification.properties()
            )
            for specification in specifications
        ]
    }


def out_of_bounds(*bounds: tuple[str, float | None, float, float | None]) -> list[str]:
    """What the service would refuse, all at once. Tokens pass: only CloudFormation knows their values."""
    return [
        f"{name}={value:g}: at least {least:g}" + (f", at most {most:g}" if most else "")
        for name, value, least, most in bounds
        if value is not None and not least <= value <= (most or float("inf")) and not Token.is_unresolved(value)
    ]
