"""Counts the copies that each model of a fleet needs on each layout, as input of the packing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from replicas.endpoint.packing import Resources
from replicas.errors import RecommendError
from replicas.forecast import Forecast
from replicas.recommend.candidates import Candidate, candidates
from replicas.recommend.fleet.file import FleetFile
from replicas.recommend.fleet.sharing import Choice, InstanceType
from replicas.recommend.measuring import Gauge
from replicas.recommend.options import copies_needed, fewest_instances
from replicas.recommend.ranking import Progress
from replicas.recommend.recommendation import described
from replicas.recommend.requirements import Requirements
from replicas.sizing.claims import host


@dataclass(frozen=True)
class Served:
    """One model of a fleet: its layout, its number of copies, and their forecast."""

    name: str
    candidate: Candidate
    copies: int
    forecast: Forecast

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.recommend.document.ServedDocument`)."""
        component, point = self.candidate.component, self.forecast.points[0]
        return {
            "name": self.name,
            "model": component.model.id,
            "quantization": self.candidate.weights.label,
            "engine": str(component.engine),
            "instance_type": self.candidate.instance.name,
            "tensor_parallel": component.accelerators,
            "copies": self.copies,
            "requests_per_second": point.requests_per_second_window,
            "latency_p50_seconds": point.latency_p50_seconds,
            "latency_p90_seconds": point.latency_p90_seconds,
            "ttft_p50_seconds": point.ttft_p50_seconds,
            "ttft_p90_seconds": point.ttft_p90_seconds,
            "confidence": self.forecast.confidence,
        }


class Needs:
    """Number of copies that each model needs on each layout."""

    def __init__(self, file: FleetFile, all_requirements: Sequence[Requirements], progress: Progress) -> None:
        self.file = file
        self.candidates: list[Candidate] = []
        self._gauges = [
            Gauge(
                requirements.load,
                requirements.objective,
                requirements.duration_seconds,
                requirements.routing,
                requirements.seed,
            )
            for requirements in all_requirements
        ]
        layouts = _layouts(file, all_requirements)
        self.unpriced = sorted(
            {
                candidate.instance.name
                for candidates_of_model in layouts
                for candidate in candidates_of_model
                if not candidate.plan.price
            }
        )
        priced = [
            [candidate for candidate in candidates_of_model if candidate.plan.price] for candidates_of_model in layouts
        ]
        self.choices: list[Choice] = []
        for model, candidates_of_model in enumerate(priced):
            progress("copies of each model", model, len(all_requirements))
            for candidate in candidates_of_model:
                self._add(model, candidate)
        self._refuse_unserved(all_requirements, priced)
        self.choices = _without_dearer_twins(_undominated(self.choices), self.candidates)
        names = {choice.instance_type for choice in self.choices}
        self.types = {
            candidate.instance.name: InstanceType(
                candidate.instance.name, host(candidate.instance), candidate.plan.usd_per_hour or 0.0
            )
            for candidate in self.candidates
            if candidate.instance.name in names
        }

    def most_copies(self, candidate: Candidate) -> int:
        """Return the number of copies that fit the file's maximum number of instances."""
        return self.file.max_instances * candidate.component.copies

    def _add(self, model: int, candidate: Candidate) -> None:
        gauge = self._gauges[model]
        copies = copies_needed(candidate, gauge, self.most_copies(candidate), effort="quick")
        if copies is None:
            return
        component = candidate.component
        claim = Resources.of(component.accelerators, component.cpus, component.memory_mib)
        self.choices.append(Choice(model, candidate.instance.name, claim, copies, len(self.candidates)))
        self.candidates.append(candidate)

    def _refuse_unserved(self, all_requirements: Sequence[Requirements], priced: Sequence[Sequence[Candidate]]) -> None:
        served = {choice.model for choice in self.choices}
        problems = []
        for number, requirements in enumerate(all_requirements):
            if number in served:
                continue
            name = self.file.models[number].name
            options = [
                fewest_instances(candidate, self._gauges[number], requirements.max_instances, effort="quick")
                for candidate in priced[number]
            ]
            missing = [option for option in options if option.shortfalls]
            if not missing:
                problems.append(f"{name}: no layout of {requirements.model} fits an instance type with a known price")
                continue
            nearest = min(missing, key=lambda option: option.missed_by)
            short = "; ".join(shortfall.sentence for shortfall in nearest.shortfalls)
            problems.append(f"{name}: no layout meets its objective; the nearest is {described(nearest)}: {short}")
        if problems:
            raise RecommendError("the fleet cannot be served", problems)

    def corrected(self, chosen: Iterable[Choice]) -> bool:
        """Forecast the selected choices in full. Return True if a choice needs more copies, or was removed because it
        cannot meet its objective.

        Raises:
            RecommendError: no choice is left for a model.

        """
        raised = False
        for choice in set(chosen):
            gauge, candidate = self._gauges[choice.model], self.candidates[choice.key]
            if not gauge.measure(candidate, choice.copies, "full").shortfalls:
                continue
            raised = True
            most = self.most_copies(candidate)
            copies = copies_needed(candidate, gauge, most, effort="full", least=choice.copies + 1)
            self.choices.remove(choice)
            if copies is not None:
                self.choices.append(replace(choice, copies=copies))
            elif all(other.model != choice.model for other in self.choices):
                name = self.file.models[choice.model].name
                raise RecommendError(
                    "the fleet cannot be served",
                    [f"{name}: no layout that meets its objective in a quick forecast meets it in the full one"],
                )
        return raised

    def served(self, choice: Choice) -> Served:
        """Return the model that a choice serves, with the full forecast of the chosen layout."""
        candidate = self.candidates[choice.key]
        measured = self._gauges[choice.model].measure(candidate, choice.copies, "full")
        return Served(self.file.models[choice.model].name, candidate, choice.copies, measured.forecast)


