"""Forecasts how a component of a plan serves loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replicas.engines.profile import Profile
from replicas.errors import ForecastError
from replicas.forecast.confidence import confidence
from replicas.forecast.copies import copy_engine
from replicas.forecast.loads import Forecast, Load, Point, PointLimits, percentile
from replicas.forecast.saturation import point_limits, saturation
from replicas.forecast.simulation import Outcome, Routing, simulate
from replicas.planning.document import plan_warnings
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.units import SECONDS_PER_HOUR, usd_per_million_tokens

MAX_DURATION_SECONDS = 24.0 * SECONDS_PER_HOUR


def forecast(
    plan: EndpointPlan,
    component: ComponentPlan,
    loads: Sequence[Load],
    *,
    duration_seconds: float = 90,
    seed: int = 0,
    routing: Routing = "RANDOM",
    profile: Profile | None = None,
) -> Forecast:
    """Return the rates and latencies of a component of a plan under each load.

    Other components of the endpoint are assumed to be idle. They have accelerators of their own; contention between
    copies for the host's CPU, memory bandwidth and network is not modelled.

    `routing` is SageMaker's strategy. By default requests are spread at random, as in the run that the constants
    were fitted to: no measurement of least-outstanding-requests on an endpoint was published. `profile` replaces the
    profile
    of the engine's version (`replicas calibrate` makes one).

    Raises:
        ForecastError: a load is invalid or exceeds the component's limits, or the speed of the accelerators is not
            known. It lists every fault.

    """
    problems = []
    for load in loads:
        faults = [*load.problems(), *_answer_faults(component, load)]
        problems += faults or _unfit(component, load)
    own = component.engine.profile.profile
    if profile is not None and profile.profile != own:
        problems.append(f"the profile given is one of {profile.profile}; {component.engine} is of the line {own}")
    if not 0 < duration_seconds <= MAX_DURATION_SECONDS:
        problems.append(f"duration_seconds={duration_seconds}: more than 0, at most {MAX_DURATION_SECONDS:.0f}")
    if component.copies < 1:
        problems.append("it has no copies: give it some, or forecast with --copies")
    if not loads:
        problems.append("no load was given")
    try:
        engine = copy_engine(component, plan.instance, profile)
    except LookupError as unknown:
        problems.append(f"{plan.instance.name}: {unknown}")
        engine = None
    if problems or engine is None:
        raise ForecastError(_message(f"{plan.name}, {component.name}", list(dict.fromkeys(problems))))
    points: list[Point] = []
    limits: list[PointLimits] = []
    for load in loads:
        outcome = simulate(
            engine, copies=component.copies, load=load, duration_seconds=duration_seconds, seed=seed, routing=routing
        )
        points.append(_point(load, outcome, duration_seconds, _usd_per_hour(plan, component)))
        limits.append(
            point_limits(
                load,
                outcome,
                copies=component.copies,
                kv_cache_tokens=engine.limits.kv_cache_tokens,
                duration=duration_seconds,
            )
        )
    trust, basis = confidence(engine.profile, component, plan.instance, loads, routing)
    return Forecast(
        deployment=plan.name,
        component=component.name,
        engine=str(component.engine),
        task=component.task,
        confidence=trust,
        basis=basis,
        routing=routing,
        points=tuple(points),
        limits=saturation(points, limits, engine.limits.concurrent_requests),
        warnings=tuple(plan_warnings(plan)),
    )


def _answer_faults(component: ComponentPlan, load: Load) -> Iterator[str]:
    """Yield the fault of a load with an answer from a model that generates none, or without one from another."""
    if component.task == "generate" and not load.output_tokens:
        yield f"output_tokens={load.output_tokens}: at least 1"
    if component.task != "generate" and load.output_tokens:
        yield f"output_tokens={load.output_tokens}: task={component.task!r} generates no token: leave it out"


def _unfit(component: ComponentPlan, load: Load) -> list[str]:
    """Return the limits of the component that a request of the load exceeds."""
    request_tokens = load.input_tokens + load.output_tokens
    problems = []
    if load.input_tokens > component.max_input_tokens:
        problems.append(
            f"input_tokens={load.input_tokens:,}: the longest prompt that it takes has {component.max_input_tokens:,}"
        )
    if request_tokens > component.max_total_tokens:
        problems.append(
            f"input_tokens={load.input_tokens:,} and output_tokens={load.output_tokens:,} are {request_tokens:,}: "
            f"a request has at most {component.max_total_tokens:,}"
        )
    elif not component.memory.pool.is_empty and request_tokens > component.kv_cache_tokens:
        problems.append(
            f"a request of {request_tokens:,} tokens: the KV cache of a copy holds {component.kv_cache_tokens:,}"
        )
    return problems


def _message(subject: str, problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return f"no forecast of {subject}: {problems[0]}"
    return "\n".join([f"no forecast of {subject}:", *(f"  - {problem}" for problem in problems)])


def _usd_per_hour(plan: EndpointPlan, component: ComponentPlan) -> float | None:
    """Return the component's share of the price, by the accelerators that its copies occupy."""
    if plan.usd_per_hour is None:
        return None
    return plan.usd_per_hour * component.copies * component.accelerators / plan.accelerators_used


def _point(load: Load, outcome: Outcome, duration: float, usd_per_hour: float | None) -> Point:
    answered, elapsed = outcome.answered, outcome.elapsed_seconds
    latencies = sorted(request.ended - request.asked for request in answered)
    firsts = sorted(request.first_token - request.asked for request in answered) if load.output_tokens else []
    window = sum(request.ended <= duration for request in answered)
    requests = len(answered) + len(outcome.refused)
    tokens_per_second = window * load.output_tokens / duration

    def part(ordered: Sequence[float], share: float) -> float | None:
        return percentile(ordered, share) if ordered else None

    return Point(
        users=load.users,
        requests_per_second_offered=load.requests_per_second,
        requests=requests,
        refused=len(outcome.refused),
        elapsed_seconds=elapsed,
        requests_per_second_elapsed=requests / elapsed if elapsed else 0.0,
        requests_per_second_window=window / duration,
        latency_p50_seconds=part(latencies, 0.5),
        latency_p90_seconds=part(latencies, 0.9),
        latency_p99_seconds=part(latencies, 0.99),
        ttft_p50_seconds=part(firsts, 0.5),
        ttft_p90_seconds=part(firsts, 0.9),
        output_tokens_per_second=tokens_per_second,
        usd_per_million_output_tokens=usd_per_million_tokens(usd_per_hour, tokens_per_second),
    )
