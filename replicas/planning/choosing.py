"""Chooses the tensor-parallel degree of components that leave it open: the lowest cost per token at their load.

All layouts cost the same, the price of the instances, so the cheapest one answers most. How much it answers follows
from closed-form bounds of the forecast (`replicas.speed.throughput`), on sizing results alone. Layouts that hold the
floor of service come before those that do not. Components share their instances: their degrees are chosen together.
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
"""Requests of the load's lengths that a copy must hold at once: with fewer, a step reads all weights for one or two
tokens, and each request that is there first makes the others wait for its whole answer."""
LEAST_FULL_AT_ONCE = 2
"""Requests of `max_total_tokens` that the cache of a copy must hold: with one, the longest request stops all others."""
MOST_LAYOUTS = 64
"""Layouts of all components together that are compared: three components with four degrees each."""
_ALIKE = 0.01
"""Relative difference of the rates below which layouts cost the same: the bounds are not more exact."""

Sizes = Sequence[tuple[ResolvedComponent, tuple[SizedCopy, ...]]]
"""Components and their copies at every degree that fits, smallest first."""


@dataclass(frozen=True)
class _Options:
    """Copies of one component at every degree, and what they answer."""

    component: ResolvedComponent
    copies: tuple[SizedCopy, ...]
    traffic: Traffic
    speeds: tuple[CopySpeed, ...]
    """Empty if the speed is not known."""
    unknown: str
    """Why the speed is not known; empty if it is."""
    _carried: dict[tuple[int, int], Carried] = field(default_factory=dict)

    def carried(self, degree: int, copies: int) -> Carried:
        """Return what a number of copies answers, computed once."""
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
        """The smallest degree that holds the floor of service; without one, that with the most cache."""
        floor = [number for number in range(len(self.copies)) if self.holds_floor(number)]
        return floor[0] if floor else len(self.copies) - 1


@dataclass(frozen=True, kw_only=True)
class _Rated:
    """A degree for each component that fits, with what its copies answer."""

    degrees: tuple[int, ...]
    """Places in the list of each component's copies."""
    copies: tuple[int, ...]
    floors: int
    """Components whose copies hold the floor of service."""
    rates: tuple[float | None, ...]
    """Requests a second of each component."""
    seconds: float
    """Product of the times of an answer, of the components with a rate of arrivals."""

    @property
    def score(self) -> float:
        """Sum of the logarithms of the rates: one component's gain counts as much as another's."""
        return sum(log(rate) for rate in self.rates if rate)


def choose(deployment: Deployment, sizes: Sizes, instance: Instance) -> list[Choice]:
    """Choose the tensor-parallel degree of each component. The result depends on the arguments alone."""
    options = [_options(deployment, component, copies, instance) for component, copies in sizes]
    rated: dict[tuple[int, ...], _Rated | None] = {}

    def rate(degrees: tuple[int, ...]) -> _Rated | None:
        if degrees not in rated and len(rated) < MOST_LAYOUTS:
            rated[degrees] = _rated(deployment, options, degrees, instance)
        return rated.get(degrees)

    open_degrees = [range(len(one.copies)) if one.speeds else (one.fewest,) for one in options]
    if prod(map(len, open_degrees)) <= MOST_LAYOUTS:
        best = _best([found for degrees in product(*open_degrees) if (found := rate(degrees))])
    else:
        best = _climbed(rate, open_degrees)
    if best is None:  # nothing fits together: the rules say what is missing, at the smallest degrees
        return [Choice(copy=one.copies[0]) for one in options]
    return [_choice(deployment, options, best, place, rate, instance) for place in range(len(options))]


def _best(found: Sequence[_Rated]) -> _Rated | None:
    """Return the best of some layouts: the floor of service, the rates, short answers, and small degrees."""
    if not found:
        return None
    floors = max(one.floors for one in found)
    holding = [one for one in found if one.floors == floors]
    most = max(one.score for one in holding)
    alike = [one for one in holding if one.score >= most - _ALIKE * len(one.degrees)]
    return min(alike, key=lambda one: (round(log(one.seconds), 2), one.degrees))


def _climbed(rate: Callable[[tuple[int, ...]], _Rated | None], open_degrees: Sequence[Sequence[int]]) -> _Rated | None:
    """Return the best layout that changes of one component at a time lead to, from the smallest degrees on."""
    start = tuple(degrees[0] for degrees in open_degrees)
    best = rate(start)
    while True:
        current = best.degrees if best else start
        near = [
            (*current[:place], degree, *current[place + 1 :])
            for place, degrees in enumerate(open_degrees)
            for degree in degrees
        ]
        better = _best([found for degrees in near if (found := rate(degrees))])
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
        raise LookupError(f"the sizes of {component.model.id} are declared by hand, its layers are not known")
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
    """Return what a degree for each component leads to; None if the copies do not fit together."""
    sized = [(one.component, one.copies[degree]) for one, degree in zip(options, degrees, strict=True)]
    counts = copy_counts(deployment, sized, instance)
    if not counts.placement or not counts.reaches_ceilings or not _tops_fit(sized, counts, instance):
        return None
    rates: list[float | None] = []
    seconds = 1.0
    for one, degree, copies in zip(options, degrees, counts.ceilings, strict=True):
        if not one.speeds:
            rates.append(None)
            continue
        answered = one.carried(degree, copies)
        rates.append(answered.requests_per_second)
        seconds *= answered.seconds if one.traffic.users is None else 1.0
    return _Rated(
        degrees=degrees,
        copies=counts.ceilings,
        floors=sum(one.holds_floor(degree) for one, degree in zip(options, degrees, strict=True)),
        rates=tuple(rates),
        seconds=seconds,
    )


