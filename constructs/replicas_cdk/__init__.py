"""CDK constructs for endpoints of inference components. All sizing comes from an `EndpointPlan`."""

from replicas_cdk.component_alarms import ComponentAlarms
from replicas_cdk.copy_scaling import CopyScaling
from replicas_cdk.copy_specification import CopySpecification, RollingUpdate
from replicas_cdk.endpoint_dashboard import EndpointDashboard
from replicas_cdk.execution_role import Artifact, ExecutionRole
from replicas_cdk.inference_component import IInferenceEndpoint, InferenceComponent, InferenceComponentAdapter
from replicas_cdk.multi_replica_endpoint import MultiReplicaEndpoint
from replicas_cdk.sagemaker_checks import SageMakerChecks
from replicas_cdk.serving_container import ServingContainer
from replicas_cdk.template_proof import TemplateProof

__all__ = [
    "Artifact",
    "ComponentAlarms",
    "CopyScaling",
    "CopySpecification",
    "EndpointDashboard",
    "ExecutionRole",
    "IInferenceEndpoint",
    "InferenceComponent",
    "InferenceComponentAdapter",
    "MultiReplicaEndpoint",
    "RollingUpdate",
    "SageMakerChecks",
    "ServingContainer",
    "TemplateProof",
]
