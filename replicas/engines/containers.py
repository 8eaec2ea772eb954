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
    model_without_local_weights: tuple[str, ...] = ()
    """Subset of `model`: variables that are read only if the container has no weights from S3."""
    revision: tuple[str, ...] = ()
    """Commit, tag or branch of the repository."""
    hub_token: tuple[str, ...] = ()
    """Hugging Face token."""
    quantization: tuple[str, ...] = ()
    task: tuple[str, ...] = ()
    """Task: generate text, embed or score."""
    tensor_parallel: tuple[str, ...] = ()
    """Number of accelerators over which one copy is split."""
    parallel_factors: tuple[str, ...] = ()
    """Other degrees of parallelism. Their product with `tensor_parallel` is the number of accelerators of a copy."""
    tensor_parallel_all: str | None = None
    """Value of `tensor_parallel` that means all accelerators of the copy; None if the engine has no such value."""
    fills_accelerators: bool = False
    """True if the engine starts several workers on one copy, each on `tensor_parallel` accelerators, until all
    accelerators of the copy are used."""
    tensor_parallel_default: int | None = None
    """Tensor-parallel degree of a container that does not set the variable. None means that the engine uses all
    accelerators, or that the default is unknown."""
    max_input_tokens: tuple[str, ...] = ()
    """Longest prompt."""
    max_total_tokens: tuple[str, ...] = ()
    """Longest request: tokens of prompt and answer."""
    prefill_tokens: tuple[str, ...] = ()
    """Prompt tokens of one prefill step."""
    sequences: tuple[str, ...] = ()
    """Maximum number of requests in a batch."""
    memory_share: tuple[str, ...] = ()
    """Share of each accelerator's memory, 0 to 1."""
    concurrent_requests: tuple[str, ...] = ()
    """Maximum running and waiting requests; the container refuses further requests."""
    prefix_caching: tuple[str, ...] = ()
    without_prefix_caching: tuple[str, ...] = ()
    """Switch that turns prefix caching off."""
    weight_precision: tuple[str, ...] = ()
    """Data type of weights without quantization, and of activations."""
    cache_precision: tuple[str, ...] = ()
    """Data type of the KV cache."""
    without_graphs: tuple[str, ...] = ()
    """Switch that turns CUDA graphs off."""
    block_tokens: tuple[str, ...] = ()
    """Block size of the KV cache, tokens."""
    longer_context: tuple[str, ...] = ()
    """Switch that allows requests longer than the model's context."""
    serves_adapters: tuple[str, ...] = ()
    """Switch that lets the engine serve LoRA adapters in addition to the model."""
    adapter_slots: tuple[str, ...] = ()
    """Number of adapters that one batch can use."""
    adapter_rank: tuple[str, ...] = ()
    """Largest rank of an adapter."""
    loads_adapters: tuple[str, ...] = ()
    """Switch that lets a running container load adapters."""
    waiting_served_ratio: tuple[str, ...] = ()
    max_waiting_tokens: tuple[str, ...] = ()

    def option_of(self, name: str) -> str | None:
        """Return the option of a component that corresponds to a variable; None if no option does."""
        return next((option for option, purpose in _OPTIONS.items() if name in getattr(self, purpose)), None)

    def of_option(self, option: str) -> tuple[str, ...]:
        """Return the variables that correspond to an option of a component."""
        purpose = _OPTIONS.get(option)
        return getattr(self, purpose) if purpose else ()


_OPTIONS = {
    "model": "model",
    "revision": "revision",
    "quantization": "quantization",
    "task": "task",
    "tensor_parallel": "tensor_parallel",
    "max_input_tokens": "max_input_tokens",
    "max_total_tokens": "max_total_tokens",
    "max_batch_prefill_tokens": "prefill_tokens",
    "max_sequences": "sequences",
    "gpu_memory_share": "memory_share",
    "adapters": "serves_adapters",
}
"""For each option of a component, the purpose of the variables that set the same value."""


@dataclass(frozen=True, kw_only=True)
class HostCache:
    """A cache in the host's memory. Each copy reserves its own share of the host's memory."""

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
    """Variable to keep when the conflict is fixed."""


@dataclass(frozen=True, kw_only=True)
class VariableOrder:
    """Two variables that set limits. The engine's containers do not start if `lesser` is set higher than `greater`."""

    lesser: str
    greater: str
    words: str
    """Error message of the engine."""
    source: str


def first_set(names: Iterable[str], environment: Mapping[str, str]) -> str | None:
    """Return the value of the first variable in `names` that is set; None if none of them is set."""
    return next((environment[name] for name in names if name in environment), None)
