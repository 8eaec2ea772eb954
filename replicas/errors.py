"""Errors that a user can correct. A message names the given value, the allowed values and the change to make."""

from __future__ import annotations

import re
from collections.abc import Sequence
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicas.planning.plans import ComponentPlan

_TOKEN = re.compile(r"(?<!\w)hf_[A-Za-z0-9]{8,}(?![\w/])")
"""Matches a Hugging Face token, but not a folder name or a word that contains `hf_`."""
_PERHAPS_TOKEN = re.compile(r"hf_[A-Za-z0-9]{8,}")
"""Matches text that messages replace by `hf_***`. It matches more than `_TOKEN`, so that no token is shown."""
_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:[^}]*\}\}")


class ReplicasError(ValueError):
    """Base class of all errors that a user can correct. The CLI prints the message without a traceback."""


class UsageError(ReplicasError):
    """Options are missing or contradict each other. The command ends with exit code 2."""


class OutputError(ReplicasError):
    """Output cannot be written: the disk is full, or the stream is closed."""


class CatalogueError(ReplicasError):
    """deployments.py is missing, fails to import or declares no usable deployments."""


class SizingError(ReplicasError):
    """A deployment cannot be planned.

    Each of `problems` is a complete message: given value, allowed values, change to make. Tokens are replaced by
    `hf_***`.
    `components` contains the components that were resolved before the refusal. It is empty if the input is faulty.
    """

    def __init__(self, subject: str, problems: Sequence[str], components: Sequence[ComponentPlan] = ()) -> None:
        self.subject = without_tokens(subject)
        self.problems = tuple(map(without_tokens, problems))
        self.components = tuple(components)
        super().__init__("\n".join([f"{self.subject}:", *(f"  - {problem}" for problem in self.problems)]))

    def to_document(self, name: str, instance_type: str) -> dict[str, Any]:
        """Return the JSON document of a refused deployment (`replicas.planning.document.RefusedPlanDocument`)."""
        return {
            "schema": "replicas.plan/1",
            "name": name,
            "fits": False,
            "instance_type": instance_type,
            "components": [component.to_document() for component in self.components],
            "problems": list(self.problems),
        }


class ProofError(ReplicasError):
    """A file cannot be read or is not a CloudFormation template. Faults inside a template are findings instead."""


class TemplateTextError(ProofError):
    """Template text is not JSON or YAML, or exceeds a limit of CloudFormation. `line` and `column` count from 1."""

    def __init__(
        self, message: str, *, form: str | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message)
        self.form, self.line, self.column = form, line, column


class TraceError(ReplicasError):
    """A request trace cannot be read or has faulty lines. The message names every fault and its lines."""


class ForecastError(ReplicasError):
    """A load or a speed profile cannot be simulated."""


class RecommendError(ReplicasError):
    """A request for a recommendation is faulty, or no layout can be recommended. `problems` are complete messages."""

    def __init__(self, subject: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([f"{subject}:", *(f"  - {problem}" for problem in problems)]))


class ServingError(ReplicasError):
    """No local serving engine is available, or it does not support a container's image, model, instance
    type or load.
    """


class HubError(ReplicasError):
    """The Hugging Face Hub cannot be reached, refuses a request, or does not have the requested file."""


class HubUnreachableError(HubError):
    """There is no connection to the Hugging Face Hub, or a setting forbids one."""


class OperationError(ReplicasError):
    """AWS refuses a request, or a resource does not exist. The message names the resource and the next step."""


class ReviewError(ReplicasError):
    """Two revisions cannot be compared."""


class SynthesisError(ReviewError):
    """A revision cannot be synthesised."""

    def __init__(self, label: str, why: str) -> None:
        super().__init__(f"{label} cannot be synthesised: {why}")
        self.label = label


def unreadable(fault: Exception) -> str:
    """Return in words why a JSON or text file cannot be read, without the path and the error number of the system."""
    if isinstance(fault, OSError):
        return fault.strerror or str(fault)
    if isinstance(fault, UnicodeDecodeError):
        return "it is not text in UTF-8"
    if isinstance(fault, RecursionError):
        return "its values are nested too deeply"
    if isinstance(fault, JSONDecodeError):
        place = f"line {fault.lineno}, column {fault.colno}"
        return f"it is not JSON: {fault.msg} at {place}" if fault.doc.strip() else "it is empty"
    return str(fault)


def without_tokens(text: str) -> str:
    """Return the text with every Hugging Face token replaced by `hf_***`."""
    return _PERHAPS_TOKEN.sub("hf_***", text)


def looks_like_token(text: str) -> bool:
    """True if the text contains a Hugging Face token itself, not only a dynamic reference to one."""
    return _TOKEN.search(_DYNAMIC_REFERENCE.sub("", text)) is not None
