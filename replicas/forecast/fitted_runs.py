"""Differences between a forecast and the run to which constants of its profile were fitted.

All inputs of the simulation are compared: the engine with its admission rule, the times of its steps, the limits of its
batch, the copies, the arrivals, lengths and common prompts of the requests, the duration, and the routing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from replicas.engines.profile import FittedRun, Profile
from replicas.forecast.copies import CopyEngine
from replicas.load import Load
from replicas.planning.plans import ComponentPlan
from replicas.speed.times import StepTimes

SAME_MODEL = 0.1
"""Two models count as the same if their parameters, KV-cache bytes per token and step times differ by at most this
ratio. An example is a fine-tuned model."""
SAME_LENGTH = 0.25
"""Lengths, deviations, durations and loads count as the same if they differ by at most this ratio."""
_SAME_COPIES = 2.0
_PROBES = ((0, 1), (0, 16), (1000, 0))
"""Steps whose times are compared: prompt tokens, and number of decoding sequences of 1,000 tokens each."""
_PROBE_WORDS = ("a token of one sequence", "a token of 16 sequences", "a prompt of 1,000 tokens")


@dataclass(frozen=True)
class Conditions:
    """Inputs of the simulation of a forecast."""

    engine: CopyEngine
    """The engine of a copy, including changes by the container's environment."""
    given: Profile
    """The profile without changes by the environment."""
    component: ComponentPlan
    accelerator: str
    accelerator_memory_mib: int
    loads: Sequence[Load]
    routing: str
    duration_seconds: float


def kind_of(load: Load) -> str:
    """Return the kind of arrivals of a load: the name of the field of `Load` that is set."""
    kinds = ("users", "requests_per_second", "burst", "trace")
    return next(kind for kind in kinds if getattr(load, kind) is not None)


def size_of(load: Load) -> float:
    """Return the number of users, the number of requests of a burst, or the rate of arrivals per second."""
    return load.users or load.burst or load.offered or 0.0


def probes(times: StepTimes) -> tuple[float, ...]:
    """Return the duration of each step in `_PROBES`, in seconds. They show whether two engines have the same times."""
    return tuple(
        times.prefill([prompt]) if prompt else times.decode(sequences, 1000 * sequences)
        for prompt, sequences in _PROBES
    )


def differences(run: FittedRun, now: Conditions) -> list[str]:
    """Return a description of each difference between a forecast and the run; empty if there is none."""
    return [*_of_engine(run, now), *_of_hardware(run, now), *_of_times(run, now), *_of_loads(run, now)]


def _of_engine(run: FittedRun, now: Conditions) -> Iterator[str]:
    component, limits = now.component, now.engine.limits
    if str(component.engine) != run.engine:
        yield f"engine version: {component.engine} instead of {run.engine}"
    if component.task != "generate":
        yield f"task: {component.task} instead of generate"
    if now.engine.profile != replace(now.given, fitted=now.engine.profile.fitted):
        yield "admission: changed by the container's environment"
    for what, here, there in (
        ("prefill budget", limits.prefill_tokens, run.prefill_tokens),
        ("sequences", limits.sequences, run.sequences),
        ("requests at once", limits.concurrent_requests, run.concurrent_requests),
    ):
        if here != there:
            yield f"{what}: {_number(here)} instead of {_number(there)}"
    if not _near(limits.kv_cache_tokens, run.kv_cache_tokens, SAME_LENGTH):
        yield f"KV cache: {limits.kv_cache_tokens:,} tokens instead of {run.kv_cache_tokens:,}"


