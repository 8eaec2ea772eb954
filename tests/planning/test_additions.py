"""What a finished plan holds beyond what it was made for."""

from __future__ import annotations

from typing import Any

import pytest

from replicas import Adapter, Component, Deployment, EndpointPlan, InstanceScaling, plan
from replicas.planning.additions import adapter_problems, adapter_warnings, largest_rank, range_problems


def planned(*, more: dict[str, Any] | None = None, **component: Any) -> EndpointPlan:
    """Two components on the four accelerators of one instance: `a` with two copies, `b` with one."""
    components = [
        Component(name="a", model="Qwen/Qwen3-8B", copies=2, tensor_parallel=1, **component),
        Component(name="b", model="Qwen/Qwen3-8B", copies=1, tensor_parallel=1),
    ]
    return plan(Deployment(name="e", instance_type="ml.g6e.12xlarge", components=components, **(more or {})))


@pytest.mark.parametrize(
    ("component", "floor", "ceiling"), [("a", 0, 3), ("a", 1, 1), ("a", 3, 3), ("b", 1, 2), ("b", 2, 2)]
)
def test_a_range_whose_ceiling_fits_beside_the_others_is_held(component: str, floor: int, ceiling: int) -> None:
    assert range_problems(planned(), component, floor=floor, ceiling=ceiling) == []


@pytest.mark.parametrize(("component", "ceiling"), [("a", 4), ("b", 3)])
def test_a_range_whose_ceiling_does_not_fit_is_refused(component: str, ceiling: int) -> None:
    (problem,) = range_problems(planned(), component, floor=1, ceiling=ceiling)

    assert "need 5 accelerators, but ml.g6e.12xlarge has 4" in problem


def test_more_instances_hold_more_copies() -> None:
    scaled = planned(more={"instance_scaling": InstanceScaling(max_instances=2)})

    assert range_problems(scaled, "a", floor=2, ceiling=7) == []
    assert range_problems(scaled, "a", floor=2, ceiling=8) != []


def test_an_engine_has_the_largest_rank_of_its_plan() -> None:
    adapters = [Adapter(name=f"r{rank}", weights=f"s3://models/{rank}/", rank=rank) for rank in (4, 32, 8)]
    a, b = planned(adapters=adapters).components

    assert (largest_rank(a), largest_rank(b)) == (32, None)


@pytest.mark.parametrize(("rank", "is_held"), [(None, False), (0, False), (1, True), (32, True), (33, False)])
def test_an_adapter_of_a_rank_up_to_the_largest_is_held(rank: int | None, is_held: bool) -> None:
    of_rank = planned(adapters=[Adapter(name="x", weights="s3://models/x/", rank=32)])

    assert (adapter_problems(of_rank, "a", "y", rank=rank) == []) is is_held
    assert adapter_problems(of_rank, "b", "y", rank=rank) != []


@pytest.mark.parametrize(("adapters", "warns"), [(1, False), (2, False), (3, True)])
def test_more_adapters_than_slots_wait_for_each_other(adapters: int, warns: bool) -> None:
    two = [Adapter(name=f"x{number}", weights="s3://models/x/", rank=8) for number in range(2)]

    assert bool(list(adapter_warnings(planned(adapters=two), "a", adapters=adapters))) is warns


def test_ranges_that_are_added_to_several_components_are_proven_together() -> None:
    """Four accelerators: two copies of `b` fit beside the two of `a`, and not beside three."""
    assert range_problems(planned(), "b", floor=1, ceiling=2) == []
    assert range_problems(planned(), "b", floor=1, ceiling=2, added={"a": (1, 3)}) != []
