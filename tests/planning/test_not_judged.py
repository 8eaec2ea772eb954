"""A plan refuses what is not judged, with the reason and what would be judged."""

from __future__ import annotations

import pytest

from replicas import Component, Rollout, plan
from replicas.catalogue.instances import find_instance
from replicas.sizing import claims
from tests.endpoint.unjudged import COPIES, SIZES, WHOLE, WHY
from tests.planning.build import P4D, deployment, problem_of

UNIT = claims.host(find_instance(P4D)).memory_mib // WHOLE


def components(*copies: int, rollout: Rollout | None = None) -> list[Component]:
    """Components of 6, 5 and 4 fourteenths of an instance's memory; the last one rolls."""
    return [
        Component(
            name=f"size-{size}",
            model="NousResearch/Llama-2-7b-chat-hf",
            copies=count,
            tensor_parallel=1,
            cpus=1,
            memory_mib=size * UNIT,
            rollout=rollout if size == SIZES[-1] else None,
        )
        for size, count in zip(SIZES, copies, strict=True)
    ]


@pytest.mark.usefixtures("no_search")
def test_copies_that_are_not_judged_are_refused() -> None:
    assert problem_of(deployment(components=components(*COPIES), instances=2)) == (
        f"whether all copies fit 2 x {P4D} is not judged: {WHY}: set instances=3, or use fewer copies, or give "
        f"more components the same reservations"
    )


@pytest.mark.usefixtures("no_search")
def test_a_roll_whose_room_is_not_judged_is_refused() -> None:
    """Given copies that fit two instances, when a roll of one more copy has to fit beside them."""
    rolling = components(1, 2, 2, rollout=Rollout(batch_copies=1))

    assert problem_of(deployment(components=rolling, instances=2)) == (
        f"whether a rolling update of 1 copy has room is not judged: {WHY}: set instance_scaling="  # noqa: S608
        "InstanceScaling(max_instances=3), or leave rollout out"
    )


def test_the_search_plans_both() -> None:
    assert len(plan(deployment(components=components(*COPIES), instances=2)).placement) == 2
    assert plan(deployment(components=components(1, 2, 2, rollout=Rollout(batch_copies=1)), instances=2))
