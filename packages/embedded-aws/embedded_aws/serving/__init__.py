"""SageMaker Runtime: requests go to copies, and each copy answers as its container would, in the time it would take."""

from embedded_aws.serving.runtime import Serving

__all__ = ["Serving"]
