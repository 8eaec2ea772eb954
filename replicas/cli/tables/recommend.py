"""Recommendations as tables and lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from replicas.cli.tables.columns import Table
from replicas.cli.tables.options import usd
from replicas.forecast.comparable import Candidate, split_by_forecast
from replicas.recommend import Ranked, Recommendation
from replicas.recommend.options import Option
from replicas.recommend.recommendation import described
from replicas.units import rate_text

_COLUMNS = (
    *("copies", "split", "weights", "USD/M", "USD/h", "req/s", "p50 s", "p90 s", "TTFT p50", "TTFT p90"),
    *("time goes to", "confidence"),
)
_COMMON = "order-of-magnitude"
"""Confidence class of most layouts. It is printed once below the table instead of in every row."""
_LEAST = ("TTFT p50", "p50 s", "confidence", "time goes to", "req/s", "USD/M", "TTFT p90")
"""Columns that are omitted in a narrow terminal, in this order."""
_LEFT = ("instances", "worst type", "engine", "weights", "time goes to", "confidence")


def recommendation_table(recommendation: Recommendation, top: int) -> Table:
    """Return a table of the first `top` layouts of the ranking."""
    options = [ranked.option for ranked in recommendation.ranked[:top]]
    requirements = recommendation.requirements
    return _table(
        options,
        several_engines=len(requirements.engines) > 1,
        pooled=bool(requirements.fallback_instance_types),
    )


def recommendation_lines(recommendation: Recommendation, top: int) -> Iterator[str]:
    """Yield the lines below the table: reasons, near misses, layouts that do not fit, code for deployments.py."""
    if recommendation.ranked:
        yield from _notes(recommendation, top)
    else:
        yield from ("", "No layout meets the objective.")
    if recommendation.missed:
        yield from ("", *_misses(recommendation.missed, 3 if recommendation.ranked else top))
    if recommendation.unfit:
        reasons = "; ".join(f"{reason}: {count}" for reason, count in recommendation.reasons.items())
        yield from ("", f"Layouts that do not fit, by instance type and quantization: {reasons}")
        if not recommendation.layouts:
            yield from (f"  - {each.instance}, {each.weights}: {each.detail}" for each in recommendation.unfit[:top])
    lines = recommendation.lines()
    if lines:
        yield from ("", "For deployments.py:", "", *lines.split("\n"))


def load_and_objective(recommendation: Recommendation) -> str:
    """Return the load and the objective in one line."""
    requirements = recommendation.requirements
    load, objective = requirements.load, requirements.objective
    who = load.description if load.requests_per_second is None else f"{rate_text(load.requests_per_second)} requests/s"
    parts = [
        f"{who}, {_length(load.input_tokens, load.input_stddev)} tokens in, "
        f"{_length(load.output_tokens, load.output_stddev)} out",
        str(objective),
        *([f"on a pool with {' and '.join(fallbacks)}"] if (fallbacks := requirements.fallback_instance_types) else []),
    ]
    return ", ".join(parts)


def _length(mean: int, stddev: float) -> str:
    return f"{mean:,} +- {stddev:,.0f}" if stddev else f"{mean:,}"


def _table(options: Iterable[Option], *, several_engines: bool, pooled: bool) -> Table:
    titles = (
        "instances",
        *(("worst type",) if pooled else ()),
        *(("engine",) if several_engines else ()),
        *_COLUMNS,
    )
    aligned = (title if title in _LEFT else f">{title}" for title in titles)
    table = Table(*aligned, may_go=_LEAST, is_ruled=False)
    for option in options:
        forecast, limit = option.forecast, option.limit
        if forecast is None or limit is None:
            continue
        point = forecast.points[0]
        seconds = (point.latency_p50_seconds, point.latency_p90_seconds, point.ttft_p50_seconds, point.ttft_p90_seconds)
        table.add_row(
            f"{option.instances} x {option.candidate.instance.name}",
            *((option.decisive.instance.name,) if pooled else ()),
            *((str(option.candidate.component.engine),) if several_engines else ()),
            str(option.copies),
            str(option.candidate.component.accelerators),
            option.candidate.weights.label,
            usd(option.usd_per_million_output_tokens, option.candidate.price),
            usd(option.usd_per_hour, option.candidate.price),
            f"{point.requests_per_second_window:.2f}",
            *("-" if value is None else f"{value:.2f}" for value in seconds),
            f"{limit[0].removesuffix(' bandwidth')} {limit[1]:.0%}",
            "" if forecast.confidence == _COMMON else forecast.confidence,
        )
    return table


def _notes(recommendation: Recommendation, top: int) -> Iterator[str]:
    best = recommendation.ranked[0].option.forecast
    yield f"confidence: {_COMMON}, unless a row states another class; the errors were measured with published runs"
    classes = dict.fromkeys(
        ranked.option.forecast.summary for ranked in recommendation.ranked[:top] if ranked.option.forecast
    )
    yield from (f"  {summary}" for summary in classes)
    yield from _undecided(recommendation)
    yield ""
    yield from recommendation.why()
    if best and best.confidence == "calibrated":
        yield f"The forecast of the first layout is based on {best.basis}."
    yield _counted(recommendation.counts, shown=min(top, len(recommendation.ranked)))
    dearer = recommendation.ranked[0].dearer
    if dearer:
        names = ", ".join(twin.candidate.instance.name for twin in dearer)
        yield f"The same accelerators with a larger host, at a higher price: {names}."
    shown = [ranked.option.candidate.price for ranked in recommendation.ranked[:top]]
    if any(price and price.is_estimate for price in shown):
        yield "~ marks an estimated price."
    unpriced = {
        member.instance.name
        for ranked in recommendation.ranked
        for member in ranked.option.candidate.members
        if member.plan.price is None
    }
    if unpriced:
        yield f"No price is known for {', '.join(sorted(unpriced))}: ranked last."
    warned = dict.fromkeys(warning for ranked in recommendation.ranked[:top] for warning in ranked.option.warnings)
    yield from (f"warning: {warning}" for warning in warned)


def _undecided(recommendation: Recommendation) -> Iterator[str]:
    """Yield a line with the number of layouts whose price the forecast cannot distinguish from the cheapest price.

    The error bands come from published runs.
    """
    candidates = [
        Candidate.of(str(number), ranked.option.own_forecast)
        for number, ranked in enumerate(recommendation.ranked)
        if ranked.option.own_forecast
    ]
    undecided = [one for one in split_by_forecast(candidates).undecided if one.band]
    if len(undecided) > 1:
        yield (
            f"{len(undecided)} of {len(candidates)} layouts have error bands that overlap with the band of the "
            "cheapest layout, so the forecast cannot rank them. Measure them with `replicas verify NAME --against "
            "OTHER`."
        )


def _counted(counts: Mapping[str, int], *, shown: int) -> str:
    """Return a line with the number of layouts for each outcome. The numbers add up to all layouts."""
    hold = counts["hold_priced"] + counts["hold_unpriced"]
    prices = f" ({counts['hold_unpriced']} of them at an unknown price)" if counts["hold_unpriced"] else ""
    more = " (--top and --json show more)" if hold > shown else ""
    return (
        f"{counts['layouts']} layouts fit: {hold} meet the objective{prices}, {counts['missed']} miss it, "
        f"{counts['dearer_hosts']} are the same copies on a more expensive host; {shown} are shown{more}."
    )


def _misses(near_misses: Sequence[Ranked], most: int) -> Iterator[str]:
    yield f"{len(near_misses)} layouts miss the objective; the closest ones:"
    for ranked in near_misses[:most]:
        reasons = "; ".join(shortfall.sentence for shortfall in ranked.option.shortfalls)
        yield f"  - {described(ranked.option)}: {reasons}"
