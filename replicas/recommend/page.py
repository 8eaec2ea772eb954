"""Recommendations and fleets as HTML pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from replicas.pages import Chart, Line, Mark, write_page
from replicas.pages.charts import number
from replicas.planning.document import plan_document, plan_warnings
from replicas.planning.drawing import drawing_of
from replicas.recommend.fleet.fleets import Fleet
from replicas.recommend.fleet.needs import Served
from replicas.recommend.frontier import Spot, frontier
from replicas.recommend.recommendation import Ranked, Recommendation, described

_FOLDER = Path(__file__).parent / "templates"


def write_recommendation(recommendation: Recommendation, title: str, path: Path, *, top: int) -> None:
    """Write the ranking of a recommendation, its frontier of price and latency, and its reasons."""
    spots = sorted(recommendation.spots, key=lambda spot: (spot.usd_per_hour, spot.latency_p90_seconds))
    write_page(
        path,
        _FOLDER / "recommendation.html.jinja",
        title=title,
        recommendation=recommendation,
        chart=_frontier(recommendation, spots) if spots else None,
        rows=[_row(ranked) for ranked in recommendation.ranked[:top]],
        missed=[
            (described(ranked.option), "; ".join(shortfall.sentence for shortfall in ranked.option.shortfalls))
            for ranked in recommendation.missed[:top]
        ],
        unfit=[(reason, str(count)) for reason, count in recommendation.reasons.items()],
        best=recommendation.best,
    )


def write_fleet(fleet: Fleet, path: Path) -> None:
    """Write the endpoints of a fleet with their models, and the price of one endpoint for each model."""
    write_page(
        path,
        _FOLDER / "fleet.html.jinja",
        fleet=fleet,
        models=sum(len(served) for _, served in fleet.endpoints),
        endpoints=[
            (planned, drawing_of(plan_document(planned)), [_model(model) for model in served])
            for planned, served in fleet.endpoints
        ],
        alone=[
            (served.name, f"{instances} x {served.candidate.instance.name}", f"{usd:.2f}")
            for served, instances, usd in fleet.alone
        ],
        notes=[
            *(("not judged", f"{name} is left out, because its price is not known.") for name in fleet.unpriced),
            *(
                ("note", f"{name} is gated: token_secret names your Secrets Manager secret.")
                for name in fleet.needs_secret
            ),
            *(
                ("warning", text)
                for text in dict.fromkeys(
                    warning for planned, _ in fleet.endpoints for warning in plan_warnings(planned)
                )
            ),
        ],
    )


def _model(served: Served) -> list[str]:
    point = served.forecast.points[0]
    return [
        served.name,
        str(served.copies),
        str(served.candidate.component.accelerators),
        *(number(value) for value in (point.requests_per_second, point.latency_p90_seconds, point.ttft_p90_seconds)),
        served.forecast.summary,
    ]


def _frontier(recommendation: Recommendation, spots: Sequence[Spot]) -> Chart:
    best = set(frontier(spots))
    objective = recommendation.requirements.objective

    def values(*, holds: bool) -> list[float | None]:
        return [spot.latency_p90_seconds if spot.holds is holds else None for spot in spots]

    marks = [Mark(label="latency limit", value=objective.latency_p90_seconds, axis="y")]
    if objective.max_usd_per_hour is not None:
        marks.append(Mark(label="budget", value=objective.max_usd_per_hour))
    edge = [spot.latency_p90_seconds if spot in best else None for spot in spots]
    return Chart(
        title="Price and latency of every layout",
        x="USD an hour",
        y="latency p90, seconds",
        xs=[spot.usd_per_hour for spot in spots],
        log_x=True,
        log_y=True,
        lines=[
            Line(name="frontier", values=edge, style="second"),
            Line(name="misses the objective", values=values(holds=False), style="third", joined=False),
            Line(name="meets the objective", values=values(holds=True), joined=False),
        ],
        marks=marks,
        labels=[_label(spot) for spot in spots],
        summary=f"{len(spots)} layouts. No layout is both cheaper and faster than a layout on the frontier.",
    )


def _label(spot: Spot) -> str:
    weights = "" if spot.quantization == "none" else f" {spot.quantization}"
    return f"{spot.copies}{weights} on {spot.instances} x {spot.instance_type}"


def _row(ranked: Ranked) -> list[str]:
    option = ranked.option
    forecast = option.forecast
    point = forecast.points[0] if forecast else None
    figures = (point.requests_per_second, point.latency_p90_seconds, point.ttft_p90_seconds) if point else ()
    return [
        described(option),
        *("-" if usd is None else f"{usd:.2f}" for usd in (option.usd_per_hour, option.usd_per_million_output_tokens)),
        *(number(figure) for figure in figures or (None, None, None)),
        forecast.summary if forecast else "-",
    ]
