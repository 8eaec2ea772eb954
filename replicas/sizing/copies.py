"""Sizes one copy of a component: accelerators, accelerator memory, and CPU and memory on the host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from replicas.catalogue.instances import Instance, instance_types
from replicas.catalogue.models import find_model, quantized_sibling
from replicas.catalogue.quantization import PRECISION_BYTES
from replicas.endpoint.packing import Resources
from replicas.sizing import claims
from replicas.sizing.division import division_problems, possible_degrees
from replicas.sizing.memory import CopyMemory, copy_memory
from replicas.sizing.resolved import ResolvedComponent, unsupported
from replicas.start import Start, StartRequest, forecast_start
from replicas.start.timeouts import download_timeout, startup_timeout
from replicas.units import GIB, MIB, counted

DEFAULT_TOTAL_TOKENS = 8192
UNBOUNDED_TOTAL_TOKENS = 2048
"""Default of `max_total_tokens` for models whose context has no limit (relative positions) or is not known."""

_CONTEXT_OUTSIDE_SHARE = 0.6 * GIB


@dataclass(frozen=True, kw_only=True)
class SizedCopy:
    """A sized copy. `reasons` gives the reason for each number, by field name."""

    tensor_parallel: int
    memory: CopyMemory
    max_total_tokens: int
    max_input_tokens: int
    prefill_tokens: int
    sequences: int | None
    on_card: bool
    """True if the card has enough memory for the engine's share and for the memory that the engine takes outside the
    share."""
    claim: Resources
    start: Start
    """Expected time until a copy serves."""
    startup_timeout_seconds: int
    download_timeout_seconds: int | None
    """Timeout for weights in S3; None if they come from the Hub."""
    reasons: dict[str, str]


class Unfit(Exception):  # noqa: N818 (the planner collects it as a finding)
    """The copy cannot run on the instance with the requested settings. The message has the shortfall and a fix.

    `sized` is the copy that does not fit; None if it could not be sized.
    """

    def __init__(self, sentence: str, sized: SizedCopy | None = None) -> None:
        super().__init__(sentence)
        self.sized = sized


@dataclass(frozen=True)
class _Attempt:
    """A candidate copy at one tensor-parallel degree."""

    degree: int
    memory: CopyMemory
    request_tokens: int
    """Smallest cache with which the engine starts, tokens."""
    cache_tokens: int
    """Requested minimum size of the cache, tokens; 0 if none is requested."""

    @property
    def required_tokens(self) -> int:
        """Number of tokens that the cache must hold."""
        return max(self.request_tokens, self.cache_tokens)

    @property
    def fits(self) -> bool:
        memory = self.memory
        return memory.holds(self.request_tokens) and memory.kv_cache_tokens >= self.cache_tokens and self.card_holds

    @property
    def card_holds(self) -> bool:
        """True if the memory of the card outside the engine's share is at least `outside`."""
        return self.memory.usable + self.outside <= self.memory.card

    @property
    def outside(self) -> float:
        """Memory that the engine takes outside its share, bytes. It includes the CUDA context outside the share."""
        return max(0.0, _CONTEXT_OUTSIDE_SHARE - self.memory.context) + self.memory.outside


def size_copy(component: ResolvedComponent, instance: Instance) -> SizedCopy:
    """Size a copy for an instance, at the smallest degree that fits. Raises `Unfit` if no degree fits."""
    return size_copies(component, instance)[0]


def size_copies(component: ResolvedComponent, instance: Instance) -> tuple[SizedCopy, ...]:
    """Size a copy at every degree that fits, smallest first. Raises `Unfit` if none fits."""
    limits, attempts = _attempts(component, instance)
    fitting = [attempt for attempt in attempts if attempt.fits]
    if not fitting:
        sized = _sized(component, instance, limits, attempts, attempts[-1])
        raise Unfit(_shortfall(component, instance, attempts[-1]), sized)
    return tuple(_sized(component, instance, limits, attempts, attempt) for attempt in fitting)


