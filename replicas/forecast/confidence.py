"""Confidence of a forecast: how far it is from the runs that support it, and the error that was measured on them.

`calibrated`: none of the properties compared below differs from the run that a constant was fitted to.
`extrapolated`: enough runs that no constant was fitted to are near: they differ from the forecast in few properties.
`order-of-magnitude`: enough such runs of the engine exist, but few of them are near.
`unmeasured`: too few runs stand behind the forecast for any of that. Their error is stated, if there are any.

Every class states its measured error. The runs and their errors are those of the exam (`exam.json`, `make exam`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from replicas.catalogue import data
from replicas.catalogue.instances import Instance
from replicas.engines.profile import FittedRun, Profile
from replicas.forecast.copies import CopyEngine
from replicas.forecast.loads import Confidence, MeasuredError
from replicas.load import Load
from replicas.planning.plans import ComponentPlan

SAME_MODEL = 0.1
"""Two models count as the same if their parameters and their KV-cache bytes per token differ by at most this ratio.
Such models have the same architecture, fine-tuned or with another vocabulary."""
SAME_LENGTH = 0.25
"""Prompt and answer lengths count as the same if they differ by at most this ratio."""
CALIBRATED_WITHIN = 0.15
"""Maximum relative error of rates and median latencies in a forecast that is called calibrated."""
FEWEST_RUNS, FEWEST_SOURCES = 20, 3
"""Unfitted runs, and sources of them, that a class rests on."""
_NEAR = 3
"""Properties in which a run may differ from the forecast that it supports."""
_SIZE, _LENGTH, _LOAD = 2.0, 4.0, 4.0
"""Ratios of parameters, lengths and requests at once up to which a run and a forecast count as alike."""
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Trust:
    """How far to trust a forecast."""

    confidence: Confidence
    basis: str
    """Reason for the class, with the measured error."""
    error: MeasuredError | None
    """None if nothing was measured."""


@dataclass(frozen=True)
class _Difference:
    what: str
    how: str


def confidence(
    engine: CopyEngine,
    given: Profile,
    component: ComponentPlan,
    instance: Instance,
    loads: Sequence[Load],
    routing: str,
) -> Trust:
    """Return the confidence of a forecast of these loads (that of the worst).

    Args:
        engine: the engine of a copy, with what the container's environment changes.
        given: the profile before those changes.
        component: the component of the plan.
        instance: its instance type.
        loads: the loads.
        routing: SageMaker's routing strategy.

    """
    run = given.fitted
    if run is not None:
        rests = f"{given.profile}, fitted to {run.described}"
        differences = list(_differences(run, engine, given, component, instance, loads, routing))
        if not differences and run.worst_residual <= CALIBRATED_WITHIN:
            error = _error_of_fit(run)
            return Trust("calibrated", f"{rests}; {_words(error)}", error)
        if differences:
            rests += f"; here differ {'; '.join(f'{each.what}: {each.how}' for each in differences)}"
        else:
            rests += f", which the fit itself misses by up to {run.worst_residual:.0%}"
    else:
        rests = f"no run is known that the constants of {given.profile} were all fitted to"
    return _supported(rests, component, instance, loads)


def _supported(rests: str, component: ComponentPlan, instance: Instance, loads: Sequence[Load]) -> Trust:
    """Return the confidence that runs of the exam give to a forecast."""
    name = component.engine.kind.name
    runs = [run for run in _unfitted() if run["engine"].rpartition("-")[0] == name]
    near = [run for run in runs if _distance(run, component, instance, loads) <= _NEAR]
    for trust, behind, which in (
        ("extrapolated", near, "near"),
        ("order-of-magnitude", runs, f"of {name}, few of them near"),
    ):
        if len(behind) >= FEWEST_RUNS and len(_sources(behind)) >= FEWEST_SOURCES:
            error = _error(behind)
            held = f"{len(behind)} published runs are {which} ({len(_sources(behind))} sources, none fitted to)"
            return Trust(trust, f"{rests}. {held}: {_words(error)}", error)  # type: ignore[arg-type]
    if not runs:
        return Trust("unmeasured", f"{rests}. No published run of {name} is held against it", None)
    error = _error(runs)
    few = (
        f"only {len(runs)} published runs of {len(_sources(runs))} sources are held against {name}, "
        f"{FEWEST_RUNS} of {FEWEST_SOURCES} make a class"
    )
    return Trust("unmeasured", f"{rests}. {few[0].upper()}{few[1:]}: {_words(error)}", error)


# ---- runs of the exam


@cache
def _unfitted() -> list[dict[str, Any]]:
    return [run for run in data.load("exam", _FOLDER)["runs"] if not run["fitted"]]


def _sources(runs: Sequence[dict[str, Any]]) -> set[str]:
    return {run["origin"] for run in runs}


def _distance(run: dict[str, Any], component: ComponentPlan, instance: Instance, loads: Sequence[Load]) -> int:
    """Return in how many properties a run differs from a forecast; of several loads, that of the furthest."""
    quantization = component.quantization.method if component.quantization else None
    own = (
        run["profile"] != component.engine.profile.profile,
        (run["accelerator"], run["accelerator_memory_mib"]) != (instance.accelerator, instance.accelerator_memory_mib),
        not run["own_links"],
        run["degree"] != component.accelerators,
        run["quantization"] != quantization,
        not _alike(run["parameters"], component.model.architecture.parameters, _SIZE),
        component.task != "generate",
    )
    differences: int = sum(own)
    return differences + max(_distance_of_load(run, load, component.copies) for load in loads)


def _distance_of_load(run: dict[str, Any], load: Load, copies: int) -> int:
    kind = "closed" if load.users is not None else "rate" if load.burst is None else "offline"
    at_once = (load.users or load.burst or load.offered or 0) / copies
    return sum(
        (
            run["kind"] != kind,
            not _alike(run["load"], at_once, _LOAD),
            not (
                _alike(run["input_tokens"], load.input_tokens, _LENGTH)
                and _alike(run["output_tokens"], load.output_tokens, _LENGTH)
            ),
            run["varies"] != load.is_varied,
            run["shares_prompts"] != load.has_shared_prompts,
        )
    )


def _alike(one: float, other: float, ratio: float) -> bool:
    return one <= ratio * other and other <= ratio * one


# ---- errors


def _error(runs: Sequence[dict[str, Any]]) -> MeasuredError:
    def figures(name: str) -> tuple[float | None, float | None]:
        errors = [abs(run["errors"][name]) for run in runs if run["errors"][name] is not None]
        return (median(errors), max(errors)) if errors else (None, None)

    rates, latencies, firsts = (figures(name) for name in ("requests_per_second", "latency", "ttft"))
    return MeasuredError(
        runs=len(runs),
        sources=len(_sources(runs)),
        requests_per_second_median=rates[0],
        requests_per_second_worst=rates[1],
        latency_median=latencies[0],
        latency_worst=latencies[1],
        ttft_median=firsts[0],
        ttft_worst=firsts[1],
    )


def _error_of_fit(run: FittedRun) -> MeasuredError:
    worst = run.worst_residual
    return MeasuredError(
        runs=1,
        sources=1,
        requests_per_second_median=None,
        requests_per_second_worst=worst,
        latency_median=None,
        latency_worst=worst,
        ttft_median=None,
        ttft_worst=None,
    )


def _words(error: MeasuredError) -> str:
    """Return the measured error in one sentence."""
    figures = (
        ("requests a second", error.requests_per_second_median, error.requests_per_second_worst),
        ("median latency", error.latency_median, error.latency_worst),
        ("time to first token", error.ttft_median, error.ttft_worst),
    )
    parts = []
    for what, middle, worst in figures:
        if worst is None:
            continue
        half = ":" if middle is None else f" within {middle:.0%}, half of the time,"
        parts.append(f"{what}{half} worst seen {worst:.0%}")
    return "; ".join(parts)


# ---- the run that constants were fitted to


def _differences(
    run: FittedRun,
    engine: CopyEngine,
    given: Profile,
    component: ComponentPlan,
    instance: Instance,
    loads: Sequence[Load],
    routing: str,
) -> Iterator[_Difference]:
    yield from _differences_of_engine(run, engine, given, component)
    if routing != run.routing:
        yield _Difference("routing", f"{routing} instead of {run.routing}")
    if instance.accelerator != run.accelerator:
        yield _Difference("accelerator", f"{instance.accelerator} instead of {run.accelerator}")
    elif instance.accelerator_memory_mib != run.accelerator_memory_mib:
        memory = f"{instance.accelerator_memory_mib:,} MiB instead of {run.accelerator_memory_mib:,}"
        yield _Difference("card memory", memory)
    if component.accelerators != run.tensor_parallel:
        yield _Difference("tensor parallel", f"{component.accelerators} instead of {run.tensor_parallel}")
    method = component.quantization.method if component.quantization else None
    if method != run.quantization:
        yield _Difference("quantization", f"{method or 'none'} instead of {run.quantization or 'none'}")
    shape = component.model.architecture
    if not (
        _near(shape.parameters, run.parameters, SAME_MODEL)
        and _near(shape.cached_bytes_per_token(1, 2), run.kv_bytes_per_token, SAME_MODEL)
    ):
        yield _Difference("model", f"{shape.parameters / 1e9:.1f} B parameters instead of {run.parameters / 1e9:.1f} B")
    yield from _differences_of_loads(run, component, loads)


def _differences_of_engine(
    run: FittedRun, engine: CopyEngine, given: Profile, component: ComponentPlan
) -> Iterator[_Difference]:
    """Yield what the simulation reads of the engine and what the run had otherwise."""
    if _minor(str(component.engine)) != _minor(run.engine):
        yield _Difference("engine version", f"{component.engine} instead of {run.engine}")
    if component.task != "generate":
        yield _Difference("task", f"{component.task} instead of generate")
    if engine.profile != replace(given, fitted=engine.profile.fitted):
        yield _Difference("admission", "the container's environment changes it")
    limits = engine.limits
    for what, here, there in (
        ("prefill budget", limits.prefill_tokens, run.prefill_tokens),
        ("sequences", limits.sequences, run.sequences),
        ("requests at once", limits.concurrent_requests, run.concurrent_requests),
    ):
        if here != there:
            yield _Difference(what, f"{_number(here)} instead of {_number(there)}")
    if not _near(limits.kv_cache_tokens, run.kv_cache_tokens, SAME_LENGTH):
        cache = f"{limits.kv_cache_tokens:,} tokens instead of {run.kv_cache_tokens:,}"
        yield _Difference("KV cache", cache)


def _differences_of_loads(run: FittedRun, component: ComponentPlan, loads: Sequence[Load]) -> Iterator[_Difference]:
    lengths = {(load.input_tokens, load.output_tokens) for load in loads}
    if not all(
        _near(tokens_in, run.input_tokens, SAME_LENGTH) and _near(tokens_out, run.output_tokens, SAME_LENGTH)
        for tokens_in, tokens_out in lengths
    ):
        yield _Difference("lengths", f"fitted at {run.input_tokens:,} tokens in, {run.output_tokens:,} out")
    if others := [load for load in loads if load.users is None]:
        yield _Difference("load", f"{others[0].description} instead of users in a closed loop")
    elif any(
        not run.least_users_per_copy <= (load.users or 0) / component.copies <= run.most_users_per_copy
        for load in loads
    ):
        yield _Difference("load", f"fitted at {run.least_users_per_copy:g} to {run.most_users_per_copy:g} users a copy")
    if any(load.is_varied for load in loads):
        yield _Difference("spread of lengths", "lengths vary, instead of one length")
    if any(load.has_shared_prompts for load in loads) and run.shared_tokens == 0:
        yield _Difference("prefix cache", "prompts share their beginning")


def _minor(engine: str) -> str:
    """Return the engine with the first two numbers of its version: `NAME-1.1` for `NAME-1.1.0`."""
    return ".".join(engine.split(".")[:2])


def _near(value: float, other: float, part: float) -> bool:
    return abs(value - other) <= part * other


def _number(value: int | None) -> str:
    return "no limit" if value is None else f"{value:,}"
