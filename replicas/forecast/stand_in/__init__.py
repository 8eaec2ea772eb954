"""A stand-in for serving engines: containers that answer in the time, and with the refusals, of the real ones.

`StandInEngine` meets the protocol `embedded_aws.serving.engine.ServingEngine` by its shape: `replicas` does not import
the embedded AWS.
"""

from replicas.forecast.stand_in.containers import StandInContainer, StandInEngine
from replicas.forecast.stand_in.copies import Reply, StandInCopy

__all__ = ["Reply", "StandInContainer", "StandInCopy", "StandInEngine"]