def _tops_fit(sized: Sequence[tuple[ResolvedComponent, SizedCopy]], counts: CopyCounts, instance: Instance) -> bool:
    """True if the most copies fit the most instances, with a batch of each rolling update beside them."""
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
    one, chosen = options[place], best.degrees[place]
    copy = one.copies[chosen]
    if len(one.copies) == 1:
        return Choice(copy=copy)
    layouts = []
    price = instance.price(deployment.region)
    usd = price.usd * deployment.instances if price else None
    for degree in range(len(one.copies)):
        degrees = (*best.degrees[:place], degree, *best.degrees[place + 1 :])
        if found := rate(degrees):
            per_second = found.rates[place]
            generated = (per_second or 0.0) * one.traffic.output_tokens
            share = found.copies[place] * one.copies[degree].tensor_parallel / _used(options, found)
            layouts.append(
                Layout(
                    accelerators=one.copies[degree].tensor_parallel,
                    copies=found.copies[place],
                    requests_at_once=_at_once(one, degree),
                    full_requests_at_once=_full_at_once(one, degree),
                    holds_floor=one.holds_floor(degree),
                    requests_per_second=per_second,
                    usd_per_million_output_tokens=usd_per_million_tokens(usd and usd * share, generated),
                    chosen=degree == chosen,
                )
            )
    reasons = {**copy.reasons, "accelerators": _reason(one, layouts)}
    return Choice(copy=replace(copy, reasons=reasons), layouts=tuple(layouts), warning=_warning(one, copy))


def _used(options: Sequence[_Options], rated: _Rated) -> int:
    """Return the accelerators that all copies occupy."""
    return sum(
        copies * one.copies[degree].tensor_parallel
        for one, degree, copies in zip(options, rated.degrees, rated.copies, strict=True)
    )


def _at_once(one: _Options, degree: int) -> int:
    return _held(one.copies[degree], one.traffic.input_tokens + one.traffic.output_tokens)


def _full_at_once(one: _Options, degree: int) -> int:
    return _held(one.copies[degree], one.copies[degree].max_total_tokens)


def _held(copy: SizedCopy, tokens: int) -> int:
    return requests_at_once(
        copy.memory,
        request_tokens=min(tokens, copy.max_total_tokens),
        prefill_tokens=copy.prefill_tokens,
        sequences=copy.sequences,
    )


def _load_in_words(one: _Options) -> str:
    traffic = one.traffic
    who = f"{traffic.users:,} users" if traffic.users else f"{traffic.requests_per_second:g} requests a second"
    answers = f", answers of {traffic.output_tokens:,}" if traffic.output_tokens else ""
    whose = "the declared traffic" if one.component.options.traffic else "assumed, traffic= declares none"
    return f"{who}, prompts of {traffic.input_tokens:,} tokens{answers} ({whose})"


def _reason(one: _Options, layouts: Sequence[Layout]) -> str:
    (chosen,) = [layout for layout in layouts if layout.chosen]
    others = [_other(layout, chosen, one) for layout in layouts if not layout.chosen]
    beside = f"; {'; '.join(others)}" if others else "; no other degree fits"
    if chosen.requests_per_second is None:
        return f"the fewest that hold {_floor()}, for the speed is not known{beside}"
    return f"the lowest cost per token at {_load_in_words(one)}: {_figure(chosen, one)}{beside}"


def _other(layout: Layout, chosen: Layout, one: _Options) -> str:
    figure = f": {_figure(layout, one)}" if layout.requests_per_second is not None else ""
    below = ""
    if not layout.holds_floor and chosen.holds_floor:
        below = f", and a copy holds {layout.requests_at_once} at once, {layout.full_requests_at_once} of full length"
    return f"{layout.accelerators} ({_copies(layout.copies)}){figure}{below}"


def _figure(layout: Layout, one: _Options) -> str:
    rate = layout.requests_per_second or 0.0
    if not one.traffic.output_tokens:
        return f"{rate:,.3g} requests/s"
    price = layout.usd_per_million_output_tokens
    usd = f"{price:,.2f} USD/M tokens, " if price is not None else ""
    return f"{usd}{rate * one.traffic.output_tokens:,.0f} tokens/s"


def _warning(one: _Options, copy: SizedCopy) -> str | None:
    """Return why the cost did not decide; None if it did."""
    if not one.unknown:
        return None
    return (
        f"tensor_parallel={copy.tensor_parallel} is not chosen by its cost: {one.unknown}. It is the fewest "
        f"accelerators that hold {_floor()}; tensor_parallel= sets another"
    )


def _floor() -> str:
    return f"{LEAST_AT_ONCE} requests at once and {LEAST_FULL_AT_ONCE} of full length"


def _copies(copies: int) -> str:
    return "1 copy" if copies == 1 else f"{copies} copies"
