"""Forecasts of the published runs, and the errors of the forecasts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from replicas.catalogue.instances import find_instance
from replicas.engines.profile import Profile
from replicas.forecast import forecast
from replicas.forecast.loads import Point
from replicas.speed.accelerators import Accelerator, accelerator_of
from scripts.exam.rows import Row, load_of, planned


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A published run and its forecast. Errors are (forecast - measured) / measured."""

    row: Row
    point: Point

    @property
    def latency_error(self) -> float | None:
        """Error of the median latency; None if it was not measured or requests failed."""
        measured = self.row.measured_latency
        if measured is None or self.row.has_failures:
            return None
        return _error(self._latency(), measured)

    @property
    def ttft_error(self) -> float | None:
        """Error of the median TTFT; None if it was not measured, requests failed or prompts were cached."""
        if self.row.has_failures or self.row.prompts_were_cached:
            return None
        return _error(self.point.ttft_p50_seconds, self.row.ttft_seconds)

    @property
    def tpot_error(self) -> float | None:
        """Error of the time per output token after the first; None if it was not measured or requests failed."""
        return None if self.row.has_failures else _error(self.point.tpot_p50_seconds, self.row.tpot_seconds)

    @property
    def throughput_error(self) -> float | None:
        """Error of the saturated throughput; None if the run was not saturated or requests failed."""
        row = self.row
        if not row.is_saturated or row.has_failures:
            return None
        return _error(self.point.requests_per_second_elapsed, row.requests_per_second)

    @property
    def rate_error(self) -> float | None:
        """Error of the requests per second of a closed loop; None for other loads, without a measurement, or if
        requests failed.
        """
        if self.row.kind != "closed" or self.row.has_failures:
            return None
        measured = self.row.requests_per_second
        if measured is None and self.row.output_tokens_per_second:
            measured = self.row.output_tokens_per_second / self.row.output_tokens
        return _error(self.point.requests_per_second, measured)

    @property
    def overload_is_found(self) -> bool | None:
        """Whether the forecast reports an overload for a run with failed requests; None for other runs."""
        if not self.row.has_failures:
            return None
        return self.point.requests_per_second < 0.95 * self.row.load

    def _latency(self) -> float | None:
        point, row = self.point, self.row
        if row.latency_seconds is not None:
            return point.latency_p50_seconds
        if point.ttft_p50_seconds is None or point.tpot_p50_seconds is None:
            return None
        return point.ttft_p50_seconds + point.tpot_p50_seconds * (row.output_tokens - 1)


def _error(forecast: float | None, measured: float | None) -> float | None:
    return forecast / measured - 1 if forecast is not None and measured else None


def forecast_run(row: Row, profile: Profile | None = None) -> Judged:
    """Forecast a run. Default profile: the profile of the engine."""
    endpoint, component = planned(row)
    card = accelerator_of(endpoint.instance)
    (point,) = forecast(
        endpoint,
        component,
        [load_of(row)],
        duration_seconds=row.duration,
        profile=profile,
        accelerator=_linked(card, row.links) if row.links else None,
    ).points
    return Judged(row=row, point=point)


def _linked(card: Accelerator, instance: str) -> Accelerator:
    """Return an accelerator with the interconnect of another instance type."""
    other = accelerator_of(find_instance(instance))
    return replace(card, links_of=other.links_of, link_factors=other.link_factors)
