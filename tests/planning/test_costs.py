"""What a plan costs: prices by how sure they are, bounds by hand and by property, what options add."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from replicas import Alarms, Component, InstanceScaling, Monitoring, Rollout, Scaling, Schedule, Security, Vpc, plan
from replicas.catalogue import data
from replicas.catalogue.instances import find_instance, instance_types
from replicas.catalogue.prices import KINDS, best_prices
from replicas.cli.tables.options import option_notes
from replicas.endpoint.packing import Resources, place
from replicas.errors import SizingError
from replicas.planning.costs import added_usd_per_month, additions, at_bound, cost_bounds, scales
from replicas.sizing import claims
from tests.planning.build import deployment

P4D_USD = 25.251286


def test_prices_are_of_types_of_the_table_each_sheet_with_its_source_and_day() -> None:
    prices = data.load("prices")
    for sheet in (*prices["hosting"], *prices["services"]):
        assert sheet["kind"] in KINDS
        assert sheet["source"]
        assert sheet["retrieved"] >= prices["retrieved"]
        assert all(usd > 0 for usd in sheet["prices"].values())
    assert {name for sheet in prices["hosting"] for name in sheet["prices"]} <= set(instance_types())


def test_prices_grow_with_the_accelerators() -> None:
    prices = [find_instance(f"ml.g5.{size}xlarge").price_usd_per_hour() for size in ("", 12, 48)]
    assert prices == sorted(price for price in prices if price)


def test_a_price_without_a_source_is_none_and_a_computed_one_says_so() -> None:
    assert find_instance("ml.p5e.48xlarge").price() is None
    assert find_instance("ml.p4d.24xlarge").price_usd_per_hour("eu-north-1") is None
    estimate = find_instance("ml.p4de.24xlarge").price()
    assert estimate is not None
    assert estimate.is_estimate
    assert estimate.usd == pytest.approx(27.44705 * 1.15, abs=0.005)


@given(st.permutations(KINDS), st.integers(1, 3))
def test_the_surest_price_is_taken_in_whatever_order_the_sheets_stand(kinds: list[str], known: int) -> None:
    sheets = [
        {"region": "x", "kind": kind, "retrieved": "2026-01-01", "source": kind, "prices": {"ml.a": 1.0 + index}}
        for index, kind in enumerate(kinds[:known])
    ]
    (price,) = best_prices(sheets).values()
    assert KINDS.index(price.kind) == min(KINDS.index(sheet["kind"]) for sheet in sheets)
    assert price.usd == next(sheet["prices"]["ml.a"] for sheet in sheets if sheet["kind"] == price.kind)


def test_bounds_by_hand() -> None:
    """2 copies that become 16 on 1 to 2 instances of 8 accelerators: one, one, two of them at 25.251286 an hour."""
    found = cost_bounds(
        plan(
            deployment(
                copies=2,
                scaling=Scaling(max_copies=16),
                instance_scaling=InstanceScaling(max_instances=2),
            )
        )
    )
    assert [(each.copies["chat"], each.instances) for each in found.values()] == [(2, 1), (2, 1), (16, 2)]
    assert [each.usd_per_hour for each in found.values()] == pytest.approx([P4D_USD, P4D_USD, 50.502572])
    assert found["ceiling"].usd_per_month == pytest.approx(36866.88, abs=0.01)


def test_nothing_of_an_endpoint_that_does_not_scale_differs() -> None:
    fixed = plan(deployment(copies=3))
    floor, start, ceiling = cost_bounds(fixed).values()
    assert floor == start == ceiling
    assert not scales(fixed)
    assert additions(fixed) == ()
    assert option_notes(fixed) == []


def test_an_endpoint_that_sleeps_costs_nothing_at_its_floor() -> None:
    sleeping = plan(
        deployment(scaling=Scaling(to_zero=True, max_copies=2), instance_scaling=InstanceScaling(max_instances=1))
    )
    floor, start, _ = cost_bounds(sleeping).values()
    assert (floor.copies["chat"], floor.instances, floor.usd_per_hour) == (0, 0, 0)
    assert start.usd_per_hour == pytest.approx(P4D_USD)


def test_copies_alone_that_sleep_release_no_instance() -> None:
    awake = plan(deployment(scaling=Scaling(to_zero=True, max_copies=2)))
    assert cost_bounds(awake)["floor"].usd_per_hour == pytest.approx(P4D_USD)


def test_a_schedule_can_lower_the_floor() -> None:
    night = Schedule(name="night", at="cron(0 20 * * ? *)", min_copies=1)
    scheduled = plan(deployment(copies=4, scaling=Scaling(max_copies=8, schedules=[night])))
    assert [each.copies["chat"] for each in cost_bounds(scheduled).values()] == [1, 4, 8]


def test_a_price_that_is_unknown_makes_no_amount() -> None:
    found = cost_bounds(plan(deployment(instance_type="ml.p4d.24xlarge", region="eu-west-1", engine="vllm")))
    assert {each.usd_per_hour for each in found.values()} == {None}
    assert {each.usd_per_month for each in found.values()} == {None}


@given(
    floors=st.tuples(st.integers(1, 6), st.integers(1, 3)),
    more=st.tuples(st.integers(0, 6), st.integers(0, 3)),
    degree=st.sampled_from([1, 2, 4]),
    instances=st.integers(1, 3),
)
def test_the_floor_has_the_fewest_instances_that_hold_its_copies(
    floors: tuple[int, int], more: tuple[int, int], degree: int, instances: int
) -> None:
    parts = [
        Component(
            name=name,
            model="NousResearch/Llama-2-7b-chat-hf",
            max_total_tokens=1024,
            copies=floor,
            tensor_parallel=tensor_parallel,
            scaling=Scaling(max_copies=floor + added),
        )
        for name, floor, added, tensor_parallel in zip("ab", floors, more, (1, degree), strict=True)
    ]
    bounds = InstanceScaling(max_instances=4, min_instances=1)
    try:
        planned = plan(deployment(components=parts, instances=instances, instance_scaling=bounds))
    except SizingError:
        assume(False)
    floor, start, ceiling = cost_bounds(planned).values()
    needs = [Resources.of(part.accelerators, part.cpus, part.memory_mib) for part in planned.components]
    host = claims.host(planned.instance)

    assert 1 <= floor.instances <= start.instances == instances <= ceiling.instances == 4
    assert place(needs, floors, host, floor.instances).fits
    assert floor.instances == 1 or place(needs, floors, host, floor.instances - 1).fits is False
    for bound in (floor, start, ceiling):
        assert bound.usd_per_hour == pytest.approx(P4D_USD * bound.instances)
        there = at_bound(planned, bound)
        assert {part.name: part.copies for part in there.components} == bound.copies
        assert there.usd_per_hour == bound.usd_per_hour


def test_options_by_hand() -> None:
    """3 alarms at 0.10, two that follow a target at 0.30, a dashboard at 3.00; endpoints of the network beside it."""
    found = additions(
        plan(
            deployment(
                copies=2,
                weights="s3://models/llama/",
                scaling=Scaling(max_copies=4),
                monitoring=Monitoring(alarms=Alarms(), dashboard=True, log_retention_days=7),
                security=Security(
                    vpc=Vpc(subnets=["subnet-0a1b2c3d", "subnet-1a1b2c3d"], security_groups=["sg-0a1b2c3d"])
                ),
            )
        )
    )
    amounts = {each.option: each.usd_per_month for each in found}
    assert amounts == {
        "monitoring.alarms": pytest.approx(0.30),
        "scaling": pytest.approx(0.60),
        "monitoring.dashboard": 3.0,
        "monitoring.log_retention_days": 0,
        "security.vpc": pytest.approx(5 * 2 * 730 * 0.01),
    }
    assert added_usd_per_month(found) == pytest.approx(3.90)
    assert [each.option for each in found if each.estimate] == ["scaling"]


@pytest.mark.parametrize(
    ("wishes", "option"),
    [
        ({"monitoring": Monitoring(enhanced_metrics_seconds=60)}, "monitoring.enhanced_metrics_seconds"),
        ({"monitoring": Monitoring(dashboard=True), "region": "eu-west-1"}, "monitoring.dashboard"),
    ],
)
def test_what_no_source_prices_is_said_to_be_unknown(wishes: dict[str, Any], option: str) -> None:
    planned = plan(deployment(engine="vllm", **wishes))
    (found,) = additions(planned)
    assert (found.option, found.usd_per_month) == (option, None)
    assert any(line.startswith(f"  unknown: {option}: ") for line in option_notes(planned))


@pytest.mark.parametrize(("alarms", "rolls_back"), list(product([None, Alarms()], [True, False])))
def test_alarms_of_a_roll_are_counted_once(alarms: Alarms | None, rolls_back: bool) -> None:
    found = additions(
        plan(deployment(copies=2, rollout=Rollout(roll_back=rolls_back), monitoring=Monitoring(alarms=alarms)))
    )
    assert added_usd_per_month(found) == pytest.approx(0.30 if alarms or rolls_back else 0.0)
