"""Speed profiles of engine versions: step-time constants and admission rules (from `profiles.json` of the engine)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = "replicas.profile/2"


@dataclass(frozen=True, kw_only=True)
class FitError:
    """Relative error of a fit against the run to which it was fitted, for one metric, as an absolute value."""

    figure: str
    """`requests_per_second`, `latency`, `ttft` or `tpot`."""
    points: int
    median: float
    worst: float


@dataclass(frozen=True, kw_only=True)
class FittedRun:
    """The measured run to which constants of a profile were fitted."""

    constant: str
    """Names of the fitted constants."""
    described: str
    """Description of the run in one line, with its source."""
    engine: str
    """Name of the engine with its version."""
    routing: str
    """SageMaker's routing strategy."""
    accelerator: str
    accelerator_memory_mib: int
    tensor_parallel: int
    quantization: str | None
    parameters: int
    kv_bytes_per_token: float
    """KV cache per token of the whole model, at two bytes per element."""
    input_tokens: int
    output_tokens: int
    least_users_per_copy: float
    most_users_per_copy: float
    worst_residual: float
    """Largest relative difference between the measured and the fitted rates and median latencies."""
    shared_tokens: int = 0
    kind: str = "users"
    """Arrival of the requests: `users`, `requests_per_second`, `burst` or `trace`; `several` if the load levels of
    the run differ in arrival or lengths."""
    least_load_per_copy: float | None = None
    """Smallest load of the run per copy, in the unit of `kind`; None if `least_users_per_copy` has the load."""
    most_load_per_copy: float | None = None
    copies: int | None = None
    """Number of copies that shared the load. In this field and the fields below, None means that the profile was
    written by an earlier version, which did not record the value."""
    duration_seconds: float | None = None
    input_stddev: float = 0.0
    output_stddev: float = 0.0
    distinct_prompts: int | None = None
    probed_seconds: tuple[float, ...] | None = None
    """Forecast seconds of some steps (`replicas.forecast.fitted_runs.probes`). A forecast with the same values has
    the same inputs as the fit: card, links, weights, cache and constants."""
    errors: tuple[FitError, ...] = ()
    """Error of the fit against the run, for each metric."""
    held_back_error: float | None = None
    """Mean error at load levels that a first fit did not use; None if the first fit used all load levels."""
    prefill_tokens: int
    """Maximum number of prompt tokens per step."""
    sequences: int | None
    concurrent_requests: int | None
    kv_cache_tokens: int


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Speed and admission rule of a range of engine versions that behave alike."""

    profile: str
    """Name of the range of versions."""
    admission: str
    """`waiting`: groups of prompts join between decoding steps. `continuous`: chunks of prompts join every step."""
    max_waiting_tokens: int = 0
    """`waiting`: after this many decode steps without a new request, any number of waiting requests can join."""
    waiting_served_ratio: float = 0.0
    """`waiting`: waiting requests join the batch if the ratio of waiting to running requests is at least this value.
    After `max_waiting_tokens` decode steps without a new request they join at any ratio."""
    reserves_answers: bool = True
    """True if a request reserves KV cache for its whole answer when it starts; False if it reserves token by token."""
    prefix_caching: bool = False
    """True if a common prefix of prompts is computed once and then read from the cache."""
    max_concurrent_requests: int | None
    """Maximum running and waiting requests of one copy. Further requests are refused. None: no limit."""
    compute_efficiency: float
    """Compute of a whole step, as a share of the measured kernels' compute. It is below 1 because cards slow down
    under sustained load and engines run more than single products."""
    weights_efficiency: float
    """Share of the measured kernels' bandwidth at which weights are read."""
    attention_efficiency: float
    """Share of the measured kernels' speed at which decoding reads the KV cache."""
    blocks_per_multiprocessor: float
    """Number of multiprocessors whose bandwidth one head of one decoding sequence uses. It is small for kernels with
    one block per head and sequence, and infinite for kernels that split the context."""
    few_bits_compute: float
    """Share of the compute that a kernel reaches if it unpacks the weights first."""
    frontend_seconds: float
    """Time before the first token that a request spends outside the engine's steps: HTTP, tokenizer, queues between
    processes."""
    step_seconds: float
    """Host time per step."""
    sequence_seconds: float
    """Host time per step and sequence."""
    asynchronous: bool = False
    """True if the host prepares a step while the accelerators compute the previous one."""
    layer_seconds: float
    """Time of the small kernels between the measured ones, per layer and step."""
    routing_seconds: float
    """Time of the kernels that select and sort experts, per mixture of experts and step."""
    launch_seconds_per_layer: float
    """Minimum time of a step per layer, in which the host launches the kernels."""
    split_launch_seconds_per_layer: float
    """Minimum time of a step per layer for copies with several accelerators. It includes launches of the exchanges, and
    waits of processes for each other."""
    few_bits_launch_seconds_per_layer: float
    """Minimum time of a step per layer with four-bit weights, which have kernels of their own, for any number of
    accelerators."""
    all_reduce_seconds: float
    """Time added to the measured time of each exchange between accelerators: the processes of a copy wait for each
    other."""
    fitted: FittedRun | None
    """Run to which constants were fitted; None without a fit."""
    source: str

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document that `read_profile` reads."""
        return {"schema": SCHEMA, **asdict(self)}


def read_profile(document: Mapping[str, Any]) -> Profile:
    """Read a profile from its JSON document.

    Raises:
        TypeError: a field is missing or unknown, or the document has another schema. Profiles with an older schema
            cannot be used: their constants belong to another model of step times.

    """
    values = dict(document)
    schema = values.pop("schema", SCHEMA)
    if schema != SCHEMA:
        raise TypeError(f"the schema of the profile is {schema!r}, not {SCHEMA}")
    fitted = values.get("fitted")
    return Profile(**{**values, "fitted": _read_run(fitted) if fitted else None})


def _read_run(document: Mapping[str, Any]) -> FittedRun:
    probed = document.get("probed_seconds")
    errors = tuple(FitError(**error) for error in document.get("errors", ()))
    return FittedRun(**{**document, "probed_seconds": None if probed is None else tuple(probed), "errors": errors})
