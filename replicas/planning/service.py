"""Warnings about how the copies of a plan would serve: requests too long for them, or one request at a time."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.planning.plans import ComponentPlan, EndpointPlan


def service_warnings(plan: EndpointPlan) -> list[str]:
    """Return what a user would notice of a plan that fits, each with the change that would help."""
    several = len(plan.components) > 1
    return [
        f"{component.name}: {warning}" if several else warning
        for component in plan.components
        for warning in _warnings_of(component)
    ]


def exceeds_limits(component: ComponentPlan) -> bool:
    """True if a request of the declared traffic is longer than a request may be."""
    traffic = component.traffic
    return traffic is not None and (
        traffic.input_tokens > component.max_input_tokens
        or traffic.input_tokens + traffic.output_tokens > component.max_total_tokens
    )


def _target_above_copy(component: ComponentPlan, tokens: int) -> Iterator[str]:
    """Yield that a copy holds fewer requests than its scaling waits for: they queue, and no copy is added."""
    scaling = component.scaling
    held = component.requests_at_once(tokens)
    if component.sequences:
        held = min(held, component.sequences)
    if scaling is None or not scaling.on_concurrent_requests or scaling.target <= max(1, held):
        return
    yield (
        f"scaling.concurrent_requests_per_copy={scaling.target:g}: a copy holds {held} requests of {tokens:,} tokens "
        f"at once, so that others wait before a copy is added: {max(1, held * 3 // 4)}, or leave it out"
    )


def _warnings_of(component: ComponentPlan) -> Iterator[str]:
    traffic, longest = component.traffic, component.max_total_tokens
    tokens = min(traffic.input_tokens + traffic.output_tokens, longest) if traffic else longest
    if traffic and exceeds_limits(component):
        yield (
            f"traffic= of {traffic.input_tokens:,} + {traffic.output_tokens:,} tokens: the engine refuses prompts of "
            f"more than {component.max_input_tokens:,} tokens and requests of more than {longest:,}: "
            f"max_total_tokens={traffic.input_tokens + traffic.output_tokens}"
        )
    if not component.memory.pool.is_empty and component.task != "generate" and component.prefill_tokens < longest:
        yield (
            f"max_batch_prefill_tokens={component.prefill_tokens}: whether {component.engine} starts is not judged: a "
            f"pooler of the last token takes a prompt in chunks, others need {longest}, and config.json does not name "
            f"the pooling: max_batch_prefill_tokens={longest}"
        )
    yield from _target_above_copy(component, tokens)
    if component.requests_at_once(tokens) > 1:
        return
    if not component.memory.pool.is_empty:
        yield (
            f"a copy serves one request of {tokens:,} tokens at a time, for its KV cache holds no second one: a "
            "smaller max_total_tokens=, a higher tensor_parallel=, or a larger instance type"
        )
    else:
        yield (
            f"a step of a copy computes one request of {tokens:,} tokens: max_batch_prefill_tokens={2 * tokens} for two"
        )
