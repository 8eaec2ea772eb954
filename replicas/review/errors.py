"""The one error of this room."""

from __future__ import annotations

from replicas.errors import ReplicasError


class ReviewError(ReplicasError):
    """Two revisions cannot be compared. The message is one line and says which and why."""


class SynthesisError(ReviewError):
    """A revision gives no templates."""

    def __init__(self, label: str, why: str) -> None:
        super().__init__(f"{label} cannot be synthesised: {why}")
        self.label = label
