"""CDK constructs for endpoints of inference components. They compute nothing about sizes: they take a plan."""

from replicas_cdk.execution_role import ExecutionRole
from replicas_cdk.inference_component import IInferenceEndpoint, InferenceComponent
from replicas_cdk.multi_replica_endpoint import MultiReplicaEndpoint
from replicas_cdk.serving_container import ServingContainer
from replicas_cdk.template_proof import TemplateProof

__all__ = [
    "ExecutionRole",
    "IInferenceEndpoint",
    "InferenceComponent",
    "MultiReplicaEndpoint",
    "ServingContainer",
    "TemplateProof",
]
