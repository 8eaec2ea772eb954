"""Converts the settings of a live configuration and of a specification to options of an entry. Makes no AWS call."""

from __future__ import annotations

from typing import Any

from replicas.adopt.records import Json
from replicas.deployment.options import DataCapture, InstanceScaling, Monitoring, Placement, PrefixAwareRouting, Routing


def instance_scaling_of(variant: Json, instances: int) -> InstanceScaling | None:
    """Return the managed instance scaling of a variant; None if it is off."""
    scaling = variant.get("ManagedInstanceScaling", {})
    if scaling.get("Status") != "ENABLED":
        return None
    policy = scaling.get("ScaleInPolicy", {})
    least = scaling.get("MinInstanceCount")
    strategies: dict[str, Any] = {"IDLE_RELEASE": "idle-release", "CONSOLIDATION": "consolidation"}
    return InstanceScaling(
        max_instances=int(scaling.get("MaxInstanceCount", instances)),
        min_instances=None if least == instances else least,
        scale_in=strategies.get(policy.get("Strategy", "")),
        scale_in_cooldown_minutes=policy.get("CooldownInMinutes"),
        scale_in_step=policy.get("MaximumStepSize"),
    )


def routing_of(variant: Json) -> Routing:
    """Return the routing of a variant."""
    routing = variant.get("RoutingConfig", {})
    prefix = routing.get("PrefixAwareRoutingConfig")
    if prefix is not None:
        return PrefixAwareRouting(
            prefix_length=prefix.get("PrefixLength", 1024), concurrency_threshold=prefix.get("ConcurrencyThreshold")
        )
    # SageMaker API reference, ProductionVariant, RoutingConfig: the default is RANDOM.
    is_random = routing.get("RoutingStrategy", "RANDOM") == "RANDOM"
    return "random" if is_random else "least-outstanding-requests"


def placement_of(specification: Json) -> Placement | None:
    """Return the placement of a specification; None for SageMaker's default."""
    scheduling = specification.get("SchedulingConfig")
    if not scheduling:
        return None
    balance = scheduling.get("AvailabilityZoneBalance", {})
    strategy: dict[str, Any] = {"BINPACK": "binpack"}
    placement = Placement(
        strategy=strategy.get(scheduling.get("PlacementStrategy", ""), "spread"),
        max_zone_imbalance=balance.get("MaxImbalance", 0),
    )
    return None if placement == Placement() else placement


def monitoring_of(configuration: Json) -> Monitoring:
    """Return the monitoring options for the enhanced metrics of a configuration."""
    metrics = configuration.get("MetricsConfig", {})
    if not metrics.get("EnableEnhancedMetrics"):
        return Monitoring()
    return Monitoring(enhanced_metrics_seconds=metrics.get("MetricPublishFrequencyInSeconds", 60))


def data_capture_of(configuration: Json) -> DataCapture | None:
    """Return the data capture of a configuration; None if it is off."""
    capture = configuration.get("DataCaptureConfig", {})
    if not capture.get("EnableCapture"):
        return None
    return DataCapture(
        destination=f"{capture['DestinationS3Uri'].rstrip('/')}/",
        percent=int(capture["InitialSamplingPercentage"]),
        kms_key=capture.get("KmsKeyId"),
    )
