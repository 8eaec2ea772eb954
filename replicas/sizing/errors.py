"""The one error of this room."""

from __future__ import annotations

from collections.abc import Sequence

from replicas.sizing.plans import ComponentPlan


class SizingError(ValueError):
    """A deployment that cannot be planned: every problem of it, each with what to change.

    `problems` are whole sentences: what was given, what is allowed, what to change.
    `components` holds what could be resolved before the refusal (empty when the input itself is faulty).
    """

    def __init__(self, subject: str, problems: Sequence[str], components: Sequence[ComponentPlan] = ()) -> None:
        self.subject = subject
        self.problems = tuple(problems)
        self.components = tuple(components)
        super().__init__("\n".join([f"{subject}:", *(f"  - {problem}" for problem in self.problems)]))
