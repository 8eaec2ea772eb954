"""Forecasts throughput and latency of a component of a plan under loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from replicas.engines.profile import Profile
from replicas.errors import ForecastError
from replicas.forecast.confidence import confidence
from replicas.forecast.copies import copy_engine
from replicas.forecast.fitted_runs import SAME_MODEL
from replicas.forecast.loads import Forecast, Point, PointLimits
from replicas.forecast.overload import RESPONSE_SECONDS, keeps_up, overload_warnings
from replicas.forecast.sampling import copies_of_forecast, scaled
from replicas.forecast.saturation import point_limits, saturation
from replicas.forecast.simulation import DEFAULT_ROUTING, Outcome, Routing, simulate
from replicas.load import Load, Trace, TracedRequest
from replicas.load.arrivals import duration_problems
from replicas.load.figures import lasting_rate, percentile
from replicas.planning.document import plan_warnings
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.speed.accelerators import Accelerator
from replicas.units import SECONDS_PER_HOUR, usd_per_million_tokens

MAX_DURATION_SECONDS = 24.0 * SECONDS_PER_HOUR


def forecast(
    plan: EndpointPlan,
    component: ComponentPlan,
    loads: Sequence[Load],
    *,
    duration_seconds: float = 90,
    seed: int = 0,
    routing: Routing = DEFAULT_ROUTING,
    profile: Profile | None = None,
    accelerator: Accelerator | None = None,
) -> Forecast:
    """Return the rates and latencies of a component of a plan under each load.

    Other components of the endpoint are assumed to be idle. Contention between copies for the host's CPU, memory
    bandwidth and network is not modelled.

    `routing` is SageMaker's routing strategy. By default requests go to random copies, as in the run to which the
    constants were fitted: no measurement of LEAST_OUTSTANDING_REQUESTS on an endpoint was published. `profile` replaces
    the profile of the engine's version (`replicas calibrate` writes one). `accelerator` replaces the speed of the
    instance's accelerators.

    Raises:
        ForecastError: a load is invalid or exceeds the component's limits, or the speed of the accelerators is not
            known. The message lists every fault.

    """
    problems = []
    for load in loads:
        problems += [*load.problems(), *_answer_faults(component, load)]
        problems += duration_problems(load, duration_seconds)
        if not any(load.length_problems()):
            problems += _unfit(component, load)
    own = component.engine.profile.profile
    if profile is not None and profile.profile != own:
        problems.append(f"the given profile is for {profile.profile}, but {component.engine} needs a profile for {own}")
    elif profile is not None and (other := _other_model(profile, component)):
        problems.append(other)
    if not 0 < duration_seconds <= MAX_DURATION_SECONDS:
        problems.append(f"duration_seconds={duration_seconds}: more than 0, at most {MAX_DURATION_SECONDS:.0f}")
    if component.copies < 1:
        problems.append("the component has no copies: set copies=, or forecast with --copies")
    if not loads:
        problems.append("no load was given")
    try:
        engine = copy_engine(component, plan.instance, profile, accelerator)
    except LookupError as unknown:
        problems.append(f"{plan.instance.name}: {unknown}")
        engine = None
    if problems or engine is None:
        raise ForecastError(_message(subject_of(plan, component), list(dict.fromkeys(problems))))
    points: list[Point] = []
    limits: list[PointLimits] = []
    warnings = list(plan_warnings(plan))
    copies = fewest = component.copies
    for load in loads:
        some = copies_of_forecast(engine, component, load, duration_seconds) if routing == "RANDOM" else copies
        fewest, part = min(fewest, some), load.part(some / copies)
        outcome = simulate(
            engine,
            copies=some,
            load=within_limits(part, component),
            duration_seconds=duration_seconds,
            seed=seed,
            routing=routing,
        )
        duration = outcome.duration(load, duration_seconds)
        point = scaled(_point(part, outcome, duration), load, copies / some)
        points.append(_priced(point, _usd_per_hour(plan, component)))
        if outcome.cut:
            warnings.append(_cut(load, round(outcome.cut * copies / some), points[-1].requests, component))
        limits.append(point_limits(load, outcome, engine, copies=some, duration=duration))
        over = sum([ended - asked > RESPONSE_SECONDS for asked, _, ended, _ in outcome.answered])
        share = over / len(outcome.answered) if outcome.answered else 0.0
        warnings += overload_warnings(load, points[-1], limits[-1], copies=copies, over_limit=share)
    given = profile or component.engine.profile
    trust = confidence(engine, given, component, plan.instance, loads, routing, duration_seconds)
    return Forecast(
        deployment=plan.name,
        component=component.name,
        engine=str(component.engine),
        task=component.task,
        confidence=trust.confidence,
        basis=trust.basis,
        summary=trust.summary,
        measured_error=trust.error,
        instance_type=plan.instance.name,
        routing=routing,
        duration_seconds=duration_seconds,
        copies=copies,
        copies_simulated=fewest,
        points=tuple(points),
        limits=saturation(points, limits, engine.limits.concurrent_requests),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _other_model(profile: Profile, component: ComponentPlan) -> str | None:
    """Return a problem if the profile was calibrated with a run of another model; None otherwise."""
    run = profile.fitted
    if run is None or run == component.engine.profile.fitted:
        return None
    shape = component.model.architecture
    sizes = (shape.parameters, run.parameters), (shape.cached_bytes_per_token(1, 2), run.kv_bytes_per_token)
    if all(abs(here - there) <= SAME_MODEL * there for here, there in sizes):
        return None
    return (
        f"the given profile was calibrated with {run.described}, a model of {run.parameters / 1e9:.1f} B parameters, "
        f"but {component.model.id} has {shape.parameters / 1e9:.1f} B: calibrate with a run of this model"
    )


def _answer_faults(component: ComponentPlan, load: Load) -> Iterator[str]:
    """Yield a problem if answers with generated text have 0 tokens, or if answers of another task have tokens."""
    if component.task == "generate" and load.trace is not None:
        silent = [number for number, request in enumerate(load.trace.requests, 1) if not request.output_tokens]
        if silent:
            requests = f"{len(silent):,} {'request' if len(silent) == 1 else 'requests'}"
            yield f"output_length=0 in {requests} of the trace, first in request {silent[0]:,}: it must be at least 1"
    elif component.task == "generate" and not load.output_tokens:
        yield f"output_tokens={load.output_tokens}: at least 1"
    if component.task != "generate" and load.output_tokens:
        yield f"output_tokens={load.output_tokens}: task={component.task!r} generates no tokens: leave it out"


def within_limits(load: Load, component: ComponentPlan) -> Load:
    """Return the load with the length limits of a component. Drawn requests that are longer are cut to these limits."""
    total = component.max_total_tokens
    if not component.memory.pool.is_empty:
        total = min(total, component.kv_cache_tokens)
    return replace(load, max_input_tokens=component.max_input_tokens, max_total_tokens=total)


def _cut(load: Load, cut: int, requests: int, component: ComponentPlan) -> str:
    return (
        f"{load.description}: {cut:,} of {requests:,} requests were drawn longer than a copy accepts "
        f"and were cut to {component.max_input_tokens:,} tokens in, {component.max_total_tokens:,} in all"
    )


def _unfit(component: ComponentPlan, load: Load) -> list[str]:
    """Return a problem for each limit of the component that a request of the load exceeds."""
    if load.trace is not None:
        return _unfit_of_trace(component, load.trace)
    request_tokens = load.input_tokens + load.output_tokens
    problems = []
    if load.input_tokens > component.max_input_tokens:
        problems.append(
            f"input_tokens={load.input_tokens:,}: the component accepts at most {component.max_input_tokens:,}"
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


def _unfit_of_trace(component: ComponentPlan, trace: Trace) -> list[str]:
    """Return a problem for each limit that requests of a trace exceed, with their number and the longest request."""
    limits = [
        ("prompts", "a prompt has at most", component.max_input_tokens, _input_tokens),
        ("requests", "a request has at most", component.max_total_tokens, _total_tokens),
    ]
    if not component.memory.pool.is_empty and component.kv_cache_tokens < component.max_total_tokens:
        limits.append(("requests", "the KV cache of a copy holds", component.kv_cache_tokens, _total_tokens))
    problems = []
    for what, limit, most, tokens in limits:
        longer = [number for number, request in enumerate(trace.requests, 1) if tokens(request) > most]
        if longer:
            longest = max(longer, key=lambda number: tokens(trace.requests[number - 1]))
            problems.append(
                f"{len(longer):,} of {len(trace.requests):,} {what} of the trace are too long, the longest is request "
                f"{longest:,} with {tokens(trace.requests[longest - 1]):,} tokens: {limit} {most:,}"
            )
    return problems


def _input_tokens(request: TracedRequest) -> int:
    return request.input_tokens


def _total_tokens(request: TracedRequest) -> int:
    return request.input_tokens + request.output_tokens


def subject_of(plan: EndpointPlan, component: ComponentPlan) -> str:
    """Return the names of deployment and component for a message. If both have the same name, it is returned once."""
    return ", ".join(dict.fromkeys((plan.name, component.name)))


def _message(subject: str, problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return f"no forecast of {subject}: {problems[0]}"
    return "\n".join([f"no forecast of {subject}:", *(f"  - {problem}" for problem in problems)])


def _usd_per_hour(plan: EndpointPlan, component: ComponentPlan) -> float | None:
    """Return the component's share of the price, in proportion to the accelerators of its copies."""
    if plan.usd_per_hour is None:
        return None
    return plan.usd_per_hour * component.copies * component.accelerators / plan.accelerators_used


