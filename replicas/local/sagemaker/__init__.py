"""SageMaker's control plane: models, endpoint configurations, endpoints and inference components."""

from replicas.local.sagemaker.components import Components as SageMaker
from replicas.local.sagemaker.destinations import Destination, ServingCopy

__all__ = ["Destination", "SageMaker", "ServingCopy"]