def _of_hardware(run: FittedRun, now: Conditions) -> Iterator[str]:
    component = now.component
    if now.routing != run.routing:
        yield f"routing: {now.routing} instead of {run.routing}"
    if now.accelerator != run.accelerator:
        yield f"accelerator: {now.accelerator} instead of {run.accelerator}"
    elif now.accelerator_memory_mib != run.accelerator_memory_mib:
        yield f"accelerator memory: {now.accelerator_memory_mib:,} MiB instead of {run.accelerator_memory_mib:,}"
    if component.accelerators != run.tensor_parallel:
        yield f"tensor parallel: {component.accelerators} instead of {run.tensor_parallel}"
    method = component.quantization.method if component.quantization else None
    if method != run.quantization:
        yield f"quantization: {method or 'none'} instead of {run.quantization or 'none'}"
    shape = component.model.architecture
    if not (
        _near(shape.parameters, run.parameters, SAME_MODEL)
        and _near(shape.cached_bytes_per_token(1, 2), run.kv_bytes_per_token, SAME_MODEL)
    ):
        yield f"model: {shape.parameters / 1e9:.1f} B parameters instead of {run.parameters / 1e9:.1f} B"
    if run.copies is None:
        yield "copies: not recorded for the run"
    elif not run.copies / _SAME_COPIES <= component.copies <= run.copies * _SAME_COPIES:
        yield f"copies: {component.copies} instead of {run.copies}"


def _of_times(run: FittedRun, now: Conditions) -> Iterator[str]:
    """Yield a description of the first step whose time differs between the engine of the forecast and the engine of the
    fitted run.
    """
    if run.probed_seconds is None:
        yield "step times: not recorded for the run"
        return
    for what, here, there in zip(_PROBE_WORDS, probes(now.engine.times), run.probed_seconds, strict=True):
        if not _near(here, there, SAME_MODEL):
            yield f"step times: {what} takes {1000 * here:.3g} ms instead of {1000 * there:.3g}"
            return


def _of_loads(run: FittedRun, now: Conditions) -> Iterator[str]:
    loads = now.loads
    if any(kind_of(load) != run.kind for load in loads):
        other = next(load for load in loads if kind_of(load) != run.kind)
        yield f"load: {other.description} instead of {_KINDS[run.kind]}"
    elif run.kind == "trace":
        yield "load: a trace is not compared with the trace of the run"
    else:
        least = run.least_users_per_copy if run.least_load_per_copy is None else run.least_load_per_copy
        most = run.most_users_per_copy if run.most_load_per_copy is None else run.most_load_per_copy
        if any(not least <= size_of(load) / now.component.copies <= most for load in loads):
            yield f"load: fitted with {least:g} to {most:g} {_KINDS[run.kind].split(' in ')[0]} a copy"
    if not all(
        _near(load.input_tokens, run.input_tokens, SAME_LENGTH)
        and _near(load.output_tokens, run.output_tokens, SAME_LENGTH)
        for load in loads
    ):
        yield f"lengths: fitted with {run.input_tokens:,} tokens in, {run.output_tokens:,} out"
    for what, name in (("spread of prompts", "input_stddev"), ("spread of answers", "output_stddev")):
        fitted: float = getattr(run, name)
        if any(not _near(getattr(load, name), fitted, SAME_LENGTH) for load in loads):
            yield f"{what}: fitted with a standard deviation of {fitted:g} tokens"
    if any(not _near(load.shared_tokens, run.shared_tokens, SAME_LENGTH) for load in loads):
        yield f"prefix cache: fitted with {run.shared_tokens:,} shared tokens"
    if any((load.distinct_prompts or 0) != (run.distinct_prompts or 0) for load in loads):
        repeated = (
            f"{run.distinct_prompts:,} distinct prompts" if run.distinct_prompts else "prompts that do not repeat"
        )
        yield f"prefix cache: fitted with {repeated}"
    if run.duration_seconds is None:
        yield "duration: not recorded for the run"
    elif run.kind in ("users", "requests_per_second") and not _near(
        now.duration_seconds, run.duration_seconds, SAME_LENGTH
    ):
        yield f"duration: {now.duration_seconds:g} s instead of {run.duration_seconds:g}"


_KINDS = {
    "users": "users in a closed loop",
    "requests_per_second": "requests a second",
    "burst": "requests in a burst",
    "trace": "a trace",
    "several": "several kinds of load",
}


def _near(value: float, other: float, part: float) -> bool:
    return abs(value - other) <= part * other


def _number(value: int | None) -> str:
    return "no limit" if value is None else f"{value:,}"
