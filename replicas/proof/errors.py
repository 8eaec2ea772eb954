"""The one error of this room."""

from __future__ import annotations

from replicas.errors import ReplicasError


class ProofError(ReplicasError):
    """A file that is no CloudFormation template, or cannot be read. Faults inside a template are findings."""
