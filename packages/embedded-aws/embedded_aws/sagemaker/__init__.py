"""SageMaker's control plane: models, endpoint configurations, endpoints, inference components, benchmark jobs."""

from embedded_aws.sagemaker.benchmark_jobs import BenchmarkJobs as SageMaker
from embedded_aws.sagemaker.destinations import Destination, ServingCopy

__all__ = ["Destination", "SageMaker", "ServingCopy"]
