"""Searches for the highest load of a deployment that meets an objective, by measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from replicas.benchmark.forecast_comparison import lengths_of_subject, planned, routing_of
from replicas.benchmark.result import Result
from replicas.benchmark.search import Found, highest
from replicas.deployment.bounds import MAX_REQUESTS_PER_SECOND, MAX_USERS
from replicas.engines.profile import Profile
from replicas.errors import ReplicasError
from replicas.forecast import forecast
from replicas.load import Load
from replicas.load.load import MAX_BURST
from replicas.load.objectives import Bounds

_USERS_A_COPY = 8
"""Users per copy for the first load of a search without a forecast."""
_STEPS_OF_FORECAST = 16
_LEAST_RATE = 0.01


def hold(
    result: Result,
    start: Load,
    objective: Bounds,
    *,
    is_stated: bool,
    profile: Profile | None,
    measure: Callable[[Result, Load], Result],
    tell: Callable[[str], None],
) -> Result:
    """Search for the highest load that meets the objective. Return the result with its measurements and the outcome.

    Args:
        result: the earlier result, whose loads are not measured again.
        start: the kind of load to search, and where to begin.
        objective: the bounds for the answers.
        is_stated: True if the user gave the first load; otherwise the search begins at the load of the forecast.
        profile: engine profile for the forecast.
        measure: measures one load, and returns the result with the new measurement added.
        tell: called with progress lines for people.

    """
    predicted = _forecast(result, start, objective, profile)
    if predicted is not None:
        tell(f"the forecast meets {objective} up to {_sized(start, predicted).description}")
    begin = predicted if predicted is not None and not is_stated else _size(start)
    if begin is None:
        begin = float(_USERS_A_COPY * result.subject.copies)

    def holds(size: float) -> bool:
        nonlocal result
        load = _sized(start, size)
        if not result.is_measured(load):
            result = measure(result, load)
        point = result.measured(load)
        misses = point.misses if point else ()
        tell(f"{load.description}: {'; '.join(misses) if misses else 'meets the objective'}")
        return not misses

    least, most = _range(start, result.settings.duration_seconds)
    highest_load = highest(
        holds,
        begin,
        is_whole=start.requests_per_second is None,
        is_forecast=predicted is not None and not is_stated,
        least=least,
        most=most,
    )
    return replace(result, highest=_document(start, highest_load, predicted))


def _document(start: Load, outcome: Found, predicted: float | None) -> dict[str, Any]:
    return {
        "what": _kind(start),
        "holds": outcome.highest,
        "misses": outcome.lowest_missing,
        "is_complete": outcome.is_complete,
        "forecast": predicted,
    }


def _kind(load: Load) -> str:
    if load.users is not None:
        return "users"
    return "burst" if load.burst is not None else "requests_per_second"


def _size(load: Load) -> float | None:
    return load.users or load.burst or load.requests_per_second


def _sized(load: Load, size: float) -> Load:
    kind = _kind(load)
    values: dict[str, Any] = {kind: size if kind == "requests_per_second" else round(size)}
    return replace(load, **values)


def _range(load: Load, duration_seconds: float) -> tuple[float, float]:
    """Return the smallest and the largest size of a load to search. A rate must send at least one request."""
    most = {"users": MAX_USERS, "burst": MAX_BURST, "requests_per_second": MAX_REQUESTS_PER_SECOND}[_kind(load)]
    least = max(_LEAST_RATE, 1 / duration_seconds)
    return least if load.requests_per_second is not None else 1.0, float(most)


def _forecast(result: Result, start: Load, objective: Bounds, profile: Profile | None) -> float | None:
    """Return the highest load that meets the objective in the forecast.

    The result is None if there is no forecast, or no such load.
    """
    try:
        endpoint, component = planned(result.subject)

        def holds(size: float) -> bool:
            (point,) = forecast(
                endpoint,
                component,
                [lengths_of_subject(_sized(start, size), result.subject)],
                duration_seconds=result.settings.duration_seconds,
                routing=routing_of(result.subject),
                profile=profile,
            ).points
            values = {
                name: getattr(point, f"{name}_seconds", None)
                for name in (f"{b.figure}_{b.percentile}" for b in objective.bounds)
            }
            return not any(objective.misses(values, point.refused))

        begin = _size(start) or float(_USERS_A_COPY * result.subject.copies)
        least, most = _range(start, result.settings.duration_seconds)
        outcome = highest(
            holds,
            begin,
            is_whole=start.requests_per_second is None,
            steps=_STEPS_OF_FORECAST,
            least=least,
            most=most,
        )
    except ReplicasError:
        return None
    return outcome.highest
