"""Environment variables that the containers of a serving engine read, by purpose, and known conflicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

LOCAL_WEIGHTS = "/opt/ml/model"
"""Folder in which SageMaker puts weights from S3."""


@dataclass(frozen=True, kw_only=True)
class ContainerVariables:
    """Environment variables that an engine's containers read, by purpose.

    If a purpose has several names, the first one that is set applies. An empty tuple means that the containers have no
    variable for the purpose.
    """

    model: tuple[str, ...]
    """Model to serve: a repository of the Hub, or a path."""
    revision: tuple[str, ...] = ()
    """Commit, tag or branch of the repository."""
    hub_token: tuple[str, ...] = ()
    """Hugging Face token."""
    quantization: tuple[str, ...] = ()
    tensor_parallel: tuple[str, ...] = ()
    """Accelerators that one copy is split over."""
    parallel_factors: tuple[str, ...] = ()
    """Other kinds of parallelism: the accelerators of a copy are the product of these and `tensor_parallel`."""
    tensor_parallel_default: int | None = None
    """Degree of a container without the variable. None: the engine takes all accelerators, or the default is not
    known."""
    max_input_tokens: tuple[str, ...] = ()
    """Longest prompt."""
    max_total_tokens: tuple[str, ...] = ()
    """Longest request, prompt and answer."""
    prefill_tokens: tuple[str, ...] = ()
    """Prompt tokens of one prefill step."""
    sequences: tuple[str, ...] = ()
    """Requests that one batch holds."""
    memory_share: tuple[str, ...] = ()
    """Share of each accelerator's memory, 0 to 1."""
    concurrent_requests: tuple[str, ...] = ()
    """Maximum running and waiting requests; the container refuses further ones."""
    prefix_caching: tuple[str, ...] = ()
    waiting_served_ratio: tuple[str, ...] = ()
    max_waiting_tokens: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostCache:
    """A cache in the host's memory. Each copy reserves one for itself, whatever the number of copies."""

    repository: str
    """Name of the image's repository; other images of the engine do not have the cache."""
    switch: str
    """Variable that turns the cache off with the value `0`."""
    share_variable: str
    default_share: Fraction
    """Share of the host's memory that one copy reserves."""


@dataclass(frozen=True, kw_only=True)
class VariableConflict:
    """Variables that conflict: the engine's containers do not start if all of them are set."""

    names: frozenset[str]
    why: str
    keep: str
    """The variable to keep."""


def first_set(names: Iterable[str], environment: Mapping[str, str]) -> str | None:
    """Return the value of the first of these variables that is set; None if none is set."""
    return next((environment[name] for name in names if name in environment), None)
