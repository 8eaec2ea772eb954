"""One version of a serving engine: the facts that plans and forecasts need to size and configure a copy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from packaging.version import Version

from replicas.catalogue.architecture import Architecture
from replicas.catalogue.checkpoint import CacheFormat, CacheRequest
from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.quantization import Quantization
from replicas.catalogue.tasks import Task
from replicas.engines.cache import CachePool, plain_pool
from replicas.engines.profile import Profile, read_profile
from replicas.units import GIB, MIB

if TYPE_CHECKING:
    from replicas.engines.environment import MemorySettings
    from replicas.engines.kind import EngineKind


@cache
def _parsed(version: str) -> Version:
    """Return a parsed version. The result is cached, because a plan compares the same few versions hundreds of
    times.
    """
    return Version(version)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a copy that the plan has decided, as input of the engine's configuration."""

    model: Model
    from_s3: bool
    revision: str | None
    quantization: Quantization | None
    tensor_parallel: int
    max_input_tokens: int
    max_total_tokens: int
    prefill_tokens: int
    prefill_is_default: bool
    sequences: int | None
    requested_share: float | None
    """Share of the card's memory that the user requested, 0 to 1; None for the default of the version."""
    share: float
    """Share of the card's memory that the engine actually uses, 0 to 1."""
    kv_cache_tokens: int
    adapters: int
    """Number of LoRA adapters that are served at the same time."""
    adapter_rank: int
    """Rank of the largest adapter."""


_ARITHMETIC: Mapping[str, tuple[int, int]] = {"fp8": (8, 9), "nvfp4": (10, 0)}
"""First compute capability with arithmetic for a format: 8.9 is Ada, 10.0 is Blackwell."""

CACHE_BYTES: Mapping[CacheFormat, float] = {"fp8": 1, "nvfp4": 1 / 2 + 1 / 16}
"""Bytes of an element of the KV cache in a format. NVFP4 has a scale of one byte for 16 elements
(`nvfp4_kv_cache_full_dim` in vllm/utils/torch_utils.py, 0.30.0)."""


@dataclass(frozen=True, kw_only=True)
class DefaultLengths:
    """Maximum lengths of requests and prompts in a container whose variables set no lengths."""

    max_total_tokens: int | None
    """Longest request; None if only the engine's memory limits it."""
    max_input_tokens: int | None = None
    """Longest prompt; None for one token less than the longest request."""


