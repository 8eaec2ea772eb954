"""Reads a container's environment: the settings that sizing supports, and the variables that it does not support."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, TypeVar

from replicas.catalogue.quantization import METHODS, PRECISION_BYTES
from replicas.engines.arguments import takes_any
from replicas.engines.containers import first_set
from replicas.engines.kind import EngineKind
from replicas.engines.values import refused_values

Effect = Literal["followed", "not followed", "none", "not known"]
"""Effect of a variable on the memory of a copy, and whether sizing supports it."""

_Unit = Literal["read", "refused", "by version"]
"""What the parser of a variable does with a unit after a number (`8k`): read it, refuse it, or treat it by version."""

_Number = TypeVar("_Number", int, float)
_UNITS = {"k": 10**3, "K": 2**10, "m": 10**6, "M": 2**20}
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_CHOSEN_BY_THE_ENGINE = ("auto", "max", "none", "null", "")
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)
_WITH_UNIT = re.compile(r"(\d{1,18})([KM])|(\d{1,18}(?:\.\d{1,6})?)([km])", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class MemorySettings:
    """Settings of an engine that change the memory of a copy, and that no option of a component sets."""

    weight_bytes: float = PRECISION_BYTES
    """Bytes per weight without quantization, and per element of the activations."""
    cache_bytes: float | None = None
    """Bytes per element of the KV cache; None if the engine derives them from the checkpoint."""
    captures_graphs: bool = True
    block_tokens: int | None = None
    """Block size of the KV cache, tokens; None for the engine's default."""
    weight_type: str = ""
    """Name of the data type of activations and of weights without quantization; empty if no variable sets it."""
    cache_type: str = ""
    """Name of the data type of the KV cache; empty if no variable sets it."""

    @property
    def changes_speed(self) -> bool:
        """True if the precision or the use of CUDA graphs differs from the runs in which speeds were measured."""
        return replace(self, block_tokens=None, weight_type="", cache_type="") != MemorySettings()


@dataclass(frozen=True, kw_only=True)
class NotFollowed:
    """A variable that sizing does not support, or with which the engine possibly does not start."""

    name: str
    value: str
    why: str
    is_refused: bool = False
    """True if the engine's own parser refuses the value, so that the engine does not start."""
    is_open: bool = False
    """True if the memory is as without the variable, but it is not known whether the engine starts with the value."""


@dataclass(frozen=True, kw_only=True)
class AdapterSettings:
    """Settings of an engine that serves LoRA adapters in addition to the model."""

    slots: int
    """Adapters that one batch can use."""
    rank: int
    """Rank of the largest adapter."""


@dataclass(frozen=True, kw_only=True)
class ContainerSettings:
    """Settings given by a container's variables. None means that the variable is not set."""

    model: str | None = None
    """Repository on the Hub, or path."""
    quantization: str | None = None
    tensor_parallel: int | None = None
    max_input_tokens: int | None = None
    max_total_tokens: int | None = None
    prefill_tokens: int | None = None
    sequences: int | None = None
    memory_share: float | None = None
    memory: MemorySettings = field(default_factory=MemorySettings)
    adapters: AdapterSettings | None = None
    """Settings for LoRA adapters; None if the engine serves none."""
    allows_longer_context: bool = False
    not_followed: tuple[NotFollowed, ...] = ()


def effect_of(kind: EngineKind, name: str) -> Effect:
    """Return the effect of a variable on the memory of a copy, from the engine's table of variables."""
    table = kind.facts("variables")
    if name in table["followed"]:
        return "followed"
    if any(entry["name"] == name for entry in table["not_followed"]):
        return "not followed"
    if name in table["no_effect"] or not name.startswith(tuple(table["prefixes"])):
        return "none"
    return "none" if name in kind.variables.hub_token else "not known"


def adapter_slots_by_default(kind: EngineKind) -> int:
    """Return the default number of adapters that one batch can use."""
    slots: int = kind.facts("variables")["adapter_defaults"]["slots"] if kind.versions else 1
    return slots