def _attempts(component: ResolvedComponent, instance: Instance) -> tuple[_Limits, list[_Attempt]]:
    """Return the limits of a copy, and the copy's memory at every possible degree, smallest degree first."""
    limits = _Limits.of(component, instance)
    least = component.engine.least_prefill_tokens(limits.input)
    if limits.prefill < least:
        raise Unfit(
            f"max_batch_prefill_tokens={limits.prefill}: {component.engine} cannot split a prompt: set "
            f"max_batch_prefill_tokens={least}"
        )
    problem = component.engine.batch_problem(limits.prefill, limits.sequences)
    if problem:
        raise Unfit(problem)
    return limits, [_attempt(component, instance, degree) for degree in _degrees(component, instance)]


def _sized(
    component: ResolvedComponent, instance: Instance, limits: _Limits, attempts: Sequence[_Attempt], chosen: _Attempt
) -> SizedCopy:
    options = component.options
    cpus, cpus_reason = claims.default_cpus(instance, chosen.degree)
    memory_mib, memory_reason = claims.default_memory_mib(instance, chosen.degree)
    bound = claims.claimable(instance)
    start = _start(component, instance, chosen.degree)
    timeouts, timeout_reasons = _timeouts(component, start)
    return SizedCopy(
        tensor_parallel=chosen.degree,
        memory=chosen.memory,
        max_total_tokens=limits.total,
        max_input_tokens=limits.input,
        prefill_tokens=limits.prefill,
        sequences=limits.sequences,
        on_card=chosen.card_holds,
        claim=Resources.of(chosen.degree, options.cpus or cpus, options.memory_mib or memory_mib),
        start=start,
        startup_timeout_seconds=timeouts["startup_timeout_seconds"],
        download_timeout_seconds=timeouts.get("download_timeout_seconds"),
        reasons={
            "accelerators": "as requested" if options.tensor_parallel else _degree_reason(attempts, chosen),
            "cpus": _requested_reason(float(bound.cpus), bound.cpus_reason) if options.cpus else cpus_reason,
            "memory_mib": _requested_reason(bound.memory_mib, bound.memory_reason)
            if options.memory_mib
            else memory_reason,
            "max_total_tokens": limits.total_reason,
            "max_input_tokens": limits.input_reason,
            "prefill_tokens": limits.prefill_reason,
            "gpu_memory_share": _share(component, instance, chosen.degree, limits)[1],
            **timeout_reasons,
            **_memory_reasons(component, instance, chosen, limits),
        },
    )


@dataclass(frozen=True, kw_only=True)
class _Limits:
    """Token limits and the engine's share of the memory. They do not depend on the tensor-parallel degree."""

    total: int
    total_reason: str
    input: int
    input_reason: str
    prefill: int
    prefill_reason: str
    sequences: int | None
    share: float | None
    """Share of the memory of the card, 0 to 1; None for the default of the engine, which can depend on the degree."""
    share_reason: str
    request_tokens: int
    cache_tokens: int
    required_reason: str

    @staticmethod
    def of(component: ResolvedComponent, instance: Instance) -> _Limits:
        options, engine = component.options, component.engine
        total, total_reason = _total_tokens(component)
        longest, input_reason = engine.longest_prompt(total)
        input_tokens = options.max_input_tokens or longest
        prefill, prefill_reason = engine.default_prefill_tokens(instance, input_tokens)
        if options.max_batch_prefill_tokens:
            prefill, prefill_reason = options.max_batch_prefill_tokens, "as requested"
        share, share_reason = None, ""
        if options.gpu_memory_share:
            share = engine.share_for(options.gpu_memory_share)
            reserve = (
                ""
                if share == options.gpu_memory_share
                else f" ({options.gpu_memory_share:g}), less a reserve of {engine}"
            )
            share_reason = f"as requested{reserve}"
        required, required_reason = engine.least_kv_cache_tokens(total, prefill)
        cache_tokens = options.min_kv_cache_tokens or 0
        if cache_tokens > required:
            required_reason = "min_kv_cache_tokens, as requested"
        return _Limits(
            total=total,
            total_reason=total_reason,
            input=input_tokens,
            input_reason="as requested" if options.max_input_tokens else input_reason,
            prefill=prefill,
            prefill_reason=prefill_reason,
            sequences=options.max_sequences or engine.sequences_within(engine.sequences, prefill),
            share=share,
            share_reason=share_reason,
            request_tokens=required,
            cache_tokens=cache_tokens,
            required_reason=required_reason,
        )