class Engine(ABC):
    """One version of a serving engine. `facts.json` in the engine's folder has the facts of each version."""

    kv_block_tokens: ClassVar[int] = 16
    """Block size in which the engine allocates the KV cache, tokens."""
    vocabulary_multiple: ClassVar[int | None] = None
    """The engine pads the vocabulary to a multiple of this number and splits it evenly; None if it splits unevenly."""
    packed_tile: ClassVar[tuple[int, int] | None] = None
    """Columns and rows of the smallest tile that the kernel for packed integers multiplies; None if the kernel has no
    such tile."""
    packed_tile_name: ClassVar[str] = ""
    """Name of the kernel for packed integers."""
    tasks: ClassVar[frozenset[Task]] = frozenset({"generate"})
    """Tasks that the engine can serve."""
    refuses_longer_context: ClassVar[bool] = True
    """True if the engine does not start when its longest request exceeds the model's context."""
    starts_with_any_cache: ClassVar[bool] = False
    """True if the engine starts although its longest request does not fit in the cache. It then refuses such
    requests."""
    plans_adapters: ClassVar[bool] = True
    """False if it is not known how much memory adapters take, or how SageMaker passes them to the engine."""
    sequences: ClassVar[int | None]
    """Default limit of the requests in a batch; None if only tokens limit it."""

    def __init__(self, kind: EngineKind, version: str, publisher: str | None = None) -> None:
        self.kind = kind
        self.name = kind.name
        self.version = version
        self.image = kind.image(version, publisher)
        """Container image of the version; None if the publisher has none."""
        self._version = Version(version)

    def __str__(self) -> str:
        """Name and version as a user writes them: `tgi-1.1.0`."""
        return f"{self.name}-{self.version}"

    @property
    def facts(self) -> Mapping[str, Any]:
        """The content of the engine's `facts.json`."""
        return self.kind.facts()

    @property
    def profile(self) -> Profile:
        """Speed of this version, from the engine's `profiles.json`."""
        entries = self.kind.facts("profiles")["profiles"]
        *_, last = (entry for entry in entries if self.since(entry["since"]))
        return read_profile({key: value for key, value in last.items() if key != "since"})

    @property
    def start_version(self) -> str:
        """Version to compare with published start-ups: the version of the inner engine, if this engine contains one."""
        return str(self._version)

    @property
    def outlook(self) -> str:
        """Sentence about the end of the engine's support, and the engine that replaces it."""
        outlook: str = self.facts["outlook"]
        return outlook

    def fact(self, key: str) -> Mapping[str, Any]:
        """Return the entry for this version from a list `[{"since": version, ...}, ...]`, oldest first."""
        entries: list[dict[str, Any]] = self.facts[key]
        return [entry for entry in entries if self.since(entry["since"])][-1]

    @property
    def oldest(self) -> str:
        """The oldest version with facts."""
        version: str = self.facts["gpu_memory_share"][0]["since"]
        return version

    @property
    def newest(self) -> str:
        """The newest version, `major.minor`, whose code is the source of the facts."""
        version: str = self.facts["read_through"]
        return version

    @property
    def is_newer_than_its_facts(self) -> bool:
        """True if this version is newer than the newest version whose code is the source of the facts."""
        return self._version.release[:2] > Version(self.newest).release

    def since(self, version: str) -> bool:
        """True if the version of this engine is `version` or later."""
        return self._version >= _parsed(version)

    def serving(self, model: Model, task: Task) -> Engine:  # noqa: ARG002 (an engine may need them)
        """Return the engine object whose facts apply to a task.

        If the engine runs this task in another way than text generation, it is another object, otherwise this object.
        """
        return self

    def warnings(self, model: Model) -> list[str]:  # noqa: ARG002 (an engine may need it)
        """Return warnings about how this version serves the model."""
        return []

    def longest_prompt(self, max_total_tokens: int) -> tuple[int, str]:
        """Return the longest prompt of a request with `max_total_tokens` tokens, and the reason for this limit."""
        return max_total_tokens - 1, "one token less than max_total_tokens"

    def gpu_memory_share(self) -> tuple[float, str]:
        """Share of the card's memory that this version uses by default, 0 to 1, and the source of the value."""
        fact = self.fact("gpu_memory_share")
        return fact["share"], f"default of {self} ({fact['source']})"

    def share_on(
        self,
        instance: Instance,  # noqa: ARG002 (an engine may need them)
        tensor_parallel: int,  # noqa: ARG002
        prefill_tokens: int,  # noqa: ARG002
    ) -> tuple[float, str]:
        """Return the share of the card's memory that this version uses by default for a copy, and the reason for this
        value.
        """
        return self.gpu_memory_share()

    def share_for(self, share: float) -> float:
        """Return the share of the card's memory that this version uses if it is configured with `share`."""
        return share

    def default_lengths(self, model: Model) -> DefaultLengths:
        """Return the maximum lengths of requests and prompts if no environment variable sets them.

        The default implementation returns the model's context.
        """
        return DefaultLengths(max_total_tokens=self.longest_context(model))

    def longest_context(self, model: Model) -> int | None:
        """Return the longest request that this version takes for a model, tokens.

        The default implementation returns the model's context.
        """
        return model.architecture.context_tokens

    def default_sequences(self, instance: Instance) -> int | None:  # noqa: ARG002 (an engine may need it)
        """Return the default limit of the requests in a batch on an instance type; None if only tokens limit it."""
        return self.sequences

    def adapter_slot_rank(self, rank: int) -> int | None:  # noqa: ARG002 (an engine may need it)
        """Return the rank that the engine reserves for an adapter of rank `rank`; None if the engine serves no adapters
        of this rank.
        """
        return None

    def refused_variables(self) -> Mapping[str, str]:
        """Return the variables that a user must not set, each with the reason.

        This version fails with these variables or ignores them.
        """
        return {}

    def context_bytes(self, instance: Instance, tensor_parallel: int) -> tuple[float, float, str]:
        """Return the memory of the CUDA context and of the collective buffers, bytes, and the source of the values."""
        fact = self.fact("non_torch")
        table = fact["collective_mib"]
        if instance.has_nvswitch_multicast:
            table = fact.get("nvswitch_collective_mib", table)
        degrees = {int(degree): mib for degree, mib in table.items()}
        collective = next((mib for degree, mib in degrees.items() if degree >= tensor_parallel), degrees[8])
        return fact["gib"] * GIB, collective * MIB, fact["source"]

    def graph_bytes(self, tensor_parallel: int) -> float:  # noqa: ARG002 (an engine may need it)
        """Return the memory of captured CUDA graphs within the engine's share, bytes on one accelerator."""
        return 0

    def sampling_bytes(self, vocab_size: int, sequences: int | None) -> float:  # noqa: ARG002 (an engine may need them)
        """Return the peak memory of sampling the next token for `sequences` requests, bytes on one accelerator."""
        return 0

    def workspace_bytes(
        self,
        architecture: Architecture,  # noqa: ARG002 (an engine may need them)
        quantization: Quantization | None,  # noqa: ARG002
        tensor_parallel: int,  # noqa: ARG002
        prefill_tokens: int,  # noqa: ARG002
    ) -> float:
        """Return the bytes of the work buffers on one accelerator that the engine allocates at its start and keeps."""
        return 0

    def start_bytes(
        self,
        architecture: Architecture,  # noqa: ARG002 (an engine may need them)
        quantization: Quantization | None,  # noqa: ARG002
        instance: Instance,  # noqa: ARG002
        sequences: int | None,  # noqa: ARG002
    ) -> float:
        """Return the memory that the engine takes during its start outside its share of the card's memory, bytes on one
        accelerator.

        The CUDA context is not included.
        """
        return 0

    def outside_bytes(self, activations: float, tensor_parallel: int) -> float | None:  # noqa: ARG002
        """Return the bytes that the engine takes outside its share of the card's memory while it serves.

        None means that activations and graphs are inside the share.
        """
        return None

    def padding_bytes(
        self,
        architecture: Architecture,  # noqa: ARG002 (an engine may need them)
        quantization: Quantization | None,  # noqa: ARG002
        instance: Instance,  # noqa: ARG002
        tensor_parallel: int,  # noqa: ARG002
    ) -> tuple[float, str]:
        """Return the memory that padding or repacking adds to the weights, bytes on one accelerator, and the reason.

        The reason is empty if kernels of this version neither pad nor repack the weights.
        """
        return 0, ""

    counts_cache_in_requests: bool = False
    """True for a version that reports its cache as full-length requests, not as blocks."""

    def cache_pool(
        self,
        architecture: Architecture,
        tensor_parallel: int,
        element_bytes: float,
        *,
        block_tokens: int,
        prefill_tokens: int,  # noqa: ARG002 (an engine may need it)
    ) -> CachePool:
        """Return the KV cache pool of a copy on one accelerator.

        By default every layer keeps every token. Engines that support sliding windows keep fewer tokens in layers with
        a window.

        Args:
            architecture: the model.
            tensor_parallel: accelerators of the copy.
            element_bytes: bytes of an element of the cache.
            block_tokens: tokens of a block.
            prefill_tokens: prompt tokens of one prefill step.

        """
        return plain_pool(architecture.cached_bytes_per_token(tensor_parallel, element_bytes), block_tokens)

    def cache_element_bytes(self, model: Model, instance: Instance, settings: MemorySettings) -> float:
        """Return the bytes per element of the KV cache.

        A variable that sets the type has priority. The checkpoint's request comes next, if this version follows it.
        Otherwise elements have the size of activations. Below compute capability 8.9, where few kernels support an FP8
        cache, the checkpoint's request is ignored: the computed memory is then an upper bound.
        """
        if settings.cache_bytes is not None:
            return settings.cache_bytes
        request = self.followed_request(model)
        if request and (instance.capability or (0, 0)) >= _ARITHMETIC[request.format]:
            return CACHE_BYTES[request.format]
        return settings.weight_bytes

    def followed_request(self, model: Model) -> CacheRequest | None:
        """Return the KV cache that the checkpoint requests, if this version follows its quantization method.

        The methods that a version follows can differ for models with latent attention.
        """
        key, request = "cache_of_checkpoints", model.cache_request
        if key not in self.facts or request is None:
            return None
        fact = self.fact(key)
        is_latent = any(cache.kind == "latent" for cache, _ in model.architecture.caches)
        methods = fact["latent_methods" if is_latent else "methods"]
        return request if request.method in methods and request.format in fact["formats"] else None

    def has_no_kernel(self, model: Model, instance: Instance) -> str | None:  # noqa: ARG002
        """Return why no kernel of this version runs the model on an instance type's accelerators; None if a kernel runs
        it.
        """
        return None

    def type_problems(
        self,
        model: Model,  # noqa: ARG002 (an engine may need them)
        quantization: Quantization | None,  # noqa: ARG002
        settings: MemorySettings,  # noqa: ARG002
        instance: Instance | None,  # noqa: ARG002
    ) -> list[str]:
        """Return why this version does not start with the data types that the variables set or the checkpoint
        requests.
        """
        return []

    def open_cache_type(self, settings: MemorySettings, instance: Instance) -> str | None:
        """Return why it is not known whether this version starts with the cache type that a variable sets; None if it
        is known.

        Triton compiles no fp8_e4m3 below compute capability 8.9 ('type fp8e4nv not supported in this architecture',
        vllm-project/vllm issue 26431, open on 12 April 2026). Other attention backends convert it themselves.
        """
        least = _ARITHMETIC["fp8"]
        is_e4m3 = settings.cache_type.startswith("fp8") and not settings.cache_type.endswith("e5m2")
        if not is_e4m3 or instance.capability is None or instance.capability >= least:
            return None
        return (
            f"only some attention kernels run a KV cache of {settings.cache_type} on the {instance.accelerator} of "
            f"{instance.name}, and it is not known which one {self} chooses: Triton's kernel fails at start"
        )

    def integer_problems(self, format_: Quantization) -> Iterator[str]:
        """Yield a problem for each property of integer weights (GPTQ, AWQ) with which this version does not start.

        If `facts.json` has no `integers`, the properties are not checked.
        """
        if "integers" not in self.facts:
            return
        fact = self.fact("integers")
        bits = fact["bits"].get(format_.method, [format_.bits])
        faults = (
            f"of {format_.bits} bits" if format_.bits not in bits else "",
            "that are not symmetric (sym)" if format_.method == "gptq" and not format_.symmetric else "",
            "whose groups follow the order of activations (desc_act, actorder)" if format_.ordered else "",
        )
        allowed = (False, fact["asymmetric"], fact["ordered"])
        for fault, is_allowed in zip(faults, allowed, strict=True):
            if fault and not is_allowed:
                yield f"{self} does not run {format_.method} weights {fault}: use another checkpoint of the model"

    def half_problems(self, quantization: Quantization | None, settings: MemorySettings) -> Iterator[str]:
        """Yield a problem for each GPTQ format that this version runs only with float16, because its fast kernel does
        not support the format.
        """
        if "marlin" not in self.facts or settings.weight_type in ("float16", "half"):
            return
        fact = self.facts["marlin"]
        for format_ in quantization.formats if quantization else ():
            runs = format_.bits in fact["bits"] and format_.group_size in fact["groups"] and format_.symmetric
            if format_.method == "gptq" and not runs:
                groups = "columns" if format_.group_size == -1 else f"groups of {format_.group_size}"
                variable = self.kind.variables.weight_precision[0]
                known = ", ".join(str(group) for group in fact["groups"] if group > 0)
                yield (
                    f"{self} runs gptq weights of {format_.bits} bits in {groups} only with float16 (Marlin has "
                    f"symmetric groups of {known}): set {variable}=float16, or use another checkpoint of "
                    "the model"
                )

    def weight_only(self, quantization: Quantization | None, instance: Instance) -> str | None:
        """Return a note if the accelerator has no arithmetic for a format and computes at half precision; else None.

        All engines then run fp8 with Marlin's kernel (vLLM, layers/quantization/fp8.py: `use_marlin` below compute
        capability 8.9; TGI, layers/fp8.py: `GPTQMarlinFP8Linear`), and vLLM does the same for NVFP4 below 10.0.
        """
        first = _ARITHMETIC.get(quantization.method) if quantization else None
        if quantization is None or first is None or (instance.capability or (0, 0)) >= first:
            return None
        return (
            f"{instance.accelerator} has no {quantization.method} arithmetic: {self} unpacks the weights when it "
            f"multiplies (Marlin), which saves memory but no compute"
        )

    @abstractmethod
    def problems(self, model: Model, quantization: Quantization | None) -> list[str]:
        """Return why this version cannot serve the model with this quantization; empty if it can."""

    @abstractmethod
    def default_prefill_tokens(self, instance: Instance, max_input_tokens: int) -> tuple[int, str]:
        """Return the default number of prompt tokens of one prefill step, and the reason for this value."""

    @abstractmethod
    def least_prefill_tokens(self, max_input_tokens: int) -> int:
        """Return the smallest prefill budget with which this version starts, tokens."""

    def sequences_within(self, sequences: int | None, prefill_tokens: int) -> int | None:  # noqa: ARG002
        """Return the limit of requests in a batch: `sequences`, which some versions lower to the prefill budget."""
        return sequences

    def batch_problem(self, prefill_tokens: int, sequences: int | None) -> str | None:  # noqa: ARG002
        """Return why an engine version refuses this prefill budget and request limit; None if it starts."""
        return None

    @abstractmethod
    def least_kv_cache_tokens(self, max_total_tokens: int, prefill_tokens: int) -> tuple[int, str]:
        """Return the smallest KV cache with which this version starts, tokens, and the reason for this size."""

    @abstractmethod
    def accepts_chat(self, model: Model) -> bool:
        """True if the container accepts OpenAI chat bodies on its invocation path for this model."""

    @abstractmethod
    def environment(self, settings: Settings) -> dict[str, str]:
        """Return the container's environment variables for these settings. They never contain a token."""