def read_settings(
    kind: EngineKind, environment: Mapping[str, str], *, has_local_weights: bool, version: str | None = None
) -> ContainerSettings:
    """Read the environment variables of a container.

    Args:
        kind: engine of the container, an engine whose versions can be sized.
        environment: the variables with their values.
        has_local_weights: True if SageMaker puts weights from S3 into the container.
        version: version of the engine, whose arguments the variables set; None if it is not known.

    """
    return _Reader(kind, environment, version).settings(has_local_weights=has_local_weights)


def is_argument(kind: EngineKind, name: str) -> bool:
    """Return whether a variable sets an argument that the engine's parser can refuse for its value."""
    table = kind.facts("variables")
    checked = {*(each for names in table.get("values", {}).values() for each in names), *table.get("choices", {})}
    if name in checked or kind.arguments is None:
        return name in checked
    if not name.startswith(kind.arguments.prefix):
        return name in kind.facts("arguments").get("variables", ())
    return not takes_any(kind.facts("arguments"), name.removeprefix(kind.arguments.prefix).lower())


class _Reader:
    def __init__(self, kind: EngineKind, environment: Mapping[str, str], version: str | None) -> None:
        self._kind = kind
        self._version = version
        self._table = kind.facts("variables")
        remaining = {name: value for name, value in environment.items() if not self._is_dropped(name, value)}
        self._environment = kind.completed(remaining)
        unsized = list(self._unsized())
        refused = list(self._refused_values({entry.name for entry in unsized}))
        unknown = self._unknown_names({entry.name for entry in refused})
        self._not_followed = [*unsized, *unknown, *refused]

    def settings(self, *, has_local_weights: bool) -> ContainerSettings:
        variables = self._kind.variables
        later = variables.model_without_local_weights if has_local_weights else ()
        method = self._kind.quantization(self._environment)
        if method is not None and method not in METHODS:
            self._refuse(variables.quantization, "the memory of this quantization is not known")
        return ContainerSettings(
            model=first_set([name for name in variables.model if name not in later], self._environment),
            quantization=method if method in METHODS else None,
            tensor_parallel=self._degree(),
            max_input_tokens=self._count(variables.max_input_tokens),
            max_total_tokens=self._count(variables.max_total_tokens),
            prefill_tokens=self._count(variables.prefill_tokens),
            sequences=self._count(variables.sequences),
            memory_share=self._number(variables.memory_share, _share),
            memory=self.memory(),
            adapters=self._adapters(),
            allows_longer_context=first_set(variables.longer_context, self._environment) in ("1", "true", "True"),
            not_followed=tuple(self._not_followed),
        )

    def _degree(self) -> int | None:
        names, every = self._kind.variables.tensor_parallel, self._kind.variables.tensor_parallel_all
        if every is not None and first_set(names, self._environment) == every:
            return None
        return self._count(names)

    def memory(self) -> MemorySettings:
        variables = self._kind.variables
        return MemorySettings(
            weight_bytes=self._bytes(variables.weight_precision, "weight_bytes") or PRECISION_BYTES,
            cache_bytes=self._bytes(variables.cache_precision, "cache_bytes"),
            captures_graphs=not self._is_on(variables.without_graphs),
            block_tokens=self._block_tokens(),
            weight_type=first_set(variables.weight_precision, self._environment) or "",
            cache_type=first_set(variables.cache_precision, self._environment) or "",
        )

    def _adapters(self) -> AdapterSettings | None:
        variables = self._kind.variables
        if not self._is_on(variables.serves_adapters):
            return None
        return AdapterSettings(
            slots=self._count(variables.adapter_slots) or adapter_slots_by_default(self._kind),
            rank=self._count(variables.adapter_rank) or self._table["adapter_defaults"]["rank"],
        )

    def _is_dropped(self, name: str, value: str) -> bool:
        return name.startswith(tuple(self._table["prefixes"])) and value.lower() in self._table["dropped"]

    def _unsized(self) -> Iterator[NotFollowed]:
        known = {entry["name"]: entry for entry in self._table["not_followed"]}
        for name, why in self._kind.unsized(self._environment).items():
            yield NotFollowed(name=name, value=self._environment[name], why=why)
        for name, value in self._environment.items():
            is_unsized = effect_of(self._kind, name) == "not followed"
            if is_unsized and value not in known[name].get("unless", ()):
                yield NotFollowed(name=name, value=value, why=known[name]["why"])

    def _unknown_names(self, refused: Container[str]) -> Iterator[NotFollowed]:
        for name, value in self._environment.items():
            if effect_of(self._kind, name) == "not known" and name not in refused:
                table = f"the table of {self._kind.title}'s variables"
                why = f"it is not in {table}, so its effect on the memory of a copy is not known"
                yield NotFollowed(name=name, value=value, why=why)

    def _refused_values(self, unsized: Container[str]) -> Iterator[NotFollowed]:
        for name, why in refused_values(self._table, self._environment):
            yield NotFollowed(name=name, value=self._environment[name], why=why, is_refused=True)
        for fault in self._kind.argument_faults(self._version, self._environment):
            # Sizing reads the variables that it follows by stricter rules; it never sizes those in `not_followed`.
            is_judged = fault.name in {"form": self._table["followed"], "name": unsized, "choice": ()}[fault.about]
            if not is_judged:
                value = self._environment[fault.name]
                is_open = not fault.is_refused
                yield NotFollowed(
                    name=fault.name, value=value, why=fault.why, is_refused=fault.is_refused, is_open=is_open
                )

    def _block_tokens(self) -> int | None:
        names = self._kind.variables.block_tokens
        tokens = self._count(names)
        known = self._table.get("block_tokens", ())
        if tokens is None or tokens in known:
            return tokens
        self._refuse(names, f"cache blocks of this size are not known; known sizes: {', '.join(map(str, known))}")
        return None

    def _count(self, names: tuple[str, ...]) -> int | None:
        name = next((name for name in names if name in self._environment), None)
        unit: _Unit = "read" if name in self._table.get("with_unit", ()) else "refused"
        if name in self._table.get("unit_by_version", ()):
            unit = "by version"
        return self._number(names, partial(_whole, unit=unit))

    def _number(self, names: tuple[str, ...], read: Callable[[str], _Number]) -> _Number | None:
        value = first_set(names, self._environment)
        if value is None:
            return None
        try:
            return read(value)
        except ValueError as fault:
            self._refuse(names, str(fault), is_refused=isinstance(fault, _ParserError))
            return None

    def _bytes(self, names: tuple[str, ...], column: str) -> float | None:
        value = first_set(names, self._environment)
        if value is None:
            return None
        known: Mapping[str, Any] = self._table[column]
        if value not in known:
            self._refuse(names, f"the size of this type is not known; known types: {', '.join(known)}")
            return None
        size: float | None = known[value]
        return size

    def _is_on(self, names: tuple[str, ...]) -> bool:
        value = first_set(names, self._environment)
        if value is not None and value.lower() != "true":
            self._refuse(names, "a switch must be true or false")
        return value is not None

    def _refuse(self, names: tuple[str, ...], why: str, *, is_refused: bool = False) -> None:
        name = next(name for name in names if name in self._environment)
        value = self._environment[name]
        if any(entry.name == name and entry.is_refused for entry in self._not_followed):
            return
        self._not_followed.append(NotFollowed(name=name, value=value, why=why, is_refused=is_refused))


class _ParserError(ValueError):
    """The engine's parser refuses the value."""


def _whole(value: str, unit: _Unit) -> int:
    """Read a positive integer. A unit multiplies the number: `k` by 10^3, `m` by 10^6, `K` by 2^10, `M` by 2^20.

    Only `k` and `m` allow a fraction (vLLM, `human_readable_int`). `unit` says how the variable's parser treats a unit.
    """
    text = value.strip()
    match = _WITH_UNIT.fullmatch(text)
    if match and unit == "by version":
        raise ValueError("the number has a unit, whose meaning differs between versions of the engine")
    number = 0.0
    if _DIGITS.fullmatch(text):
        number = int(text)
    elif match and unit == "read":
        number = float(match[1] or match[3]) * _UNITS[match[2] or match[4]]
    if number >= 1 and number == int(number):
        return int(number)
    # Some engines take -1 or a word for "choose yourself".
    is_known = _INTEGER.fullmatch(text) or value.lower() in _CHOSEN_BY_THE_ENGINE
    raise (ValueError if is_known else _ParserError)("it is not an integer of at least 1")


def _share(value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = math.nan
    if not 0 < share <= 1:
        raise _ParserError("it is not a number above 0 and up to 1")
    return share
