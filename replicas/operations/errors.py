"""The one error of this room."""

from __future__ import annotations

from replicas.errors import ReplicasError


class OperationError(ReplicasError):
    """What AWS refused, or what is not there: the message names the thing and the next step."""
