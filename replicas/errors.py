"""What all errors for people have in common."""

from __future__ import annotations


class ReplicasError(ValueError):
    """Something that the person at the keyboard can mend: the message says what was wrong and what to change."""
