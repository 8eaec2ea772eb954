"""CDK constructs for endpoints of inference components. All sizing comes from an `EndpointPlan`.

Names are loaded on first use (PEP 562), so that an app does not import the modules of aws-cdk that only alarms,
dashboards, autoscaling or metrics need: `aws_cloudwatch` and `aws_applicationautoscaling`.
"""

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas_cdk.component_adapter import InferenceComponentAdapter
    from replicas_cdk.component_alarms import AlarmThresholds, ComponentAlarms
    from replicas_cdk.component_options import ComponentOptions, S3Location
    from replicas_cdk.container_image import ContainerImage
    from replicas_cdk.copy_scaling import CopyScaling
    from replicas_cdk.copy_specification import CopySpecification, RollingUpdate
    from replicas_cdk.endpoint_alarms import EndpointAlarms
    from replicas_cdk.endpoint_dashboard import EndpointDashboard
    from replicas_cdk.execution_role import Artifact, ExecutionRole
    from replicas_cdk.imported_component import ImportedInferenceComponent
    from replicas_cdk.imported_endpoint import ImportedEndpoint
    from replicas_cdk.inference_component import InferenceComponent
    from replicas_cdk.interfaces import IInferenceComponent, IInferenceEndpoint, IMultiReplicaEndpoint
    from replicas_cdk.metric_options import MetricOptions
    from replicas_cdk.multi_replica_endpoint import MultiReplicaEndpoint
    from replicas_cdk.sagemaker_checks import SageMakerChecks
    from replicas_cdk.serving_container import ServingContainer
    from replicas_cdk.template_proof import TemplateProof

_HOMES = {
    "component_adapter": ("InferenceComponentAdapter",),
    "component_alarms": (
        "AlarmThresholds",
        "ComponentAlarms",
    ),
    "component_options": (
        "ComponentOptions",
        "S3Location",
    ),
    "container_image": ("ContainerImage",),
    "copy_scaling": ("CopyScaling",),
    "copy_specification": (
        "CopySpecification",
        "RollingUpdate",
    ),
    "endpoint_alarms": ("EndpointAlarms",),
    "endpoint_dashboard": ("EndpointDashboard",),
    "execution_role": (
        "Artifact",
        "ExecutionRole",
    ),
    "imported_component": ("ImportedInferenceComponent",),
    "imported_endpoint": ("ImportedEndpoint",),
    "inference_component": ("InferenceComponent",),
    "interfaces": (
        "IInferenceComponent",
        "IInferenceEndpoint",
        "IMultiReplicaEndpoint",
    ),
    "metric_options": ("MetricOptions",),
    "multi_replica_endpoint": ("MultiReplicaEndpoint",),
    "sagemaker_checks": ("SageMakerChecks",),
    "serving_container": ("ServingContainer",),
    "template_proof": ("TemplateProof",),
}

__all__ = [
    "AlarmThresholds",
    "Artifact",
    "ComponentAlarms",
    "ComponentOptions",
    "ContainerImage",
    "CopyScaling",
    "CopySpecification",
    "EndpointAlarms",
    "EndpointDashboard",
    "ExecutionRole",
    "IInferenceComponent",
    "IInferenceEndpoint",
    "IMultiReplicaEndpoint",
    "ImportedEndpoint",
    "ImportedInferenceComponent",
    "InferenceComponent",
    "InferenceComponentAdapter",
    "MetricOptions",
    "MultiReplicaEndpoint",
    "RollingUpdate",
    "S3Location",
    "SageMakerChecks",
    "ServingContainer",
    "TemplateProof",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
