"""SageMaker Runtime: requests go to copies, and each copy answers as its container would, in the time it would take."""

from replicas.local.serving.runtime import Serving

__all__ = ["Serving"]
