"""What the containers of a serving engine read: names of environment variables by purpose, and their traps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

LOCAL_WEIGHTS = "/opt/ml/model"
"""Where SageMaker puts weights that come from S3."""


@dataclass(frozen=True, kw_only=True)
class ContainerVariables:
    """Environment variables that an engine's containers read, by purpose.

    Where several names serve one purpose, the first one that is set wins. A purpose without a name is an empty tuple:
    the containers read no variable for it.
    """

    model: tuple[str, ...]
    """What to serve: a repository of the Hub, or a path."""
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
    """Degree of a container that is not told one. None: it takes what it finds, or the default is not known."""
    max_input_tokens: tuple[str, ...] = ()
    """Longest prompt."""
    max_total_tokens: tuple[str, ...] = ()
    """Longest request, prompt and answer."""
    prefill_tokens: tuple[str, ...] = ()
    """Prompt tokens of one prefill step."""
    sequences: tuple[str, ...] = ()
    """Requests that one batch holds."""
    memory_share: tuple[str, ...] = ()
    """Part of each card, 0 to 1."""
    concurrent_requests: tuple[str, ...] = ()
    """Requests that run and wait; further ones are refused."""
    prefix_caching: tuple[str, ...] = ()
    waiting_served_ratio: tuple[str, ...] = ()
    max_waiting_tokens: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostCache:
    """A cache in the host's memory that each copy sets aside for itself, however many copies there are."""

    repository: str
    """Name of the image's repository: other images of the engine have no such cache."""
    switch: str
    """Variable that turns it off with the value `0`."""
    share_variable: str
    default_share: Fraction
    """Part of the host's memory that one copy takes."""


@dataclass(frozen=True, kw_only=True)
class VariableConflict:
    """Variables that an engine's containers do not start with when all of them are set."""

    names: frozenset[str]
    why: str
    keep: str
    """The one that should stay."""


def first_set(names: Iterable[str], environment: Mapping[str, str]) -> str | None:
    """The value of the first of these variables that an environment has; None where it has none of them."""
    return next((environment[name] for name in names if name in environment), None)
