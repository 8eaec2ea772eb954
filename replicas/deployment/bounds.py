"""Bounds of the numeric fields of a deployment, each with its reason. They keep every search small enough to finish.

These bounds hold for every deployment. `plan` checks the numbers whose bound depends on the instance type or the model
(accelerators, CPUs, memory, length of a request).
"""

from __future__ import annotations

from collections.abc import Mapping

MAX_INSTANCES = 100
"""Upper bound of `instances`. Up to this number the search for a placement takes no noticeable time."""
MAX_FALLBACKS = 4
"""Fallback instance types of an endpoint, which with the first type are its instance pools."""
MAX_COPIES = 1000
"""Upper bound of copies: `MAX_INSTANCES` instances of 8 accelerators hold 800 copies of one accelerator."""
MAX_SCHEDULES = 200
"""Quota of scheduled actions per scalable target, which AWS does not raise (Application Auto Scaling user guide)."""
MAX_REQUEST_TOKENS = 10_485_760
"""Longest context that a published model states: `max_position_embeddings` of Llama 4 Scout's config.json."""
MAX_CACHE_TOKENS = 1_000_000_000
"""A number of tokens that no KV cache can hold: 8 accelerators of 288 GB would have 2.3 KB for each token, and the
smallest decoders need more than 20 KB per token."""
MAX_WEIGHTS_GIB = 10_000
MAX_KV_BYTES_PER_TOKEN = 100_000_000
"""Upper bounds of declared sizes: five times the largest published weights, and 50 times the largest KV cache of a
token of a published model."""
MAX_USERS = 100_000
MAX_REQUESTS_PER_SECOND = 10_000
"""Upper bounds of the load of a forecast, far above the saturation of 800 copies with several hundred requests each."""
MAX_REQUESTS_PER_MINUTE = 60 * MAX_REQUESTS_PER_SECOND
MAX_RESPONSE_SECONDS = 480
"""SageMaker limits a response to 60 s, and a streamed response to 8 minutes (InvokeEndpointWithResponseStream)."""

_HOLDS = f"{MAX_INSTANCES} instances of 8 accelerators hold 800 copies"
_CONTEXT = "the longest context of a published model, Llama 4 Scout"
_SCHEMA = "the CloudFormation schema of"
_COMPONENT, _CONFIGURATION = (
    f"{_SCHEMA} AWS::SageMaker::InferenceComponent",
    f"{_SCHEMA} AWS::SageMaker::EndpointConfig",
)
_FORECAST = "the largest load that a forecast simulates"
_ENDED = "SageMaker ends a streamed answer after 8 minutes"

REASONS: Mapping[str, str] = {
    "copies": _HOLDS,
    "min_copies": _HOLDS,
    "max_copies": _HOLDS,
    "batch_copies": _HOLDS,
    "instances": "for more, use several endpoints",
    "max_instances": "for more, use several endpoints",
    "min_instances": "for more, use several endpoints",
    "cpus": "SageMaker accepts multiples of a quarter core",
    "memory_mib": _COMPONENT,
    "max_total_tokens": _CONTEXT,
    "max_input_tokens": _CONTEXT,
    "max_batch_prefill_tokens": _CONTEXT,
    "max_sequences": "each request needs at least one token per step",
    "min_kv_cache_tokens": "no instance has memory for more tokens",
    "weights_gib": "five times the largest published weights",
    "kv_bytes_per_token": "50 times the largest KV cache per token of a published model",
    "gpu_memory_share": "a share of the accelerator's memory",
    "startup_timeout_seconds": _COMPONENT,
    "input_tokens": _CONTEXT,
    "output_tokens": _CONTEXT,
    "users": _FORECAST,
    "requests_per_second": _FORECAST,
    "concurrent_requests_per_copy": _FORECAST,
    "invocations_per_copy": f"{_FORECAST}, {MAX_REQUESTS_PER_SECOND:,} a second",
    "scale_out_cooldown_seconds": "a longer pause would make the scaling useless",
    "scale_in_cooldown_seconds": "a longer pause would make the scaling useless",
    "schedules": "the quota of scheduled actions of Application Auto Scaling for one component",
    "scale_in_cooldown_minutes": _CONFIGURATION,
    "scale_in_step": _CONFIGURATION,
    "fallback_instance_types": "an endpoint has at most 5 instance pools",
    "wait_seconds": _COMPONENT,
    "timeout_seconds": _COMPONENT,
    "max_zone_imbalance": _COMPONENT,
    "rank": "the largest rank that an engine supports",
    "prefix_length": _CONFIGURATION,
    "concurrency_threshold": _CONFIGURATION,
    "server_errors": f"{_FORECAST}, during one minute",
    "model_errors": f"{_FORECAST}, during one minute",
    "no_capacity": f"{_FORECAST}, during one minute",
    "latency_p90_seconds": _ENDED,
}
"""Reason for the bounds of each field, by the name of the field."""
