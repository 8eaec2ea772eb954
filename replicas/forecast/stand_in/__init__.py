"""Stand-in for serving engines: containers that answer with the timing and the refusals of real engines.

`StandInEngine` implements the protocol `embedded_aws.serving.engine.ServingEngine` structurally, because `replicas`
does not import the embedded AWS.
"""

from replicas.forecast.stand_in.containers import StandInContainer, StandInEngine
from replicas.forecast.stand_in.copies import Reply, StandInCopy

__all__ = ["Reply", "StandInContainer", "StandInCopy", "StandInEngine"]
