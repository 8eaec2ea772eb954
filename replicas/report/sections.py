"""Section of the page about one deployment: its row in the overview, and its HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from replicas.cost import Statement, statement
from replicas.deployment.deployment import Deployment
from replicas.deployment.file import Entry
from replicas.deployment.refused import RefusedEntry
from replicas.errors import SizingError
from replicas.forecast import Forecast
from replicas.forecast.cold_start import cold_start
from replicas.forecast.declared import with_traffic_warnings
from replicas.forecast.kept_starts import kept_records
from replicas.pages import Chart
from replicas.pages.charts import number
from replicas.pages.rendering import render_part
from replicas.planning.catalogue_plans import plan_all
from replicas.planning.document import plan_document, plan_warnings
from replicas.planning.drawing import drawing_of
from replicas.planning.plans import EndpointPlan
from replicas.report.charts import charts_of
from replicas.report.loads import Curve, curve
from replicas.report.what_if import Extent, WhatIf, what_if

_TEMPLATE = Path(__file__).parent / "templates" / "section.html.jinja"

Findings = tuple[tuple[str, str], ...]
"""Severity and sentence of each finding: `problem`, `warning`, `not judged` or `note`."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One deployment on the page: its row in the overview, and its section as HTML."""

    name: str
    html: str
    models: tuple[str, ...] = ()
    place: str = ""
    """Instances of the plan."""
    copies: str = ""
    accelerators: int = 0
    accelerators_used: int = 0
    usd_per_hour: tuple[float | None, float | None, float | None] = (None, None, None)
    """Prices at the minimum, start and maximum of the scaling; None without a price or a plan."""
    is_estimate: bool = False
    rates: str = "-"
    """Highest throughput of each component, requests a second."""
    first_tokens: str = "-"
    """Median time to the first token of each component at the lightest load, seconds."""
    first: str = ""
    confidence: str = ""
    findings: Findings = ()

    @property
    def is_planned(self) -> bool:
        """True if the deployment fits."""
        return bool(self.place)

    @property
    def open_findings(self) -> int:
        """Number of problems, warnings and questions that were not judged."""
        return sum(severity != "note" for severity, _ in self.findings)

    def count(self, severity: str) -> int:
        """Return the number of findings of a severity."""
        return sum(other == severity for other, _ in self.findings)


def section_of(entry: Entry, extent: Extent, requests: int | None) -> Section:
    """Plan, forecast and draw one entry of deployments.py. The section of an entry without a plan lists its problems.

    Args:
        entry: the entry.
        extent: number of other layouts in the what-if.
        requests: simulated duration of the forecasts, as the number of requests that an idle copy answers one after the
            other in this time; None for 90 seconds.

    """
    ((_, planned),) = plan_all([entry]).results
    if isinstance(planned, SizingError):
        return _refused(entry, planned)
    assert isinstance(entry, Deployment)  # noqa: S101 (a refused entry has no plan)
    planned = with_traffic_warnings(planned)
    curves = [curve(planned, component, requests=requests) for component in planned.components]
    offers = [what_if(entry, planned, index, own, extent) for index, own in enumerate(curves)]
    return _section(planned, statement(planned), curves, offers)


def _section(planned: EndpointPlan, cost: Statement, curves: Sequence[Curve], offers: Sequence[WhatIf]) -> Section:
    findings = _findings(planned, curves)
    charts: list[tuple[Curve, list[Chart]]] = [(own, charts_of(own)) for own in curves]
    results = [own.forecast for own in curves]
    bounds = [cost.bounds[bound].usd_per_hour for bound in ("floor", "start", "ceiling")]
    html = render_part(
        _TEMPLATE,
        plan=planned,
        cost=cost,
        drawing=drawing_of(plan_document(planned)),
        charts=charts,
        cold_starts=[cold_start(planned, component, kept_records()) for component in planned.components],
        offers=[offer for offer in offers if len(offer.layouts) > 1],
        findings=findings,
    )
    return Section(
        name=planned.name,
        html=html,
        models=tuple(component.model.id for component in planned.components),
        place=f"{planned.instances} x {planned.instance.name}",
        copies=" + ".join(str(component.copies) for component in planned.components),
        accelerators=planned.instances * planned.instance.accelerators,
        accelerators_used=planned.accelerators_used,
        usd_per_hour=(bounds[0], bounds[1], bounds[2]),
        is_estimate=bool(planned.price and planned.price.is_estimate),
        rates=_each(_most(result) if result else None for result in results),
        first_tokens=_each(result.points[0].ttft_p50_seconds if result else None for result in results),
        first=" / ".join(dict.fromkeys(result.limits.first for result in results if result and result.limits.first)),
        confidence=" / ".join(dict.fromkeys(own.forecast.summary for own in curves if own.forecast)),
        findings=findings,
    )


def _most(forecast: Forecast) -> float:
    return max(point.requests_per_second for point in forecast.points)


def _each(values: Iterable[float | None]) -> str:
    known = list(values)
    return "-" if all(value is None for value in known) else " + ".join(map(number, known))


def _findings(planned: EndpointPlan, curves: Sequence[Curve]) -> Findings:
    return (
        *(("warning", warning) for warning in plan_warnings(planned)),
        *(("not judged", own.problem) for own in curves if own.problem),
        *(("note", note) for note in planned.notes),
    )


def _refused(entry: Entry, refusal: SizingError) -> Section:
    name = entry.label if isinstance(entry, RefusedEntry) else str(entry.name)
    findings = tuple(("problem", problem) for problem in refusal.problems)
    html = render_part(
        Path(__file__).parent / "templates" / "refused.html.jinja",
        name=name,
        subject=refusal.subject,
        findings=findings,
    )
    return Section(name=name, html=html, findings=findings)
