"""Builds the endpoint configuration of a plan: instances and their scaling, routing, VPC, KMS key, metrics."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_sagemaker as sagemaker

from replicas import EndpointPlan, PrefixAwareRouting

_L1 = sagemaker.CfnEndpointConfig


def configuration_properties(plan: EndpointPlan) -> dict[str, Any]:
    """Return the arguments of `CfnEndpointConfig` except the role. Options that the plan does not set are omitted."""
    properties: dict[str, Any] = {"production_variants": [_variant(plan)]}
    if plan.network_isolation:
        properties["enable_network_isolation"] = True
    if vpc := plan.security.vpc:
        properties["vpc_config"] = _L1.VpcConfigProperty(
            subnets=list(vpc.subnets), security_group_ids=list(vpc.security_groups)
        )
    if plan.security.kms_key:
        properties["kms_key_id"] = plan.security.kms_key
    if seconds := plan.monitoring.enhanced_metrics_seconds:
        properties["metrics_config"] = _L1.MetricsConfigProperty(
            enable_enhanced_metrics=True, metric_publish_frequency_in_seconds=seconds
        )
    if capture := plan.data_capture:
        properties["data_capture_config"] = _L1.DataCaptureConfigProperty(
            enable_capture=True,
            initial_sampling_percentage=capture.percent,
            destination_s3_uri=capture.destination,
            kms_key_id=capture.kms_key,
            capture_options=[_L1.CaptureOptionProperty(capture_mode=mode) for mode in ("Input", "Output")],
            capture_content_type_header=_L1.CaptureContentTypeHeaderProperty(json_content_types=["application/json"]),
        )
    return properties


def _variant(plan: EndpointPlan) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
    instances: dict[str, Any] = {"instance_type": plan.instance.name}
    if plan.fallbacks:
        types = [plan.instance.name, *(other.instance.name for other in plan.fallbacks)]
        instances = {
            "instance_pools": [
                _L1.InstancePoolProperty(instance_type=name, priority=priority)
                for priority, name in enumerate(types, start=1)
            ]
        }
    if plan.capacity_reservation:
        instances["capacity_reservation_config"] = _L1.CapacityReservationConfigProperty(
            capacity_reservation_preference="capacity-reservations-only", ml_reservation_arn=plan.capacity_reservation
        )
    if plan.instance_scaling:
        instances["managed_instance_scaling"] = _managed_scaling(plan)
    return _L1.ProductionVariantProperty(
        variant_name=plan.variant_name,
        initial_instance_count=plan.instances,
        inference_ami_version=plan.inference_ami_version,
        routing_config=_routing(plan),
        **instances,
    )


def _managed_scaling(plan: EndpointPlan) -> sagemaker.CfnEndpointConfig.ManagedInstanceScalingProperty:
    scaling = plan.instance_scaling
    assert scaling  # noqa: S101 (checked by the caller)
    scale_in = None
    if scaling.scale_in:
        scale_in = _L1.ScaleInPolicyProperty(
            strategy=scaling.scale_in.replace("-", "_").upper(),
            cooldown_in_minutes=scaling.scale_in_cooldown_minutes,
            maximum_step_size=scaling.scale_in_step,
        )
    return _L1.ManagedInstanceScalingProperty(
        status="ENABLED",
        min_instance_count=plan.min_instances,
        max_instance_count=plan.max_instances,
        scale_in_policy=scale_in,
    )


def _routing(plan: EndpointPlan) -> sagemaker.CfnEndpointConfig.RoutingConfigProperty:
    if isinstance(plan.routing, PrefixAwareRouting):
        return _L1.RoutingConfigProperty(
            routing_strategy="PREFIX_AWARE",
            prefix_aware_routing_config=_L1.PrefixAwareRoutingConfigProperty(
                prefix_length=plan.routing.prefix_length, concurrency_threshold=plan.routing.concurrency_threshold
            ),
        )
    return _L1.RoutingConfigProperty(routing_strategy=plan.routing.replace("-", "_").upper())
