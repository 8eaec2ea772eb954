"""SageMaker's control plane: models, endpoint configurations, endpoints, inference components, benchmark jobs."""

from replicas.local.sagemaker.benchmark_jobs import BenchmarkJobs as SageMaker
from replicas.local.sagemaker.destinations import Destination, ServingCopy

__all__ = ["Destination", "SageMaker", "ServingCopy"]
