"""The one error of this room, and what no message may repeat."""

from __future__ import annotations

import re
from collections.abc import Sequence

from replicas.errors import ReplicasError
from replicas.sizing.plans import ComponentPlan

_TOKEN = re.compile(r"hf_[A-Za-z0-9]{8,}")


class SizingError(ReplicasError):
    """A deployment that cannot be planned: every problem of it, each with what to change.

    `problems` are whole sentences: what was given, what is allowed, what to change. Tokens are struck out.
    `components` holds what could be resolved before the refusal (empty when the input itself is faulty).
    """

    def __init__(self, subject: str, problems: Sequence[str], components: Sequence[ComponentPlan] = ()) -> None:
        self.subject = without_tokens(subject)
        self.problems = tuple(map(without_tokens, problems))
        self.components = tuple(components)
        super().__init__("\n".join([f"{self.subject}:", *(f"  - {problem}" for problem in self.problems)]))


def without_tokens(text: str) -> str:
    """A text in which tokens are struck out."""
    return _TOKEN.sub("hf_***", text)


def looks_like_token(text: str) -> bool:
    """True where a text holds a Hugging Face token, or something very like one."""
    return bool(_TOKEN.search(text))
