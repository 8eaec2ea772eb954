"""What a recommendation is: the ranking, what missed, and the sentences that say why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from replicas.recommend.candidates import UNNAMED_SECRET, Unfit
from replicas.recommend.frontier import Spot, frontier
from replicas.recommend.lines import written
from replicas.recommend.options import Option
from replicas.recommend.wishes import Wish


@dataclass(frozen=True)
class Ranked:
    """A layout that holds the objective, and where else the same one can be had."""

    option: Option
    dearer: tuple[Option, ...]
    """The same copies on the same accelerators of other instance types: nothing but the host and the price differs."""

    def to_document(self) -> dict[str, Any]:
        """JSON document (`replicas.recommend.document.RankedDocument`), a part of the recommendation's."""
        twins = [
            {"instance_type": twin.candidate.instance.name, "usd_per_hour": twin.usd_per_hour} for twin in self.dearer
        ]
        return self.option.to_document() | {"dearer": twins}


@dataclass(frozen=True)
class Recommendation:
    """All layouts of a model, judged."""

    wish: Wish
    ranked: tuple[Ranked, ...]
    """Cheapest per million output tokens first; those without a price last. The first `top` have full forecasts."""
    missed: tuple[Ranked, ...]
    """Layouts that miss the objective, the nearest first."""
    unfit: tuple[Unfit, ...]
    spots: tuple[Spot, ...]
    """Price and latency of every layout that was simulated and answers the load."""
    simulated: int
    layouts: int

    @property
    def best(self) -> Option | None:
        """The first of the ranking; None where nothing holds the objective."""
        return self.ranked[0].option if self.ranked else None

    @property
    def reasons(self) -> dict[str, int]:
        """Why layouts do not fit, and on how many pairs of instance type and quantization."""
        return dict(Counter(each.reason for each in self.unfit).most_common())

    def why(self) -> list[str]:
        """Sentences that say why the best one is the best, and what would be given up for another."""
        return list(_why(self))

    def lines(self) -> str | None:
        """What to paste into deployments.py; None where nothing holds the objective."""
        return written([self.best.deployment]) if self.best else None

    def to_document(self) -> dict[str, Any]:
        """JSON document (`replicas.recommend.document.RecommendationDocument`)."""
        wish = self.wish
        return {
            "schema": "replicas.recommendation/1",
            "model": wish.model,
            "load": vars(wish.traffic),
            "objective": vars(wish.objective),
            "region": wish.region,
            "routing": wish.routing,
            "duration_seconds": wish.duration_seconds,
            "layouts": self.layouts,
            "simulated": self.simulated,
            "ranked": [each.to_document() for each in self.ranked],
            "missed": [each.to_document() for each in self.missed],
            "unfit": [vars(each) for each in self.unfit],
            "frontier": [vars(spot) for spot in frontier(self.spots)],
            "why": self.why(),
            "lines": self.lines(),
        }


def described(option: Option) -> str:
    """A layout in words."""
    part, weights = option.candidate.part, option.candidate.weights.label
    split = f" over {part.accelerators} accelerators each" if part.accelerators > 1 else ""
    stored = "unquantized" if weights == "none" else f"in {weights}"
    return (
        f"{option.copies} {'copy' if option.copies == 1 else 'copies'}{split} {stored} by {part.engine} on "
        f"{option.instances} x {option.candidate.instance.name}"
    )


def _why(found: Recommendation) -> Iterable[str]:
    best = found.best
    if best is None:
        return
    if best.usd_per_million_output_tokens is None:
        yield "No price of a layout that holds the objective is known: listed by their accelerators."
        yield f"The first: {described(best)}."
    else:
        yield from _against_others(found, best, best.usd_per_million_output_tokens)
    if best.fewer and best.fewer.shortfalls:
        yield f"One instance less is too few: {'; '.join(each.sentence for each in best.fewer.shortfalls)}."
    part = best.candidate.part
    if part.token_secret == UNNAMED_SECRET:
        yield (
            f"{part.model.id} is gated: token_secret={UNNAMED_SECRET!r} stands for the name of the Secrets Manager "
            "secret with your Hugging Face token (--token-secret)."
        )
    if best.candidate.weights.label != "none" and not found.wish.quantizations:
        yield "Quantized weights answer a little differently: compare the answers before you switch to them."


def _against_others(found: Recommendation, best: Option, price: float) -> Iterable[str]:
    priced = [each.option for each in found.ranked if each.option.usd_per_million_output_tokens is not None]
    yield (
        f"Cheapest of the {len(priced)} layouts that hold the objective: {described(best)}, {price:.2f} USD per "
        "million output tokens at the load."
    )
    if best.told:
        yield f"There, {best.told.limits.why.removeprefix('nothing: ')}."
    others = {
        "The next": priced[1:2],
        "The cheapest without quantization": [each for each in priced if each.candidate.weights.label == "none"][:1],
    }
    for what, (*first,) in others.items():
        for other in first:
            if other is not best:
                dearer = (other.usd_per_million_output_tokens or 0.0) / price - 1
                yield f"{what}: {described(other)}, {dearer:.0%} dearer."
