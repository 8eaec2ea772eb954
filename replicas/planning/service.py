"""Warnings about how the copies of a plan serve: requests are too long for them, or run one at a time."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.planning.plans import ComponentPlan, EndpointPlan


def service_warnings(plan: EndpointPlan) -> list[str]:
    """Return warnings about the service of a plan that fits, each with a change that helps."""
    several = len(plan.components) > 1
    return [
        f"{component.name}: {warning}" if several else warning
        for component in plan.components
        for warning in _warnings_of(component)
    ]


def exceeds_limits(component: ComponentPlan) -> bool:
    """True if requests of the declared traffic are longer than the engine accepts."""
    traffic = component.traffic
    return traffic is not None and (
        traffic.input_tokens > component.max_input_tokens
        or traffic.input_tokens + traffic.output_tokens > component.max_total_tokens
    )


def _target_above_copy(component: ComponentPlan, tokens: int) -> Iterator[str]:
    """Yield a warning if the scaling target is above the number of requests that a copy can run at the same time."""
    scaling = component.scaling
    at_once = component.requests_at_once(tokens)
    if component.sequences:
        at_once = min(at_once, component.sequences)
    if scaling is None or not scaling.on_concurrent_requests or scaling.target <= max(1, at_once):
        return
    yield (
        f"scaling.concurrent_requests_per_copy={scaling.target:g}: a copy holds {at_once} requests of {tokens:,} "
        "tokens "
        f"at once, so requests queue before a copy is added: lower it to {max(1, at_once * 3 // 4)}, or leave it out"
    )


def _warnings_of(component: ComponentPlan) -> Iterator[str]:
    traffic, longest = component.traffic, component.max_total_tokens
    tokens = min(traffic.input_tokens + traffic.output_tokens, longest) if traffic else longest
    if traffic and exceeds_limits(component):
        yield (
            f"traffic= of {traffic.input_tokens:,} + {traffic.output_tokens:,} tokens: the engine refuses prompts of "
            f"more than {component.max_input_tokens:,} tokens and requests of more than {longest:,}: "
            f"set max_total_tokens={traffic.input_tokens + traffic.output_tokens}"
        )
    if not component.memory.pool.is_empty and component.task != "generate" and component.prefill_tokens < longest:
        yield (
            f"max_batch_prefill_tokens={component.prefill_tokens}: whether {component.engine} starts is not judged: a "
            f"last-token pooler reads a prompt in chunks, other poolers read it in one step, and config.json does not "
            f"name the pooling: set max_batch_prefill_tokens={longest}"
        )
    yield from _target_above_copy(component, tokens)
    if component.requests_at_once(tokens) > 1:
        return
    if not component.memory.pool.is_empty:
        yield (
            f"a copy serves one request of {tokens:,} tokens at a time, because its KV cache holds no second request: "
            "lower max_total_tokens=, raise tensor_parallel=, or use a larger instance type"
        )
    else:
        yield (
            f"a step of a copy computes only one request of {tokens:,} tokens: set max_batch_prefill_tokens="
            f"{2 * tokens} to compute two"
        )
