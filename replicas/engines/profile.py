"""Speed profiles of engine versions: step-time constants and admission rules (from `profiles.json` of the engine)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = "replicas.profile/2"


@dataclass(frozen=True, kw_only=True)
class FitError:
    """Error of a fit against its own run in one figure: relative, without sign."""

    figure: str
    """`requests_per_second`, `latency`, `ttft` or `tpot`."""
    points: int
    median: float
    worst: float


@dataclass(frozen=True, kw_only=True)
class FittedRun:
    """The measured run that constants of a profile were fitted to."""

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
    """Largest relative difference between the run's rates and median latencies and those of the fit."""
    shared_tokens: int = 0
    kind: str = "users"
    """How its requests arrived: `users`, `requests_per_second`, `burst` or `trace`; `several` if its points differ in
    that or in their lengths."""
    least_load_per_copy: float | None = None
    """Smallest load in the unit of its kind, over the copies; None: that of the users."""
    most_load_per_copy: float | None = None
    copies: int | None = None
    """Copies that shared the load. Here and below, None means that an older profile did not record the value."""
    duration_seconds: float | None = None
    input_stddev: float = 0.0
    output_stddev: float = 0.0
    distinct_prompts: int | None = None
    probed_seconds: tuple[float, ...] | None = None
    """Seconds of the steps that the fit forecasts (`replicas.forecast.fitted_runs.probes`): whatever makes them, card,
    links, weights, cache or constants, is the same if they are."""
    errors: tuple[FitError, ...] = ()
    """Error of the fit against its own run, for each figure of the run."""
    held_back_error: float | None = None
    """Mean error at points that were held back from a first fit; None if there were none."""
    prefill_tokens: int
    """Maximum number of prompt tokens of a step."""
    sequences: int | None
    concurrent_requests: int | None
    kv_cache_tokens: int


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Speed and admission rule of a range of engine versions that behave in the same way."""

    profile: str
    """Name of the version line."""
    admission: str
    """`waiting`: groups of prompts join between decoding steps. `continuous`: chunks of prompts join every step."""
    max_waiting_tokens: int = 0
    """`waiting`: after this many decode steps without a new request, any number of waiting requests can join."""
    waiting_served_ratio: float = 0.0
    """`waiting`: until `max_waiting_tokens` decode steps have passed without a new request, waiting requests join only
    if their number is at least this ratio times the number of running requests."""
    reserves_answers: bool = True
    """True if a starting request reserves KV cache for its whole answer; False if it reserves cache token by token."""
    prefix_caching: bool = False
    """True if a common prefix of prompts is computed once and then read from the cache."""
    max_concurrent_requests: int | None
    """Maximum running and waiting requests of one copy; further ones are refused. None: no limit."""
    compute_efficiency: float
    """Share of the measured kernels' compute that whole steps reach, because cards slow down under sustained load and
    engine kernels do more than single products."""
    weights_efficiency: float
    """Share of the measured kernels' bandwidth at which weights are read."""
    attention_efficiency: float
    """Share of the measured kernels' speed at which decoding reads the KV cache."""
    blocks_per_multiprocessor: float
    """Number of multiprocessors whose bandwidth one head of one decoding sequence uses. Kernels with one block per head
    and sequence use little bandwidth at small batches; infinite for kernels that split the context."""
    few_bits_compute: float
    """Share of the compute that remains if weights are unpacked first."""
    frontend_seconds: float
    """Time of a request outside the engine's steps, before its first token: HTTP, tokenizer, queues between
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
    """The same for each mixture of experts: choosing and sorting."""
    launch_seconds_per_layer: float
    """Minimum time of a step per layer: the time to launch the kernels."""
    split_launch_seconds_per_layer: float
    """The same for copies with several accelerators: launching the exchanges, and processes that wait for each
    other."""
    few_bits_launch_seconds_per_layer: float
    """The same with four-bit weights, which have separate kernels, for any number of accelerators."""
    all_reduce_seconds: float
    """Time of one exchange between accelerators beyond the measured one: processes that wait for each other."""
    fitted: FittedRun | None
    """The run to which constants were fitted; None if there is none."""
    source: str

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document, as `read_profile` reads it: the fields of the profile."""
        return {"schema": SCHEMA, **asdict(self)}


def read_profile(document: Mapping[str, Any]) -> Profile:
    """Read a profile from its JSON document.

    Raises:
        TypeError: a field is missing or unknown, or the document has another schema. The constants of an older one
            belong to another model of step times.

    """
    values = dict(document)
    schema = values.pop("schema", SCHEMA)
    if schema != SCHEMA:
        raise TypeError(f"schema is {schema!r}, not {SCHEMA}")
    fitted = values.get("fitted")
    return Profile(**{**values, "fitted": _read_run(fitted) if fitted else None})


def _read_run(document: Mapping[str, Any]) -> FittedRun:
    probed = document.get("probed_seconds")
    errors = tuple(FitError(**error) for error in document.get("errors", ()))
    return FittedRun(**{**document, "probed_seconds": None if probed is None else tuple(probed), "errors": errors})
