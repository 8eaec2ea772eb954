"""Forecasts as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.cli.tables.columns import Table
from replicas.forecast import Forecast, Point
from replicas.forecast.tokens import cells_of_task, task_lines
from replicas.planning.plans import EndpointPlan
from replicas.units import rate_text

_COLUMNS = (
    *("users", "requests", "req/s", "req/s window", "p50 s", "p90 s", "p99 s", "TTFT p50 s", "TTFT p90 s"),
    *("tokens/s", "USD / M tokens", "refused"),
)

_LEAST = ("req/s", "p99 s", "TTFT p50 s", "requests", "USD / M tokens", "TTFT p90 s", "tokens/s")
"""Columns that are omitted in a narrow terminal, in this order."""


def forecast_title(forecast: Forecast, plan: EndpointPlan) -> str:
    """Return the title line: deployment, copies, model, engine, instances and routing."""
    component = next(planned for planned in plan.components if planned.name == forecast.component)
    return (
        f"{forecast.deployment}: {component.copies} x {component.model.id} by {forecast.engine} on "
        f"{plan.instances} x {forecast.instance_type}, routed {forecast.routing}"
    )


def forecast_table(forecast: Forecast) -> Table:
    """Return a table with one row per load."""
    titles = (_load_title(forecast), *_COLUMNS[1:])
    table = Table(*(f">{title}" for title in titles), may_go=_LEAST, is_ruled=False)
    for point in forecast.points:
        table.add_row(*cells_of_task(_COLUMNS, _row(point), forecast.task))
    return table


def forecast_lines(forecast: Forecast) -> Iterator[str]:
    """Yield the lines below the table: confidence, the resource that saturates first, and warnings of the plan."""
    limits = forecast.limits
    if forecast.copies_simulated < forecast.copies:
        yield (
            f"simulated: {forecast.copies_simulated} of {forecast.copies} copies with their share of the load, scaled "
            "to all copies"
        )
    if forecast.pool:
        yield (
            f"pool: SageMaker takes the first of {', '.join(forecast.pool)} that it has; the forecast is that of the "
            f"slowest, {forecast.instance_type}, and USD / M tokens is the highest of these types"
        )
    yield f"confidence: {forecast.confidence} ({forecast.basis})"
    yield from task_lines(forecast.task)
    yield f"saturates first: {limits.first + ': ' if limits.first else ''}{limits.why}"
    yield from (f"warning: {warning}" for warning in forecast.warnings)


def _load_title(forecast: Forecast) -> str:
    point = forecast.points[0]
    return "users" if point.users is not None else "burst" if point.burst is not None else "arrivals/s"


def _load_cell(point: Point) -> str:
    if point.requests_per_second_offered is not None:
        return rate_text(point.requests_per_second_offered)
    at_once = point.users if point.users is not None else point.burst
    return f"{at_once:,}" if at_once is not None else "at once"


def _answered_elapsed(point: Point) -> float:
    """Return the answered requests per second until the last answer, without refused requests.

    The article's load generator counts refused requests as answered, so its rate is far too high under overload.
    """
    answered = point.requests - point.refused
    return answered / point.elapsed_seconds if point.elapsed_seconds else 0.0


def _row(point: Point) -> list[str]:
    cost = point.usd_per_million_output_tokens
    return [
        _load_cell(point),
        f"{point.requests:,}",
        f"{_answered_elapsed(point):.2f}",
        f"{point.requests_per_second_window:.2f}",
        *(
            "-" if seconds is None else f"{seconds:.2f}"
            for seconds in (
                point.latency_p50_seconds,
                point.latency_p90_seconds,
                point.latency_p99_seconds,
                point.ttft_p50_seconds,
                point.ttft_p90_seconds,
            )
        ),
        f"{point.output_tokens_per_second:,.0f}",
        f"{cost:.2f}" if cost is not None else "-",
        f"{point.refused:,}",
    ]
