"""Rules about the memory of a copy: whether its model fits the accelerators, and whether its engine starts with it.

They judge containers whose engine and model the catalogue recognises, by the functions that size a plan. A plan does
not apply them: it has called the same functions already.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from replicas.endpoint.topology import Topology
from replicas.rules.declaration import rule
from replicas.rules.finding import Case, Unjudged
from replicas.rules.served import ServedCopy, copies_of
from replicas.sizing.faults import Fault, Kind
from replicas.start.timeouts import LEAST_SECONDS, MOST_SECONDS


@rule(
    "copy-without-memory",
    checks="A model does not fit the memory of its copy's accelerators, or cannot be split over them.",
    why="the engine exits at its start, after minutes of paid instances, and no copy ever serves",
    source="docs/sizing.md: the memory model, compared with counts that engines printed",
)
def copy_without_memory(topology: Topology) -> Iterator[Case | Unjudged]:
    """A copy must fit its accelerators; yields containers that are not recognised as not judged."""
    copies: list[ServedCopy] = []
    for copy in copies_of(topology):
        if isinstance(copy, Unjudged):
            yield copy
        else:
            copies.append(copy)
    fitting = {copy.subject for copy in copies if copy.unfit is None}
    for copy in copies:
        if copy.unfit is not None:
            certain = copy.is_only_type or copy.subject not in fitting
            yield _case(copy, str(copy.unfit), certain=certain)


@rule(
    "lengths-of-requests",
    checks="The request limits of a container contradict each other, or exceed its model's context.",
    why="the engine refuses to start with such limits, or its model answers badly beyond its context",
    source="the engines' own checks at the start; the facts of each in replicas/engines",
)
def lengths_of_requests(topology: Topology) -> Iterator[Case]:
    """The prompt limit must be below the request limit, and the request limit must not exceed the model's context."""
    yield from _with_faults(topology, "lengths", "context")


@rule(
    "engine-without-model",
    checks="The version of an engine cannot serve its model or its quantization, or cannot run on the accelerators.",
    why="the engine exits at its start, and no copy ever serves",
    source="the engine's facts.json in replicas/engines",
)
def engine_without_model(topology: Topology) -> Iterator[Case]:
    """An engine must have an implementation of its model, and kernels for the quantization and the accelerators."""
    yield from _with_faults(topology, "engine", "quantization", "accelerators")


@rule(
    "gated-without-token",
    severity="warning",
    checks="A container downloads a gated repository of the Hub without a token (warning).",
    why="the Hub refuses the download without a token of an account that has accepted the licence, and no copy starts",
    source="data/models.json: repositories that are gated",
)
def gated_without_token(topology: Topology) -> Iterator[Case]:
    """A container must have a Hugging Face token if its repository is gated."""
    for copy in _served(topology):
        if any(fault.kind == "gated" for fault in copy.faults):
            numbers = {"repository": copy.request.settings.model, "variable": copy.kind.variables.hub_token[0]}
            yield Case(subject=copy.subject, numbers=numbers)


@rule(
    "startup-too-short",
    severity="warning",
    checks="The start-up timeout of a copy is shorter than its start can take (warning).",
    why="SageMaker stops a copy that is not ready in time, and starts it again: no copy ever serves",
    source="docs/cold-start.md: the range of published start-ups",
)
def startup_too_short(topology: Topology) -> Iterator[Case]:
    """The start-up timeout must cover the longest expected start of a copy."""
    for copy in _served(topology):
        sized, seconds = copy.sized, copy.startup_seconds
        if sized is None or not isinstance(seconds, Fraction) or seconds < LEAST_SECONDS:
            continue
        expected = sized.start.certain
        if seconds < min(round(expected.high), MOST_SECONDS):
            numbers = {
                "seconds": int(seconds),
                "longest": round(expected.high),
                "planned": sized.startup_timeout_seconds,
            }
            yield Case(subject=copy.subject, numbers=numbers)


MEMORY_RULES = (copy_without_memory, lengths_of_requests, engine_without_model, gated_without_token, startup_too_short)
"""Rules that call the functions that size a plan."""


def _with_faults(topology: Topology, *kinds: Kind) -> Iterator[Case]:
    for copy in _served(topology):
        for fault in copy.faults:
            if fault.kind in kinds:
                yield _case(copy, fault.sentence, certain=_is_certain(fault, copy))


def _is_certain(fault: Fault, copy: ServedCopy) -> bool:
    if fault.kind == "context":
        return copy.refuses_longer_context
    return fault.kind != "accelerators" or copy.is_only_type


def _served(topology: Topology) -> Iterator[ServedCopy]:
    for copy in copies_of(topology):
        if isinstance(copy, ServedCopy):
            yield copy


def _case(copy: ServedCopy, sentence: str, *, certain: bool = True) -> Case:
    numbers = {"sentence": sentence, "engine": copy.kind, "variables": set(copy.container.environment)}
    return Case(subject=copy.subject, numbers=numbers, certain=certain)
