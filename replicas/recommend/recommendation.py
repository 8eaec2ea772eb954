"""Result of a recommendation: the ranking, the layouts that miss the objective, and the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from replicas.recommend.candidates import UNNAMED_SECRET, Unfit
from replicas.recommend.frontier import Spot, frontier
from replicas.recommend.lines import written
from replicas.recommend.options import Option
from replicas.recommend.requirements import Requirements
from replicas.units import counted

_SAME_PRICE = 0.005
"""Smallest relative difference of prices that is reported as a difference."""


@dataclass(frozen=True)
class Ranked:
    """A layout on its cheapest instance type, and the same layout on dearer instance types."""

    option: Option
    dearer: tuple[Option, ...]
    """The same copies on the same accelerators, on dearer instance types, which differ only in host and price."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.recommend.document.RankedDocument`)."""
        twins = [
            {"instance_type": twin.candidate.instance.name, "usd_per_hour": twin.usd_per_hour} for twin in self.dearer
        ]
        return self.option.to_document() | {"dearer": twins}


@dataclass(frozen=True)
class Recommendation:
    """All layouts of a model for a load, ranked."""

    requirements: Requirements
    ranked: tuple[Ranked, ...]
    """Layouts that meet the objective, cheapest per million output tokens first, layouts without a price last. The
    first `top` layouts have full forecasts."""
    missed: tuple[Ranked, ...]
    """Layouts that miss the objective, nearest first."""
    unfit: tuple[Unfit, ...]
    spots: tuple[Spot, ...]
    """Price and latency of every layout that was simulated and answers the load."""
    simulated: int
    layouts: int

    @property
    def best(self) -> Option | None:
        """First layout of the ranking; None if no layout meets the objective."""
        return self.ranked[0].option if self.ranked else None

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of layouts (`replicas.recommend.document.CountsDocument`)."""
        unpriced = sum(ranked.option.usd_per_hour is None for ranked in self.ranked)
        return {
            "layouts": self.layouts,
            "hold_priced": len(self.ranked) - unpriced,
            "hold_unpriced": unpriced,
            "missed": len(self.missed),
            "dearer_hosts": sum(len(ranked.dearer) for ranked in (*self.ranked, *self.missed)),
        }

    @property
    def reasons(self) -> dict[str, int]:
        """Reasons why layouts do not fit, each with its number of combinations of instance type, weights and engine."""
        return dict(Counter(each.reason for each in self.unfit).most_common())

    def why(self) -> list[str]:
        """Return sentences with the reasons for the best layout, and with the price differences of other layouts."""
        return list(_why(self))

    def lines(self) -> str | None:
        """Return Python lines to paste into deployments.py; None if no layout meets the objective."""
        return written([self.best.deployment]) if self.best else None

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.recommend.document.RecommendationDocument`)."""
        requirements = self.requirements
        return {
            "schema": "replicas.recommendation/1",
            "model": requirements.model,
            "load": requirements.load.to_document(),
            "objective": requirements.objective.to_document(),
            "fallback_instance_types": list(requirements.fallback_instance_types),
            "region": requirements.region,
            "routing": requirements.routing,
            "duration_seconds": requirements.duration_seconds,
            "layouts": self.layouts,
            "counts": self.counts,
            "simulated": self.simulated,
            "ranked": [each.to_document() for each in self.ranked],
            "missed": [each.to_document() for each in self.missed],
            "unfit": [vars(each) for each in self.unfit],
            "frontier": [vars(spot) for spot in frontier(self.spots)],
            "why": self.why(),
            "lines": self.lines(),
        }


def described(option: Option) -> str:
    """Return a description of a layout: copies, weights, engine and instances."""
    component, weights = option.candidate.component, option.candidate.weights.label
    split = f" over {component.accelerators} accelerators each" if component.accelerators > 1 else ""
    stored = "unquantized" if weights == "none" else f"in {weights}"
    return (
        f"{counted(option.copies, 'copy', 'copies')}{split} {stored} by {component.engine} on "
        f"{option.instances} x {' or '.join(option.candidate.instance_types)}"
    )


def _why(recommendation: Recommendation) -> Iterable[str]:
    best = recommendation.best
    if best is None:
        return
    if best.usd_per_million_output_tokens is None:
        yield "No layout that meets the objective has a known price, so layouts are sorted by their accelerators."
        yield f"The first: {described(best)}."
    else:
        yield from _against_others(recommendation, best, best.usd_per_million_output_tokens)
    if best.worst:
        dearest = max(best.candidate.members, key=lambda member: member.plan.usd_per_hour or 0.0).instance.name
        price = f", and the price is that of the dearest, {dearest}" if best.candidate.price else ""
        yield (
            "SageMaker takes the first type of the pool that it has: the forecast is that of the worst type, "
            f"{best.worst.instance.name}{price}."
        )
    if best.fewer and best.fewer.shortfalls:
        yield f"One instance fewer is not enough: {'; '.join(each.sentence for each in best.fewer.shortfalls)}."
    component = best.candidate.component
    if component.token_secret == UNNAMED_SECRET:
        yield (
            f"{component.model.id} is gated: token_secret={UNNAMED_SECRET!r} stands for the name of the Secrets "
            "Manager secret with your Hugging Face token (--token-secret)."
        )
    if half := component.engine.weight_only(component.quantization, best.candidate.instance):
        yield f"{half[0].upper()}{half[1:]}."
    if best.candidate.weights.label != "none" and not recommendation.requirements.quantizations:
        yield (
            "Quantized weights give slightly different answers than the original weights: compare the answers of both "
            "before you deploy."
        )


def _against_others(recommendation: Recommendation, best: Option, price: float) -> Iterable[str]:
    priced = [
        layout.option for layout in recommendation.ranked if layout.option.usd_per_million_output_tokens is not None
    ]
    yield (
        f"Cheapest of the {len(priced)} layouts with a known price that meet the objective: {described(best)}, "
        f"{price:.2f} "
        "USD per million output tokens at the load."
    )
    if best.forecast:
        yield f"There, {best.forecast.limits.why.removeprefix('nothing: ')}."
    others = {
        "The next": priced[1:2],
        "The cheapest without quantization": [option for option in priced if option.candidate.weights.label == "none"][
            :1
        ],
    }
    for what, (*first,) in others.items():
        for other in first:
            if other is not best:
                dearer = (other.usd_per_million_output_tokens or 0.0) / price - 1
                difference = f"{dearer:.0%} dearer" if dearer >= _SAME_PRICE else "at the same price"
                yield f"{what}: {described(other)}, {difference}."