def _priced(point: Point, usd_per_hour: float | None) -> Point:
    price = usd_per_million_tokens(usd_per_hour, point.output_tokens_per_second)
    return replace(point, usd_per_million_output_tokens=price)


def _point(load: Load, outcome: Outcome, duration: float) -> Point:
    answered, elapsed = outcome.answered, outcome.elapsed_seconds
    generates = load.output_tokens > 0
    latencies = sorted([ended - asked for asked, _, ended, _ in answered])
    firsts = sorted([first - asked for asked, first, _, _ in answered]) if generates else []
    later = sorted([(ended - first) / (tokens - 1) for _, first, ended, tokens in answered if generates and tokens > 1])
    window = [request.output_tokens for request in answered if request.ended <= duration]
    requests = len(answered) + len(outcome.refused)
    tokens = sum(window) if generates else 0
    tokens_per_second = tokens / duration if duration else 0.0

    def part(ordered: Sequence[float], share: float) -> float | None:
        return percentile(ordered, share) if ordered else None

    window_rate = len(window) / duration if duration else 0.0
    # The requests of a trace are sent in the time of the trace, those of a rate in the whole duration.
    sending = duration if load.trace is None else load.trace.seconds
    has_rate = load.offered is not None or not load.has_end
    lasting = lasting_rate([(asked, first, ended) for asked, first, ended, _ in answered], sending) if has_rate else 0.0
    return Point(
        users=load.users,
        requests_per_second_offered=load.offered,
        burst=load.burst,
        is_reached=keeps_up(load, requests, latencies, lasting, sending),
        requests=requests,
        refused=len(outcome.refused),
        elapsed_seconds=elapsed,
        requests_per_second=window_rate if load.has_end else lasting,
        requests_per_second_elapsed=requests / elapsed if elapsed else 0.0,
        requests_per_second_window=window_rate,
        latency_p50_seconds=part(latencies, 0.5),
        latency_p90_seconds=part(latencies, 0.9),
        latency_p99_seconds=part(latencies, 0.99),
        ttft_p50_seconds=part(firsts, 0.5),
        ttft_p90_seconds=part(firsts, 0.9),
        ttft_p99_seconds=part(firsts, 0.99),
        tpot_p50_seconds=part(later, 0.5),
        tpot_p90_seconds=part(later, 0.9),
        tpot_p99_seconds=part(later, 0.99),
        output_tokens_per_second=tokens_per_second,
        usd_per_million_output_tokens=None,
    )
