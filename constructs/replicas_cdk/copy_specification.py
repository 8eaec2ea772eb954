"""Specification of a component's copies (model, resources, placement), and the rolling update policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_sagemaker as sagemaker

from replicas_cdk.arns import name_faults
from replicas_cdk.durations import duration_faults, seconds_of
from replicas_cdk.given_values import Bound, choice_faults, list_faults, out_of_bounds

_L1 = sagemaker.CfnInferenceComponent


@dataclass(frozen=True, kw_only=True)
class CopySpecification:
    """Specification of a copy, either for all instances or for one instance type of the variant's instance pools."""

    model_name: str
    """Name of the SageMaker Model with container and weights."""
    accelerators: float | None
    """Accelerators reserved per copy. None on instances without accelerators."""
    cpus: float | None
    """CPU cores reserved per copy, at least 0.25. None: no reservation."""
    memory_mib: int
    """Host memory reserved per copy, at least 128 MiB."""
    startup_timeout: Duration | None = None
    """Time limit for the container's first health check, 60 s to 1 h. None: SageMaker's default."""
    model_download_timeout: Duration | None = None
    """Time limit for downloading the weights from S3, 60 s to 1 h. None: SageMaker's default."""
    placement_strategy: str | None = None
    """SPREAD or BINPACK. None: SageMaker's default."""
    max_zone_imbalance: int = 0
    """Largest difference in copies between Availability Zones, 0 to 100. Used only with `placement_strategy`."""
    data_cache: bool | None = None
    """Whether image and weights are cached on the instance. None: SageMaker's default."""
    instance_type: str | None = None
    """Instance type of this specification. Set only if the component has several specifications."""

    def faults(self) -> list[str]:
        """Return one error message for each value that SageMaker would reject."""
        return [
            *name_faults("model_name", self.model_name),
            *out_of_bounds(
                Bound("accelerators", self.accelerators, 1, is_whole=False),
                Bound("cpus", self.cpus, 0.25, is_whole=False),
                Bound("memory_mib", self.memory_mib, 128),
                Bound("max_zone_imbalance", self.max_zone_imbalance, 0, 100),
            ),
            *choice_faults("placement_strategy", self.placement_strategy, "SPREAD", "BINPACK"),
            *duration_faults(
                ("startup_timeout", self.startup_timeout, 60, 3600),
                ("model_download_timeout", self.model_download_timeout, 60, 3600),
            ),
        ]

    def properties(self) -> dict[str, Any]:
        """Return the arguments of CloudFormation's Specification property."""
        properties: dict[str, Any] = {
            "model_name": self.model_name,
            "compute_resource_requirements": _L1.InferenceComponentComputeResourceRequirementsProperty(
                number_of_accelerator_devices_required=self.accelerators,
                number_of_cpu_cores_required=self.cpus,
                min_memory_required_in_mb=self.memory_mib,
            ),
        }
        if self.startup_timeout or self.model_download_timeout:
            properties["startup_parameters"] = _L1.InferenceComponentStartupParametersProperty(
                container_startup_health_check_timeout_in_seconds=seconds_of(self.startup_timeout),
                model_data_download_timeout_in_seconds=seconds_of(self.model_download_timeout),
            )
        if self.placement_strategy:
            properties["scheduling_config"] = _L1.InferenceComponentSchedulingConfigProperty(
                placement_strategy=self.placement_strategy,
                availability_zone_balance=_L1.InferenceComponentAvailabilityZoneBalanceProperty(
                    enforcement_mode="PERMISSIVE", max_imbalance=self.max_zone_imbalance
                ),
            )
        if self.data_cache is not None:
            properties["data_cache_config"] = _L1.InferenceComponentDataCacheConfigProperty(
                enable_caching=self.data_cache
            )
        return properties


@dataclass(frozen=True, kw_only=True)
class RollingUpdate:
    """Rolling update policy: how an update replaces the copies of a component."""

    batch_copies: int
    """Number of copies that are replaced at once, at least 1. A batch needs free capacity, because the old copies
    still run."""
    wait: Duration
    """Waiting time after each batch, during which the alarms can stop the update; at most 1 h."""
    timeout: Duration
    """Time limit for the whole update, 10 min to 8 h."""
    rollback_alarm_names: Sequence[str] = ()
    """Names of at most 10 alarms. If an alarm fires during the update, SageMaker rolls the component back."""

    def faults(self) -> list[str]:
        """Return one error message for each value that SageMaker would reject."""
        return [
            *out_of_bounds(
                Bound("rolling_update.batch_copies", self.batch_copies, 1),
                Bound("rolling_update.rollback_alarm_names (number)", len(self.rollback_alarm_names), 0, 10),
            ),
            *list_faults("rolling_update.rollback_alarm_names", self.rollback_alarm_names),
            *duration_faults(
                ("rolling_update.wait", self.wait, 0, 3600), ("rolling_update.timeout", self.timeout, 600, 28800)
            ),
        ]

    def properties(self) -> _L1.InferenceComponentDeploymentConfigProperty:
        """Return CloudFormation's DeploymentConfig property."""
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
                wait_interval_in_seconds=seconds_of(self.wait),
                maximum_execution_timeout_in_seconds=seconds_of(self.timeout),
            ),
            auto_rollback_configuration=rollback,
        )


def specified(specifications: Sequence[CopySpecification]) -> dict[str, Any]:
    """Return the argument of `CfnInferenceComponent`: one specification for all instances, or one per instance type."""
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
