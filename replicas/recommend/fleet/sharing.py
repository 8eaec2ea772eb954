"""Assigns models to shared instances at the lowest price, with an integer program for OR-tools' CP-SAT.

One endpoint per instance type is enough: two endpoints of a type cost the same as one endpoint with all their
instances. All copies of a model are on one endpoint, because clients call a component of one endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from types import ModuleType
from typing import Any

from replicas.endpoint.packing import Resources, fewest_instances
from replicas.errors import RecommendError
from replicas.installation import missing_module

_NANO = 1_000_000_000
"""Factor from USD to the solver's integers: billionths of a USD. Tie-breakers only change the last digits."""
_OF_AN_ENDPOINT, _OF_AN_ACCELERATOR = 1000, 1
_EFFORT = 60.0
"""Time limit in the solver's deterministic unit (about one second), which gives the same answer on every machine."""


@dataclass(frozen=True)
class InstanceType:
    """Resources and price of an instance of a type."""

    name: str
    host: Resources
    usd_per_hour: float


@dataclass(frozen=True)
class Choice:
    """One way to serve a model: copies with the same resources, on instances of one type."""

    model: int
    """Index of the model."""
    instance_type: str
    claim: Resources
    copies: int
    key: int = 0
    """Identifier for the caller."""


@dataclass(frozen=True)
class Shares:
    """The cheapest way to serve all models."""

    chosen: tuple[Choice, ...]
    """One choice per model, in the order of the models."""
    instances: Mapping[str, int]
    """Number of instances in use, by type."""
    usd_per_hour: float
    proven: bool
    """True if no cheaper combination exists; False if the solver ran out of time before it could prove that."""
    least_usd_per_hour: float
    """Proven lower bound of the price."""


def alone(choices: Sequence[Choice], types: Mapping[str, InstanceType], models: int) -> Shares:
    """Return the fleet without sharing: each model on the cheapest instances of its own."""
    chosen = tuple(
        min(
            (choice for choice in choices if choice.model == model),
            key=lambda choice: (_price_alone(choice, types), choice.copies * choice.claim.accelerators),
        )
        for model in range(models)
    )
    total = sum(_price_alone(choice, types) for choice in chosen)
    counts: dict[str, int] = {}
    for choice in chosen:
        counts[choice.instance_type] = counts.get(choice.instance_type, 0) + instances_alone(choice, types)
    return Shares(chosen, counts, total, proven=True, least_usd_per_hour=total)


def instances_alone(choice: Choice, types: Mapping[str, InstanceType]) -> int:
    """Return the number of instances that a choice needs without other models."""
    host = types[choice.instance_type].host
    count = fewest_instances([choice.claim], (choice.copies,), host)
    assert isinstance(count, int)  # noqa: S101 (a planned copy fits, and one claim always has an answer)
    return count


def _price_alone(choice: Choice, types: Mapping[str, InstanceType]) -> float:
    return instances_alone(choice, types) * types[choice.instance_type].usd_per_hour


def cp_sat() -> ModuleType:
    """Return the solver of OR-tools.

    Raises:
        RecommendError: OR-tools is not installed.

    """
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        raise RecommendError("a fleet cannot be packed", [missing_module("ortools")]) from None
    found: ModuleType = cp_model
    return found


