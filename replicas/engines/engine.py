"""One version of a serving engine: what a plan and a forecast must know to size and configure a copy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from packaging.version import Version

from replicas.catalogue.instances import Instance
from replicas.catalogue.models import Model
from replicas.catalogue.quantization import Quantization
from replicas.engines.profile import Profile, read_profile
from replicas.units import GIB, MIB

if TYPE_CHECKING:
    from replicas.engines.kind import EngineKind


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the plan decided for a copy, as an engine's configuration needs it."""

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
    share_wish: float | None
    """Part of the card that a user asked for; None for the version's own."""
    share: float
    """Part of the card that the engine really takes."""
    kv_cache_tokens: int
    adapters: int
    """LoRA adapters that are served at once."""
    adapter_rank: int
    """Of the largest of them."""


class Engine(ABC):
    """One version of a serving engine. Facts by version come from `facts.json` of the engine's folder."""

    kv_block_tokens: ClassVar[int] = 16
    """The KV cache is handed out in blocks of this many tokens."""
    sequences: ClassVar[int | None]
    """Requests that one batch may hold when nothing is asked for; None where only tokens bound it."""
    memory_variables: ClassVar[frozenset[str]]
    """Variables that change the memory of a copy in ways that the plan does not follow."""

    def __init__(self, kind: EngineKind, version: str) -> None:
        self.kind = kind
        self.name = kind.name
        self.version = version
        self.image = kind.image(version)
        """None for a version without a container image."""
        self._version = Version(version)

    def __str__(self) -> str:
        """As a user writes it: `tgi-1.1.0`."""
        return f"{self.name}-{self.version}"

    @property
    def facts(self) -> Mapping[str, Any]:
        """Everything that `facts.json` says of the engine."""
        return self.kind.facts()

    @property
    def profile(self) -> Profile:
        """Speed of this version: the entry of `profiles.json` that holds for it."""
        entries = self.kind.facts("profiles")["profiles"]
        *_, last = (entry for entry in entries if self.since(entry["since"]))
        return read_profile({key: value for key, value in last.items() if key != "since"})

    @property
    def outlook(self) -> str:
        """How long an engine will be kept, and how to leave it."""
        outlook: str = self.facts["outlook"]
        return outlook

    def fact(self, key: str) -> Mapping[str, Any]:
        """The entry of a list `[{"since": version, ...}, ...]`, oldest first, that holds for this version."""
        entries: list[dict[str, Any]] = self.facts[key]
        return [entry for entry in entries if self.since(entry["since"])][-1]

    @property
    def oldest(self) -> str:
        """The first version of which anything is known."""
        version: str = self.facts["gpu_memory_share"][0]["since"]
        return version

    def since(self, version: str) -> bool:
        """True for that version and later ones."""
        return self._version >= Version(version)

    def gpu_memory_share(self) -> tuple[float, str]:
        """Part of the card that this version takes when nothing is asked for, and the source of the figure."""
        fact = self.fact("gpu_memory_share")
        return fact["share"], f"default of {self} ({fact['source']})"

    def share_for(self, wish: float) -> float:
        """Part of the card that this version takes when told to take that part."""
        return wish

    def adapter_slot_rank(self, rank: int) -> int | None:  # noqa: ARG002 (an engine may need it)
        """Rank that this engine sets aside for an adapter of that rank; None where it serves none beside a model."""
        return None

    def refused_variables(self) -> Mapping[str, str]:
        """Variables that a user must not set, because this version fails with them or does not read them: why."""
        return {}

    def context_bytes(self, instance: Instance, tensor_parallel: int) -> tuple[float, float, str]:
        """Memory beside weights, activations and cache: context, collective buffers (bytes), and the source."""
        fact = self.fact("non_torch")
        table = fact["collective_mib"]
        if instance.has_nvswitch_multicast:
            table = fact.get("nvswitch_collective_mib", table)
        degrees = {int(degree): mib for degree, mib in table.items()}
        collective = next((mib for degree, mib in degrees.items() if degree >= tensor_parallel), degrees[8])
        return fact["gib"] * GIB, collective * MIB, fact["source"]

    def graph_bytes(self, tensor_parallel: int) -> float:  # noqa: ARG002 (an engine may need it)
        """Memory that captured CUDA graphs take from the engine's share, bytes on one accelerator."""
        return 0

    def sampling_bytes(self, vocab_size: int, sequences: int | None) -> float:  # noqa: ARG002 (an engine may need them)
        """Peak of choosing the next token for so many requests at once, bytes on one accelerator."""
        return 0

    @abstractmethod
    def problems(self, model: Model, quantization: Quantization | None) -> list[str]:
        """Why this version cannot serve that model so; empty where it can."""

    @abstractmethod
    def default_prefill_tokens(self, instance: Instance, max_input_tokens: int) -> tuple[int, str]:
        """Prompt tokens of one prefill step when nothing is asked for, and why."""

    @abstractmethod
    def least_prefill_tokens(self, max_input_tokens: int) -> int:
        """The smallest prefill budget with which this version starts."""

    @abstractmethod
    def least_kv_cache_tokens(self, max_total_tokens: int, prefill_tokens: int) -> tuple[int, str]:
        """The smallest KV cache with which this version starts, tokens, and why."""

    @abstractmethod
    def accepts_chat(self, model: Model) -> bool:
        """Whether the container answers OpenAI chat bodies on its invocation path for that model."""

    @abstractmethod
    def environment(self, settings: Settings) -> dict[str, str]:
        """The container's variables for these settings. No token is among them."""
