"""Chooses the tensor-parallel degrees that a deployment does not set: those with the lowest cost per token.

All layouts cost the same (the price of the instances), so the layout with the highest throughput at the expected load
is the cheapest. The throughput is estimated with the closed-form bounds of `replicas.speed.throughput`. Layouts
whose copies reach the required concurrency (`LEAST_AT_ONCE`, `LEAST_FULL_AT_ONCE`) are preferred. Components share
their instances, so their degrees are chosen together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import log, prod

from replicas.catalogue.instances import Instance
from replicas.deployment.deployment import Deployment
from replicas.deployment.options import Traffic
from replicas.load.defaults import default_traffic
from replicas.planning.counts import CopyCounts, copy_counts
from replicas.planning.layouts import Choice, Layout
from replicas.sizing.concurrency import requests_at_once
from replicas.sizing.copies import SizedCopy
from replicas.sizing.fitting import Demand, fit
from replicas.sizing.resolved import ResolvedComponent
from replicas.speed.accelerators import accelerator_of
from replicas.speed.layers import step_times
from replicas.speed.throughput import Carried, CopySpeed, Work, carried
from replicas.units import usd_per_million_tokens

LEAST_AT_ONCE = 4
"""Number of requests of the load's lengths that a copy must be able to run at the same time. With fewer, a decoding
step reads all weights for only one or two tokens, and new requests wait until an earlier answer is complete."""
LEAST_FULL_AT_ONCE = 2
"""Number of requests of `max_total_tokens` that must fit in the KV cache of a copy at the same time. If only one fits,
it blocks all others."""
MOST_LAYOUTS = 64
"""Maximum number of layouts to compare: three components with four degrees each have this number."""
_MOST_COMPONENTS = 8
"""Number of components up to which `MOST_LAYOUTS` layouts are compared. With more components fewer layouts are
compared, which bounds the time of a plan."""
_ALIKE = 0.01
"""Relative difference of throughput below which layouts count as equal, because the estimates are not more exact than
this."""

Sizes = Sequence[tuple[ResolvedComponent, tuple[SizedCopy, ...]]]
"""Each component with its copies at every tensor-parallel degree that fits, smallest degree first."""


@dataclass(frozen=True)
class _Options:
    """Copies of one component at every degree, with their speed."""

    component: ResolvedComponent
    copies: tuple[SizedCopy, ...]
    traffic: Traffic
    speeds: tuple[CopySpeed, ...]
    """Speed of a copy at each degree; empty if it is not known, or if only one degree is possible."""
    unknown: str
    """Reason why the speed is not known; otherwise empty."""
    _carried: dict[tuple[int, int], Carried] = field(default_factory=dict)

    def carried(self, degree: int, copies: int) -> Carried:
        """Return throughput and latency of `copies` copies at the degree with index `degree`. Results are cached."""
        if (degree, copies) not in self._carried:
            traffic = self.traffic
            self._carried[degree, copies] = carried(
                self.speeds[degree], copies, users=traffic.users, requests_per_second=traffic.requests_per_second
            )
        return self._carried[degree, copies]

    def holds_floor(self, degree: int) -> bool:
        return _at_once(self, degree) >= LEAST_AT_ONCE and _full_at_once(self, degree) >= LEAST_FULL_AT_ONCE

    @property
    def fewest(self) -> int:
        """Index of the smallest degree at which a copy reaches the required concurrency (`holds_floor`).

        If no degree reaches it, the index of the largest degree.
        """
        floor = [number for number in range(len(self.copies)) if self.holds_floor(number)]
        return floor[0] if floor else len(self.copies) - 1


@dataclass(frozen=True, kw_only=True)
class _Rated:
    """A layout that fits: one degree for each component, with the estimated throughput."""

    degrees: tuple[int, ...]
    """Index of each component's degree in its list of copies."""
    copies: tuple[int, ...]
    floors: int
    """Number of components whose copies reach the required concurrency."""
    rates: tuple[float | None, ...]
    """Requests a second of each component; None if its speed is not known."""
    seconds: float
    """Product of the latencies of those components whose load is a request rate."""

    @property
    def score(self) -> float:
        """Sum of the logarithms of the rates, so that relative gains of all components count the same."""
        return sum(log(rate) for rate in self.rates if rate)