def _layouts(file: FleetFile, all_requirements: Sequence[Requirements]) -> list[list[Candidate]]:
    """Return the layouts of each model. Raises `RecommendError` with the faults of all models together."""
    layouts: list[list[Candidate]] = []
    problems: list[str] = []
    for model, requirements in zip(file.models, all_requirements, strict=True):
        try:
            layouts.append(candidates(requirements, requirements.resolved())[0])
        except RecommendError as refused:
            problems += [f"{model.name}: {problem}" for problem in refused.problems]
    if problems:
        raise RecommendError("the fleet cannot be planned", problems)
    return layouts


def _undominated(choices: Sequence[Choice]) -> list[Choice]:
    """Remove choices that need at least as many resources and copies as another choice of the same model and type."""

    def worse(choice: Choice, other: Choice) -> bool:
        if (choice.model, choice.instance_type) != (other.model, other.instance_type) or choice == other:
            return False
        mine, its = _size(choice), _size(other)
        return all(a >= b for a, b in zip(mine, its, strict=True)) and (mine != its or choice.key > other.key)

    return [choice for choice in choices if not any(worse(choice, other) for other in choices)]


def _size(choice: Choice) -> tuple[float, ...]:
    claim = choice.claim
    return claim.accelerators, float(claim.cpus), claim.memory_mib, choice.copies


def _without_dearer_twins(choices: Sequence[Choice], all_candidates: Sequence[Candidate]) -> list[Choice]:
    """Remove instance types if a cheaper type has the same accelerators and fits the same layouts.

    The CPUs and memory of a copy are proportional to its accelerators, so a larger host does not hold more copies.
    """
    by_type: dict[str, set[tuple[object, ...]]] = {}
    price: dict[str, tuple[float, str]] = {}
    cards: dict[str, tuple[object, ...]] = {}
    for choice in choices:
        candidate = all_candidates[choice.key]
        name, kind = choice.instance_type, candidate.instance
        by_type.setdefault(name, set()).add((choice.model, candidate.layout, choice.copies))
        price[name] = (candidate.plan.usd_per_hour or 0.0, name)
        cards[name] = (kind.accelerator, kind.accelerator_memory_mib, kind.accelerators)
    dearer = {
        name
        for name, can in by_type.items()
        if any(
            cards[other] == cards[name] and price[other] < price[name] and by_type[other] >= can for other in by_type
        )
    }
    return [choice for choice in choices if choice.instance_type not in dearer]