def _total_tokens(component: ResolvedComponent) -> tuple[int, str]:
    requested, context = component.options.max_total_tokens, component.model.architecture.context_tokens
    if requested:
        return requested, "as requested"
    if context is None:
        known = component.model.architecture.is_known
        why = "models with relative positions" if known else "a model whose context is not known"
        total, reason = UNBOUNDED_TOTAL_TOKENS, f"default for {why}"
    elif context > DEFAULT_TOTAL_TOKENS:
        total = DEFAULT_TOTAL_TOKENS
        reason = f"default: {DEFAULT_TOTAL_TOKENS} tokens; the model's context is {context}"
    else:
        total, reason = context, "the model's context"
    if (component.options.max_input_tokens or 0) >= total:
        return (component.options.max_input_tokens or 0) + 1, "one token more than max_input_tokens"
    return total, reason


def _degrees(component: ResolvedComponent, instance: Instance) -> list[int]:
    """Return the degrees to try, smallest first: the requested one, or the powers of two that split the model."""
    shape, requested = component.model.architecture, component.options.tensor_parallel
    possible = possible_degrees(shape, component.quantization, component.engine, instance.accelerators)
    powers = [degree for degree in possible if degree & (degree - 1) == 0]
    if not powers:
        reasons = "; ".join(division_problems(shape, component.quantization, component.engine, 1))
        raise Unfit(
            f"{component.engine} has no kernel for {component.model.id}: {reasons}: use another checkpoint of the model"
        )
    if requested is None:
        return powers
    if requested > instance.accelerators:
        raise Unfit(
            f"tensor_parallel={requested}: {instance.name} has {instance.accelerators} accelerators and a copy never "
            f"spans instances: set tensor_parallel={possible[-1]}"
        )
    if requested not in possible:
        reasons = "; ".join(division_problems(shape, component.quantization, component.engine, requested))
        raise Unfit(
            f"tensor_parallel={requested} does not split {component.model.id} ({reasons}): "
            f"set tensor_parallel={' or '.join(map(str, possible))}"
        )
    return [requested]


def _attempt(component: ResolvedComponent, instance: Instance, degree: int) -> _Attempt:
    limits = _Limits.of(component, instance)
    memory = copy_memory(
        component.model,
        component.quantization,
        instance,
        component.engine,
        tensor_parallel=degree,
        prefill_tokens=limits.prefill,
        sequences=limits.sequences,
        share=_share(component, instance, degree, limits)[0],
        counted_request_tokens=limits.total,
        adapter_bytes=adapter_bytes(component),
        settings=component.settings,
    )
    return _Attempt(degree, memory, limits.request_tokens, limits.cache_tokens)


def _share(component: ResolvedComponent, instance: Instance, degree: int, limits: _Limits) -> tuple[float, str]:
    """Return the share of the card's memory that the engine uses at a tensor-parallel degree, and the reason for this
    value.
    """
    if limits.share is not None:
        return limits.share, limits.share_reason
    return component.engine.share_on(instance, degree, limits.prefill)


def adapter_bytes(component: ResolvedComponent) -> float:
    """Return the memory that the engine reserves for adapters on each accelerator, bytes.

    Each adapter has a slot of the largest rank. This is an upper bound: an adapter's matrices are counted in full on
    each accelerator, even if they are split.
    """
    adapters = component.options.adapters
    rank = component.engine.adapter_slot_rank(max((adapter.rank for adapter in adapters), default=1))
    if not adapters or rank is None:
        return 0
    return len(adapters) * component.model.architecture.adapter_parameters(rank) * PRECISION_BYTES