def share(choices: Sequence[Choice], types: Mapping[str, InstanceType], models: int, *, most_instances: int) -> Shares:
    """Return the cheapest combination of choices, one per model, and the instances that hold all their copies.

    Raises:
        RecommendError: OR-tools is not installed, or the models do not fit on `most_instances` of each type.

    """
    cp_model = cp_sat()
    trivial = alone(choices, types, models)
    program = _Program(cp_model.CpModel(), choices, types, models, _bins(choices, types, trivial, most_instances))
    program.hint(trivial)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1  # with several workers the answer would depend on timing
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = _EFFORT
    status = solver.solve(program.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise RecommendError(
            "the fleet does not fit",
            [f"the models do not fit on {most_instances} instances of each type: raise max_instances"],
        )
    chosen = tuple(choice for choice, taken in zip(choices, program.taken, strict=True) if solver.boolean_value(taken))
    counts = {name: sum(map(solver.boolean_value, used)) for name, used in program.used.items()}
    price = sum(types[name].usd_per_hour * count for name, count in counts.items())
    return Shares(
        chosen=tuple(sorted(chosen, key=lambda choice: choice.model)),
        instances={name: count for name, count in counts.items() if count},
        usd_per_hour=price,
        proven=status == cp_model.OPTIMAL,
        least_usd_per_hour=min(price, solver.best_objective_bound / _NANO),
    )


def _bins(choices: Sequence[Choice], types: Mapping[str, InstanceType], trivial: Shares, most: int) -> dict[str, int]:
    """Return the maximum number of instances of each type for the solver.

    The number is enough to host all models on separate instances of the type, but costs at most as much as `trivial`.
    """
    bins = {}
    for name, kind in types.items():
        largest: dict[int, int] = {}
        for choice in choices:
            if choice.instance_type == name:
                largest[choice.model] = max(largest.get(choice.model, 0), instances_alone(choice, types))
        affordable = int(trivial.usd_per_hour / kind.usd_per_hour + 1e-6)
        bins[name] = min(most, sum(largest.values()), affordable)
    return bins


class _Program:
    """Integer program: one choice per model, the assignment of copies to instances, and the price of used instances."""

    def __init__(
        self,
        model: Any,
        choices: Sequence[Choice],
        types: Mapping[str, InstanceType],
        models: int,
        bins: Mapping[str, int],
    ) -> None:
        self.model = model
        self._choices = choices
        self._types = types
        self.taken = [model.new_bool_var(f"taken {number}") for number in range(len(choices))]
        self.used = {
            name: [model.new_bool_var(f"{name} {number}") for number in range(count)] for name, count in bins.items()
        }
        self._dealt = [
            [model.new_int_var(0, choice.copies, f"copies {number} {bin}") for bin in range(bins[choice.instance_type])]
            for number, choice in enumerate(choices)
        ]
        for number in range(models):
            model.add_exactly_one(
                taken for choice, taken in zip(choices, self.taken, strict=True) if choice.model == number
            )
        for choice, taken, dealt in zip(choices, self.taken, self._dealt, strict=True):
            model.add(sum(dealt) == choice.copies * taken)
        for name in types:
            self._hold(name)
        self._cost()

    def _hold(self, name: str) -> None:
        """Add the constraints: copies fit the resources of their instance, and a type's instances are used in order."""
        host, used = self._types[name].host, self.used[name]
        here = [number for number, choice in enumerate(self._choices) if choice.instance_type == name]
        for index, bin_used in enumerate(used):
            for have, want in _rows(host, [self._choices[number].claim for number in here]):
                claimed = [each * self._dealt[number][index] for each, number in zip(want, here, strict=True)]
                self.model.add(sum(claimed) <= have * bin_used)
            if index:
                self.model.add_implication(bin_used, used[index - 1])

    def _cost(self) -> None:
        """Add the objective: lowest price, then fewest endpoints, then fewest occupied accelerators."""
        prices = sum(
            round(self._types[name].usd_per_hour * _NANO) * sum(used) for name, used in self.used.items() if used
        )
        endpoints = sum(used[0] for used in self.used.values() if used)
        accelerators = sum(
            choice.copies * choice.claim.accelerators * taken
            for choice, taken in zip(self._choices, self.taken, strict=True)
        )
        self.model.minimize(prices + _OF_AN_ENDPOINT * endpoints + _OF_AN_ACCELERATOR * accelerators)

    def hint(self, shares: Shares) -> None:
        """Set a known solution as the starting point of the search."""
        for choice, taken in zip(self._choices, self.taken, strict=True):
            self.model.add_hint(taken, choice in shares.chosen)


def _rows(host: Resources, claims: Sequence[Resources]) -> list[tuple[int, list[int]]]:
    """Return one row for each resource (accelerators, CPUs, memory).

    A row has the capacity of a host, and the amount that a copy of each choice requests.
    """
    scale = lcm(host.cpus.denominator, *(claim.cpus.denominator for claim in claims))
    return [
        (host.accelerators, [claim.accelerators for claim in claims]),
        (_whole(host.cpus, scale), [_whole(claim.cpus, scale) for claim in claims]),
        (host.memory_mib, [claim.memory_mib for claim in claims]),
    ]


def _whole(cpus: Fraction, scale: int) -> int:
    return int(cpus * scale)
