"""Rules about the memory of a copy: whether the model fits the accelerators, and whether the engine starts.

They check containers whose engine and model are recognised, with the same functions that size a plan. A plan does not
apply these rules, because it has called these functions already.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from replicas.endpoint.topology import Topology
from replicas.rules.declaration import rule
from replicas.rules.finding import Case, Unjudged
from replicas.rules.served import ServedCopy, copies_of
from replicas.sizing.concurrency import requests_at_once
from replicas.sizing.faults import Fault, Kind
from replicas.start.timeouts import LEAST_SECONDS, longest_download, longest_start


@rule(
    "copy-without-memory",
    checks="A model does not fit the memory of its copy's accelerators, or cannot be split over them.",
    why="the engine exits at start, after minutes in which the instance is billed, and no copy ever serves",
    source="docs/sizing.md: the memory model, compared with KV cache sizes that engines printed",
)
def copy_without_memory(topology: Topology) -> Iterator[Case | Unjudged]:
    """A copy must fit its accelerators. Containers that are not recognised are yielded as not judged."""
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
    why="the engine refuses to start with these limits, or the model gives bad answers beyond its context",
    source="the engines' own checks at start; the facts of each engine in replicas/engines",
)
def lengths_of_requests(topology: Topology) -> Iterator[Case]:
    """The prompt limit must be below the request limit, and the request limit must not exceed the model's context."""
    yield from _with_faults(topology, "lengths", "context")


@rule(
    "engine-without-model",
    checks="The version of an engine cannot serve its model or its quantization, or cannot run on the accelerators.",
    why="the engine exits at start, and no copy ever serves",
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
    checks="The start-up timeout of a copy is shorter than its longest expected start-up (warning).",
    why="SageMaker stops a copy that is not ready in time and starts it again, so no copy ever serves",
    source="docs/cold-start.md: the range of published start-ups",
)
def startup_too_short(topology: Topology) -> Iterator[Case]:
    """The start-up timeout must cover the longest expected start of a copy."""
    for copy in _served(topology):
        sized, seconds = copy.sized, copy.startup_seconds
        if sized is None or not isinstance(seconds, Fraction) or seconds < LEAST_SECONDS:
            continue
        if seconds < longest_start(sized.start):
            numbers = {
                "seconds": int(seconds),
                "longest": round(sized.start.certain.high),
                "planned": sized.startup_timeout_seconds,
            }
            yield Case(subject=copy.subject, numbers=numbers)


@rule(
    "download-too-short",
    severity="warning",
    checks="The timeout of the model download is shorter than the download of the weights from S3 can take (warning).",
    why="SageMaker stops the download before it is complete, and no copy ever serves",
    source="docs/cold-start.md: the published rates of downloads from S3",
)
def download_too_short(topology: Topology) -> Iterator[Case]:
    """The timeout of the model download must cover the longest expected download from S3."""
    for copy in _served(topology):
        sized, seconds = copy.sized, copy.download_seconds
        if sized is None or not sized.start.from_s3 or not isinstance(seconds, Fraction) or seconds < LEAST_SECONDS:
            continue
        longest = longest_download(sized.start)
        if seconds < longest:
            numbers = {"seconds": int(seconds), "longest": longest, "planned": sized.download_timeout_seconds}
            yield Case(subject=copy.subject, numbers=numbers)


@rule(
    "target-above-copy",
    severity="warning",
    checks="The target of a scaling policy is above the number of requests that a copy can run at once (warning).",
    why="requests wait in the copies for free memory, and autoscaling adds a copy only above the target",
    source="docs/sizing.md: the memory model, and the engine's limit of its batch",
)
def target_above_copy(topology: Topology) -> Iterator[Case]:
    """The target number of concurrent requests per copy must not exceed the number that a copy can run at once."""
    for copy in _served(topology):
        component = topology.component(copy.subject)
        target = topology.target_of(component) if component else None
        tracked, sized = target.tracked_requests if target else None, copy.sized
        if target is None or sized is None or not isinstance(tracked, Fraction):
            continue
        held = requests_at_once(
            sized.memory, request_tokens=1, prefill_tokens=sized.prefill_tokens, sequences=sized.sequences
        )
        held = min(held, sized.sequences or held)
        if tracked > max(1, held):
            numbers = {"target": f"{float(tracked):g}", "held": f"{held:,}", "enough": max(1, held * 3 // 4)}
            yield Case(subject=target.subject, numbers={**numbers, "component": copy.subject.name})


MEMORY_RULES = (
    copy_without_memory,
    lengths_of_requests,
    engine_without_model,
    gated_without_token,
    startup_too_short,
    download_too_short,
    target_above_copy,
)
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
