"""Reads the requirements of a recommendation from the options of a command, and reports all faults at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from replicas.errors import RecommendError, ReplicasError, TraceError, UsageError
from replicas.load import Load
from replicas.load.objectives import Bounds
from replicas.load.options import DEFAULT_SECONDS, LoadOptions
from replicas.planning.sizing_options import SizingOptions
from replicas.recommend.objective import Objective
from replicas.recommend.requirements import DEFAULT_ENGINES, Requirements

ASSUMED_DEVIATION = 0.5
"""Default standard deviation of lengths, as a share of their mean. With equal lengths, percentiles would be too good
(docs/decisions/0037-recommendations-assume-lengths-that-vary.md)."""

_T = TypeVar("_T")


def requested(
    sizing: SizingOptions,
    asked: LoadOptions,
    *,
    objective: str | None = None,
    latency_p90_seconds: float | None = None,
    ttft_p90_seconds: float | None = None,
    max_usd_per_hour: float | None = None,
    tell: Callable[[str], None] = lambda _line: None,
    **options: Any,
) -> Requirements:
    """Return the requirements that the options of a command describe.

    Args:
        sizing: the model, and the allowed engines, quantizations and instance types.
        asked: the load. Lengths without a standard deviation get the assumed deviation.
        objective: limits of times, as `replicas.load.objectives` reads them.
        latency_p90_seconds: limit of the p90 latency.
        ttft_p90_seconds: limit of the p90 time to the first token.
        max_usd_per_hour: budget.
        tell: called with a message for each assumption and for each option without effect.
        options: further fields of `Requirements`.

    Raises:
        UsageError: options contradict each other or cannot be read. The message lists every fault.
        TraceError: the trace is faulty, and the options have no other fault.

    """
    faults = _Faults()
    varied = with_assumed_deviations(asked)
    load = faults.collected(lambda: _load(varied, tell))
    wanted = faults.collected(
        lambda: Objective.of_options(
            None if objective is None else Bounds.parse(objective, option="--objective"),
            latency_p90_seconds=latency_p90_seconds,
            ttft_p90_seconds=ttft_p90_seconds,
            max_usd_per_hour=max_usd_per_hour,
        )
    )
    if sizing.model is None:
        faults.found.append(UsageError("the MODEL is missing"))
    requirements = Requirements(
        model=sizing.model or "",
        config=sizing.config,
        quant_config=sizing.quant_config,
        load=load or Load(users=1, input_tokens=1, output_tokens=1),
        objective=wanted or Objective(max_usd_per_hour=max_usd_per_hour),
        engines=sizing.engine or DEFAULT_ENGINES,
        quantizations=sizing.quantization,
        instance_types=sizing.instance,
        fallback_instance_types=sizing.fallback_instance_types,
        max_total_tokens=sizing.max_total_tokens,
        duration_seconds=DEFAULT_SECONDS if asked.duration is None else asked.duration,
        **options,
    )
    faults.raise_with(requirements)
    if varied != asked:
        tell(
            f"the standard deviation of lengths is assumed to be {ASSUMED_DEVIATION:.0%} of their mean: set "
            "--input-stddev and --output-stddev, or 0 for equal lengths"
        )
    return requirements


def with_assumed_deviations(options: LoadOptions) -> LoadOptions:
    """Return load options in which lengths without a standard deviation have the assumed one."""
    if options.trace is not None:
        return options
    own_tokens = (options.input_tokens or 0) - (options.shared_tokens or 0)
    assumed: dict[str, Any] = {
        "input_stddev": ASSUMED_DEVIATION * own_tokens,
        "output_stddev": ASSUMED_DEVIATION * (options.output_tokens or 0),
    }
    missing = {name: tokens for name, tokens in assumed.items() if tokens > 0 and getattr(options, name) is None}
    return replace(options, **missing)


@dataclass
class _Faults:
    """Faults of options that are read one after the other."""

    found: list[ReplicasError] = field(default_factory=list)

    def collected(self, read: Callable[[], _T]) -> _T | None:
        """Return the result of `read`. If it raises a fault, store the fault and return None."""
        try:
            return read()
        except (UsageError, TraceError) as fault:
            self.found.append(fault)
            return None

    def raise_with(self, requirements: Requirements) -> None:
        """Raise the stored faults together with the faults of the requirements. Do nothing if no fault is stored."""
        if not self.found:
            return
        others: list[str] = []
        try:
            requirements.resolved()
        except RecommendError as fault:
            others = [problem for problem in fault.problems if problem]
        if len(self.found) == 1 and not others:
            raise self.found[0]
        raise UsageError("; ".join([*map(str, self.found), *others]))


def _load(options: LoadOptions, tell: Callable[[str], None]) -> Load:
    faults = []
    if not options.names_a_load:
        faults.append(
            "the load is missing: give one of --users N (a closed loop), --rate R (arrivals a second), --burst N and "
            "--trace FILE"
        )
    lengths = {"input_tokens": options.input_tokens, "output_tokens": options.output_tokens}
    missing = [name for name, tokens in lengths.items() if tokens is None]
    if missing and options.trace is None:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in missing)
        faults.append(f"the lengths of the requests are missing: give {flags}, or --trace FILE")
        placeholders: dict[str, Any] = dict.fromkeys(missing, 1)
        options = replace(options, **placeholders)
    try:
        load = options.load(Load(), tell)
    except UsageError as fault:
        faults.append(str(fault))
    if faults:
        raise UsageError("; ".join(faults))
    return load