def _degree_reason(attempts: Sequence[_Attempt], chosen: _Attempt) -> str:
    """Return the reason for the degree: the next smaller degree does not fit."""
    smaller = [attempt for attempt in attempts if attempt.degree < chosen.degree]
    if not smaller:
        return "the smallest degree: a whole copy fits on one accelerator"
    last = smaller[-1]
    needed, usable = last.memory.needed(last.required_tokens) / GIB, last.memory.usable / GIB
    return (
        f"the smallest degree that fits: {last.degree} would need {needed:.1f} GiB on each accelerator, but "
        f"only {usable:.1f} are available"
    )


def _requested_reason(bound: float, reason: str) -> str:
    return f"as requested; the copies on a host may together reserve {bound:g} ({reason})"


def _start(component: ResolvedComponent, instance: Instance, degree: int) -> Start:
    """Return the expected time until a copy serves."""
    return forecast_start(
        StartRequest(
            engine=component.engine,
            instance=instance,
            architecture=component.model.architecture,
            quantization=component.quantization,
            weights_bytes=component.model.loaded_bytes(component.quantization, component.settings.weight_bytes),
            accelerators=degree,
            from_s3=component.options.weights is not None,
        )
    )


def _timeouts(component: ResolvedComponent, start: Start) -> tuple[dict[str, int], dict[str, str]]:
    """Return the timeouts of a copy and their reasons, by field name. A requested timeout replaces both."""
    requested = component.options.startup_timeout_seconds
    open_timeouts = {"startup_timeout_seconds": startup_timeout(start)}
    if start.from_s3:
        open_timeouts["download_timeout_seconds"] = download_timeout(start)
    return (
        {name: requested or seconds for name, (seconds, _) in open_timeouts.items()},
        {name: "as requested" if requested else reason for name, (_, reason) in open_timeouts.items()},
    )


def _memory_reasons(
    component: ResolvedComponent, instance: Instance, chosen: _Attempt, limits: _Limits
) -> dict[str, str]:
    memory, shape = chosen.memory, component.model.architecture
    bytes_each = "two" if component.settings.weight_bytes == PRECISION_BYTES else "four"
    precision = str(component.quantization) if component.quantization else f"{bytes_each} bytes a parameter"
    _, _, source = component.engine.context_bytes(instance, chosen.degree)
    adapters = f" - {memory.adapters / GIB:.2f} adapters" if memory.adapters else ""
    padding, kernel = component.engine.padding_bytes(shape, component.quantization, instance, chosen.degree)
    padded = f", including {padding / GIB:.2f} GiB of padding ({kernel})" if kernel else ""
    half = component.engine.weight_only(component.quantization, instance)
    declared = component.model.declared
    cache = ", declared by hand" if declared.kv_bytes_per_token is not None else ""
    if component.settings.cache_bytes is None and memory.element_bytes < component.settings.weight_bytes:
        each = "one byte" if memory.element_bytes == 1 else f"{memory.element_bytes:g} bytes"
        cache += f", {each} per element, as the checkpoint requests"
    weights = (
        f"{shape.parameters:,} parameters, {precision}, over {chosen.degree}: {memory.weights / GIB:.2f} GiB{padded}"
    )
    if declared.weights_gib is not None:
        weights = (
            f"weights_gib={declared.weights_gib:g}, declared by hand, over {counted(chosen.degree, 'accelerator')}"
        )
    return {
        "weights_gib_per_accelerator": f"{weights}{f'; {half}' if half else ''}",
        "kv_cache_tokens": (
            f"({memory.card / GIB:.2f} GiB of card x {memory.share:g} - {memory.weights / GIB:.2f} weights "
            f"- {memory.activations / GIB:.2f} activations - {memory.context / GIB:.2f} context "
            f"- {memory.collectives / GIB:.2f} collectives - {memory.graphs / GIB:.2f} graphs{adapters}) "
            f"/ {_cache_unit(chosen, limits)}{cache}; "
            f"at least {chosen.required_tokens:,}: {limits.required_reason}"
        ),
        "context_gib": source,
    }


def _cache_unit(attempt: _Attempt, limits: _Limits) -> str:
    """Return the divisor of the cache memory as text.

    It is the memory of one token or, if not every layer keeps every token, of one request.
    """
    pool = attempt.memory.pool
    if pool.is_plain:
        return f"{pool.block_bytes / pool.groups[0].block_tokens:,.0f} B a token"
    mib = pool.request_bytes(limits.total) / MIB
    return f"{mib:,.0f} MiB a request of {limits.total:,} tokens, in {len(pool.groups)} groups of layers"