def choose(deployment: Deployment, sizes: Sizes, instance: Instance) -> list[Choice]:
    """Choose the tensor-parallel degree of each component. The result depends only on the arguments."""
    options = [_options(deployment, component, copies, instance) for component, copies in sizes]
    rated: dict[tuple[int, ...], _Rated | None] = {}
    most = max(1, MOST_LAYOUTS * _MOST_COMPONENTS // max(_MOST_COMPONENTS, len(options)))

    def rate(degrees: tuple[int, ...]) -> _Rated | None:
        if degrees not in rated and len(rated) < most:
            rated[degrees] = _rated(deployment, options, degrees, instance)
        return rated.get(degrees)

    open_degrees = [range(len(option.copies)) if option.speeds else (option.fewest,) for option in options]
    if prod(map(len, open_degrees)) <= most:
        best = _best([layout for degrees in product(*open_degrees) if (layout := rate(degrees))])
    else:
        best = _climbed(rate, open_degrees)
    if best is None:  # no layout fits: the rules report the missing resources at the smallest degrees
        return [Choice(copy=option.copies[0]) for option in options]
    return [_choice(deployment, options, best, place, rate, instance) for place in range(len(options))]


def _best(layouts: Sequence[_Rated]) -> _Rated | None:
    """Return the layout with the most components that reach the required concurrency, or None without layouts.

    Among these, the highest throughput decides, then the lowest latency, then the smallest degrees.
    """
    if not layouts:
        return None
    floors = max(layout.floors for layout in layouts)
    holding = [layout for layout in layouts if layout.floors == floors]
    most = max(layout.score for layout in holding)
    alike = [layout for layout in holding if layout.score >= most - _ALIKE * len(layout.degrees)]
    return min(alike, key=lambda layout: (round(log(layout.seconds), 2), layout.degrees))


def _climbed(rate: Callable[[tuple[int, ...]], _Rated | None], open_degrees: Sequence[Sequence[int]]) -> _Rated | None:
    """Return the best layout found by changing one component at a time, starting from the smallest degrees."""
    start = tuple(degrees[0] for degrees in open_degrees)
    best = rate(start)
    while True:
        current = best.degrees if best else start
        near = [
            (*current[:place], degree, *current[place + 1 :])
            for place, degrees in enumerate(open_degrees)
            for degree in degrees
        ]
        better = _best([layout for degrees in near if (layout := rate(degrees))])
        if better is None or better == best:
            return best
        best = better


def _options(
    deployment: Deployment, component: ResolvedComponent, copies: tuple[SizedCopy, ...], instance: Instance
) -> _Options:
    accelerators = instance.accelerators * deployment.instances
    first = copies[0]
    lengths = (first.max_input_tokens, first.max_total_tokens)
    traffic = component.options.traffic or default_traffic(component.task, accelerators, *lengths)
    work = Work(
        input_tokens=min(traffic.input_tokens, first.max_input_tokens),
        output_tokens=min(traffic.output_tokens, max(1, first.max_total_tokens - traffic.input_tokens))
        if component.task == "generate"
        else 0,
    )
    if len(copies) == 1:
        return _Options(component, copies, traffic, (), "")
    try:
        return _Options(component, copies, traffic, _speeds(component, copies, work, instance), "")
    except LookupError as unknown:
        return _Options(component, copies, traffic, (), str(unknown.args[0]))


def _speeds(
    component: ResolvedComponent, copies: Sequence[SizedCopy], work: Work, instance: Instance
) -> tuple[CopySpeed, ...]:
    """Return the speed of a copy at each degree. Raises `LookupError` if it is not known."""
    if not component.model.architecture.is_known:
        raise LookupError(f"the sizes of {component.model.id} are declared by hand, so its layers are not known")
    accelerator, profile = accelerator_of(instance), component.engine.profile
    speeds = []
    for copy in copies:
        times = step_times(
            component.model.architecture,
            component.quantization,
            accelerator,
            profile,
            tensor_parallel=copy.tensor_parallel,
        )
        speeds.append(
            CopySpeed(
                times=times if component.task == "generate" else replace(times, head=None),
                profile=profile,
                work=work,
                kv_cache_tokens=None if copy.memory.pool.is_empty else copy.memory.kv_cache_tokens,
                prefill_tokens=copy.prefill_tokens,
                sequences=copy.sequences,
            )
        )
    return tuple(speeds)


def _rated(
    deployment: Deployment, options: Sequence[_Options], degrees: tuple[int, ...], instance: Instance
) -> _Rated | None:
    """Return the layout with one degree for each component; None if the copies do not fit together."""
    sized = [(option.component, option.copies[degree]) for option, degree in zip(options, degrees, strict=True)]
    counts = copy_counts(deployment, sized, instance)
    if not counts.placement or not counts.reaches_ceilings or not _tops_fit(sized, counts, instance):
        return None
    rates: list[float | None] = []
    seconds = 1.0
    for option, degree, copies in zip(options, degrees, counts.ceilings, strict=True):
        if not option.speeds:
            rates.append(None)
            continue
        answered = option.carried(degree, copies)
        rates.append(answered.requests_per_second)
        seconds *= answered.seconds if option.traffic.users is None else 1.0
    return _Rated(
        degrees=degrees,
        copies=counts.ceilings,
        floors=sum(option.holds_floor(degree) for option, degree in zip(options, degrees, strict=True)),
        rates=tuple(rates),
        seconds=seconds,
    )


def _tops_fit(sized: Sequence[tuple[ResolvedComponent, SizedCopy]], counts: CopyCounts, instance: Instance) -> bool:
    """True if the maximum copies and one batch of each rolling update fit the maximum instances."""
    demands = [Demand(copy.claim, most) for (_, copy), most in zip(sized, counts.ceilings, strict=True)]
    rolls = [Demand(copy.claim, batch) for (_, copy), batch in zip(sized, counts.batches, strict=True) if batch]
    return bool(fit([*demands, *rolls], instance, counts.max_instances).placement)


def _choice(
    deployment: Deployment,
    options: Sequence[_Options],
    best: _Rated,
    place: int,
    rate: Callable[[tuple[int, ...]], _Rated | None],
    instance: Instance,
) -> Choice:
    option, chosen = options[place], best.degrees[place]
    copy = option.copies[chosen]
    if len(option.copies) == 1:
        return Choice(copy=copy)
    layouts = []
    price = instance.price(deployment.region)
    usd = price.usd * deployment.instances if price else None
    for degree in range(len(option.copies)):
        degrees = (*best.degrees[:place], degree, *best.degrees[place + 1 :])
        if layout := rate(degrees):
            per_second = layout.rates[place]
            generated = (per_second or 0.0) * option.traffic.output_tokens
            share = layout.copies[place] * option.copies[degree].tensor_parallel / _used(options, layout)
            layouts.append(
                Layout(
                    accelerators=option.copies[degree].tensor_parallel,
                    copies=layout.copies[place],
                    requests_at_once=_at_once(option, degree),
                    full_requests_at_once=_full_at_once(option, degree),
                    holds_floor=option.holds_floor(degree),
                    requests_per_second=per_second,
                    usd_per_million_output_tokens=usd_per_million_tokens(usd and usd * share, generated),
                    chosen=degree == chosen,
                )
            )
    reasons = {**copy.reasons, "accelerators": _reason(option, layouts)}
    return Choice(copy=replace(copy, reasons=reasons), layouts=tuple(layouts), warning=_warning(option, copy))


def _used(options: Sequence[_Options], rated: _Rated) -> int:
    """Return the number of accelerators that all copies occupy."""
    return sum(
        copies * option.copies[degree].tensor_parallel
        for option, degree, copies in zip(options, rated.degrees, rated.copies, strict=True)
    )


def _at_once(option: _Options, degree: int) -> int:
    return _requests_at_once(option.copies[degree], option.traffic.input_tokens + option.traffic.output_tokens)


def _full_at_once(option: _Options, degree: int) -> int:
    return _requests_at_once(option.copies[degree], option.copies[degree].max_total_tokens)


def _requests_at_once(copy: SizedCopy, tokens: int) -> int:
    return requests_at_once(
        copy.memory,
        request_tokens=min(tokens, copy.max_total_tokens),
        prefill_tokens=copy.prefill_tokens,
        sequences=copy.sequences,
    )


def _load_in_words(option: _Options) -> str:
    traffic = option.traffic
    who = f"{traffic.users:,} users" if traffic.users else f"{traffic.requests_per_second:g} requests a second"
    answers = f", answers of {traffic.output_tokens:,}" if traffic.output_tokens else ""
    whose = "the declared traffic" if option.component.options.traffic else "assumed, because traffic= is not set"
    return f"{who}, prompts of {traffic.input_tokens:,} tokens{answers} ({whose})"


def _reason(option: _Options, layouts: Sequence[Layout]) -> str:
    (chosen,) = [layout for layout in layouts if layout.chosen]
    others = [_other(layout, chosen, option) for layout in layouts if not layout.chosen]
    beside = f"; {'; '.join(others)}" if others else "; no other degree fits"
    if chosen.requests_per_second is None:
        return f"the smallest degree whose copies hold {_floor()}, because the speed is not known{beside}"
    return f"the lowest cost per token at {_load_in_words(option)}: {_figure(chosen, option)}{beside}"


def _other(layout: Layout, chosen: Layout, option: _Options) -> str:
    figure = f": {_figure(layout, option)}" if layout.requests_per_second is not None else ""
    below = ""
    if not layout.holds_floor and chosen.holds_floor:
        below = (
            f", but a copy holds only {layout.requests_at_once} requests at once, "
            f"or {layout.full_requests_at_once} of full length"
        )
    return f"{layout.accelerators} ({_copies(layout.copies)}){figure}{below}"


def _figure(layout: Layout, option: _Options) -> str:
    rate = layout.requests_per_second or 0.0
    if not option.traffic.output_tokens:
        return f"{rate:,.3g} requests/s"
    price = layout.usd_per_million_output_tokens
    usd = f"{price:,.2f} USD/M tokens, " if price is not None else ""
    return f"{usd}{rate * option.traffic.output_tokens:,.0f} tokens/s"


def _warning(option: _Options, copy: SizedCopy) -> str | None:
    """Return a warning if the degree was not chosen by cost, because the speed is not known; otherwise None."""
    if not option.unknown:
        return None
    return (
        f"tensor_parallel={copy.tensor_parallel} is not chosen by cost: {option.unknown}. It is the smallest degree "
        f"whose copies hold {_floor()}; set tensor_parallel= to change it"
    )


def _floor() -> str:
    return f"{LEAST_AT_ONCE} requests at once and {LEAST_FULL_AT_ONCE} of full length"


def _copies(copies: int) -> str:
    return "1 copy" if copies == 1 else f"{copies} copies"
