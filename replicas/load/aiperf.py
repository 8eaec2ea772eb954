"""Loads as parameters of AIPerf, which SageMaker's AI benchmark jobs run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicas.load.load import Load

FOLLOWED = (
    *("concurrency", "request_rate", "request_count", "benchmark_duration"),
    *("prompt_input_tokens_mean", "prompt_input_tokens_stddev", "output_tokens_mean", "output_tokens_stddev"),
)
"""Parameters that become fields of a `Load`. AIPerf draws lengths from a normal distribution; a `Load` draws them from
a lognormal distribution with the same mean and standard deviation."""


def parameters_of(load: Load, duration_seconds: float) -> dict[str, Any]:
    """Return the AIPerf parameters of users, a rate or a burst. Arrivals at a rate are Poisson in AIPerf too.

    Raises:
        ValueError: the load has a trace or shared prompts.

    """
    if load.trace is not None or load.has_shared_prompts:
        raise ValueError("a benchmark job has no parameter for a trace, shared_tokens or distinct_prompts")
    lengths = {
        "prompt_input_tokens_mean": load.input_tokens,
        "prompt_input_tokens_stddev": load.input_stddev,
        "output_tokens_mean": load.output_tokens,
        "output_tokens_stddev": load.output_stddev,
    }
    if load.burst is not None:
        return {"concurrency": load.burst, "request_count": load.burst, **lengths}
    if load.users is not None:
        return {"concurrency": load.users, "benchmark_duration": duration_seconds, **lengths}
    return {"request_rate": load.requests_per_second, "benchmark_duration": duration_seconds, **lengths}


def load_of(parameters: Mapping[str, Any]) -> tuple[Load, float]:
    """Return the load of AIPerf parameters, and the seconds in which its requests are sent (0 for a burst).

    Raises:
        ValueError: parameters are missing, contradict each other, or describe a load that is not supported. The
            message lists every fault.

    """
    faults = [
        f"{name} is not a number"
        for name in FOLLOWED
        if parameters.get(name) is not None and not _is_number(parameters[name])
    ]
    lengths = ("prompt_input_tokens_mean", "output_tokens_mean")
    faults += [f"{name} is missing" for name in lengths if parameters.get(name) is None]
    users, rate, count = (parameters.get(name) for name in ("concurrency", "request_rate", "request_count"))
    duration = parameters.get("benchmark_duration")
    if rate is not None and (users is not None or count is not None):
        faults.append("request_rate excludes concurrency and request_count: give request_rate and benchmark_duration")
    elif rate is None and users is None:
        faults.append("concurrency or request_rate is missing")
    elif count is not None and (duration is not None or count != users):
        faults.append("request_count makes a burst: set concurrency to this number, and leave benchmark_duration out")
    elif count is None and duration is None:
        faults.append("benchmark_duration is missing")
    if faults:
        raise ValueError("; ".join(faults))
    load = Load(
        users=None if users is None or count is not None else int(users),
        requests_per_second=None if rate is None else float(rate),
        burst=None if count is None else int(count),
        input_tokens=int(parameters["prompt_input_tokens_mean"]),
        output_tokens=int(parameters["output_tokens_mean"]),
        input_stddev=float(parameters.get("prompt_input_tokens_stddev") or 0.0),
        output_stddev=float(parameters.get("output_tokens_stddev") or 0.0),
    )
    if problems := load.problems():
        raise ValueError("; ".join(problems))
    return load, float(duration or 0.0)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