def _shortfall(component: ResolvedComponent, instance: Instance, attempt: _Attempt) -> str:
    """Return the message for a copy that fits at no degree."""
    memory, degree = attempt.memory, attempt.degree
    location = "one accelerator" if degree == 1 else f"each of {degree} accelerators"
    if not attempt.card_holds:
        outside = _CONTEXT_OUTSIDE_SHARE + memory.outside
        return (
            f"gpu_memory_share={memory.share:g} leaves no room for the {outside / GIB:.1f} GiB that "
            f"{component.engine} takes outside its share: set gpu_memory_share="
            f"{int((1 - outside / memory.card) * 100) / 100:g}"
        )
    by_hand = " declared by hand" if component.model.declared.weights_gib is not None else ""
    sentence = (
        f"a copy of {component.model.id} needs {memory.needed(attempt.required_tokens) / GIB:.1f} GiB on {location} "
        f"({memory.weights / GIB:.1f} of weights{by_hand}, {memory.activations / GIB:.1f} of activations, "
        f"{attempt.required_tokens:,} tokens of KV cache); "
        f"{component.engine} uses at most {memory.usable / GIB:.1f} GiB of the {instance.accelerator} of "
        f"{instance.name}"
    )
    fixes = list(_fixes(component, instance, attempt))
    return (
        f"{sentence}: {', or '.join(fixes)}"
        if fixes
        else f"{sentence}: no instance type in the table has enough memory"
    )


def _fixes(component: ResolvedComponent, instance: Instance, attempt: _Attempt) -> Iterator[str]:
    """Yield the smallest change of each kind with which the copy fits.

    Kinds are: fewer tokens, an option left out, more accelerators, quantized weights, another instance type.
    """
    options = component.options
    affordable = attempt.memory.kv_cache_tokens
    longest = attempt.memory.longest_request(component.model.architecture.context_tokens or affordable)
    for setting, tokens in (("min_kv_cache_tokens", affordable), ("max_total_tokens", longest)):
        if tokens >= 256 and _runs(_changed(component, **{setting: tokens}), instance):
            yield f"set {setting}={tokens}"
            break
    for requested in ("gpu_memory_share", "max_sequences", "max_batch_prefill_tokens"):
        if getattr(options, requested) is not None and _runs(_changed(component, **{requested: None}), instance):
            yield f"leave out {requested}"
    if options.tensor_parallel:
        for degree in range(options.tensor_parallel + 1, instance.accelerators + 1):
            if _runs(_changed(component, tensor_parallel=degree), instance):
                yield f"set tensor_parallel={degree}"
                break
    for quantized in _quantized(component):
        if _runs(quantized, instance):
            yield f"use quantized weights with model={quantized.model.id!r}"
            break
    priced = [other for other in instance_types().values() if other.price_usd_per_hour()]
    for other in sorted(priced, key=lambda other: other.price_usd_per_hour() or 0):
        if not unsupported(component.engine, component.model, other) and _runs(component, other):
            yield f"use instance_type={other.name!r}"
            break


def _quantized(component: ResolvedComponent) -> Iterator[ResolvedComponent]:
    """Yield the component with each quantized checkpoint of the same architecture that the component's engine
    serves.
    """
    if component.options.config is not None or component.quantization is not None:
        return
    for method in ("awq", "gptq", "fp8"):
        sibling = quantized_sibling(component.model, method)
        if sibling:
            model = find_model(sibling)
            if not component.engine.problems(model, model.quantization):
                yield replace(component, model=model, quantization=model.quantization)


def _changed(component: ResolvedComponent, **changes: int | None) -> ResolvedComponent:
    return replace(component, options=replace(component.options, **changes))  # type: ignore[arg-type]


def _runs(component: ResolvedComponent, instance: Instance) -> bool:
    try:
        degrees = _degrees(component, instance)
    except Unfit:
        return False
    return any(_attempt(component, instance, degree).fits for degree in degrees)
