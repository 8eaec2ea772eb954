"""Copies whose placement is not judged are never placed."""

from __future__ import annotations

from fractions import Fraction

import pytest

from replicas.catalogue.instances import find_instance
from replicas.endpoint.packing import Resources
from replicas.sizing import claims
from replicas.sizing.fitting import Demand, fit
from tests.endpoint.unjudged import COPIES, SIZES, WHOLE, WHY

INSTANCE = find_instance("ml.p4d.24xlarge")


def demands(*copies: int | None) -> list[Demand]:
    unit = claims.host(INSTANCE).memory_mib // WHOLE
    return [Demand(Resources(1, Fraction(1), size * unit), count) for size, count in zip(SIZES, copies, strict=True)]


@pytest.mark.usefixtures("no_search")
def test_copies_whose_placement_is_not_judged_have_none() -> None:
    assert fit(demands(*COPIES), INSTANCE, 2).placement == ()
    assert fit(demands(*COPIES), INSTANCE, 3).placement


@pytest.mark.usefixtures("no_search")
def test_as_many_copies_as_fit_are_not_judged_where_one_more_is_not() -> None:
    """Given one copy of 5 that has a place, when a second one would complete the open question."""
    fitted = fit(demands(1, None, 3), INSTANCE, 2)

    assert fitted.placement == ()
    assert fitted.unjudged is not None
    assert fitted.unjudged.why == WHY


def test_the_search_places_them() -> None:
    assert sorted(fit(demands(*COPIES), INSTANCE, 2).placement) == [(0, 2, 1), (1, 0, 2)]
    assert sorted(fit(demands(1, None, 3), INSTANCE, 2).placement) == [(0, 2, 1), (1, 0, 2)]
