"""Deployments that were accepted, refused or left unanswered wrongly."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from replicas import Component, Deployment, InstanceScaling, Rollout, Scaling, Schedule, plan
from replicas.errors import SizingError
from replicas.rules import check
from replicas.template.load import load
from tests.rules.base import Template, with_rights

CASES = Path(__file__).parent
SMALL, LARGE = "NousResearch/Llama-2-7b-chat-hf", "NousResearch/Llama-2-13b-chat-hf"


def case(file: str) -> Template:
    """A template of the cases, with a role that has the rights that serving needs."""
    return with_rights(load(CASES / file))


# Ceilings and floors: a p4d has 8 accelerators, and each copy here takes one (ml.p4d.24xlarge, instances.json).


@pytest.mark.parametrize("to_zero", [False, True])
def test_ceilings_that_a_plan_chooses_leave_room_for_the_floors_of_the_others(to_zero: bool) -> None:
    planned = plan(
        Deployment(
            name="two",
            instance_type="ml.p4d.24xlarge",
            components=[
                Component(name="a", model=SMALL, copies=1, scaling=Scaling(to_zero=to_zero)),
                Component(name="b", model=LARGE, copies=7, scaling=Scaling(to_zero=to_zero)),
            ],
        )
    )

    assert [component.most_copies for component in planned.components] == [1, 7]


@pytest.mark.parametrize("copies", [2, 6, None])
def test_ceilings_leave_room_for_the_batch_of_a_roll(copies: int | None) -> None:
    planned = plan(
        Deployment(
            name="two",
            instance_type="ml.p4d.24xlarge",
            instance_scaling=InstanceScaling(max_instances=2),
            components=[
                Component(name="a", model=SMALL, copies=2, tensor_parallel=1, scaling=Scaling(), rollout=Rollout()),
                Component(name="b", model=LARGE, copies=copies, tensor_parallel=1, scaling=Scaling()),
            ],
        )
    )

    (a, b), accelerators = planned.components, 2 * 8
    assert a.rollout is not None
    assert a.most_copies + b.most_copies + a.rollout.batch_copies == accelerators


def test_a_ceiling_that_a_plan_chooses_holds_what_a_schedule_asks_for() -> None:
    evening = Schedule(name="evening", at="cron(0 18 * * ? *)", min_copies=5, max_copies=6)
    planned = plan(
        Deployment(
            name="two",
            instance_type="ml.p4d.24xlarge",
            components=[
                Component(name="a", model=SMALL, tensor_parallel=1, scaling=Scaling()),
                Component(name="b", model=LARGE, tensor_parallel=1, scaling=Scaling(schedules=[evening])),
            ],
        )
    )

    assert [component.most_copies for component in planned.components] == [2, 6]


def test_a_component_that_does_not_roll_takes_the_room_of_a_roll_at_its_ceiling() -> None:
    """Given 4 accelerators, of which b takes 3 at its ceiling: the batch of a has no room beside them."""
    with pytest.raises(SizingError, match=r"a rolling update of 1 copy needs 1 free accelerator; 8 of 8 are in use"):
        plan(
            Deployment(
                name="two",
                instance_type="ml.p4d.24xlarge",
                components=[
                    Component(name="a", model=SMALL, copies=2, rollout=Rollout()),
                    Component(name="b", model=LARGE, copies=1, scaling=Scaling(max_copies=6)),
                ],
            )
        )


def test_a_start_above_the_ceiling_is_refused_where_the_floor_is_zero() -> None:
    component = Component(model=SMALL, copies=7, scaling=Scaling(max_copies=4, to_zero=True))
    with pytest.raises(SizingError, match=r"copies=7 at the start is above .* max_copies=4: set copies=4 or less"):
        plan(Deployment(name="one", instance_type="ml.p4d.24xlarge", components=[component]))


# Rolls: UpdateInferenceComponent accepts 5 to 50 % of the copies (botocore, MaximumBatchSize).


def test_a_batch_is_judged_at_the_fewest_and_at_the_most_copies() -> None:
    """A batch of 1 is less than 5 % of 40 copies, and all of the one copy that the night leaves."""
    report = check(case("apps/roll.yaml"))

    assert [(found.rule, found.what) for found in report.problems if found.rule == "batch-size"] == [
        ("batch-size", "a batch of 1 of 40 copies at MaxCapacity")
    ]
    assert [(found.rule, found.what) for found in report.warnings if found.rule != "image-not-published"] == [
        ("batch-size", "a batch of 1 of 1 copy by a schedule")
    ]


ROLLS = {
    "ceiling": (
        Scaling(max_copies=40),
        r"1 of 40 is less; no batch size is valid for 2 to 40 copies: set rollout\.batch_copies=2 and copies=4, or "
        r"rollout\.batch_copies=1 and scaling\.max_copies=20",
    ),
    "schedule": (
        Scaling(max_copies=4, schedules=[Schedule(name="night", at="cron(0 20 * * ? *)", min_copies=1)]),
        r"1 of 1 is more: set min_copies=2 in its schedules",
    ),
}


def rolling(scaling: Scaling, *, copies: int = 2, batch: int = 1) -> Deployment:
    component = Component(model="Qwen/Qwen3-8B", copies=copies, rollout=Rollout(batch_copies=batch), scaling=scaling)
    return Deployment(
        name="x",
        instance_type="ml.g5.48xlarge",
        instance_scaling=InstanceScaling(max_instances=8),
        components=[component],
    )


@pytest.mark.parametrize(("scaling", "sentence"), ROLLS.values(), ids=ROLLS)
def test_a_batch_that_does_not_suit_all_copies_is_refused_with_what_would(scaling: Scaling, sentence: str) -> None:
    with pytest.raises(SizingError, match=sentence):
        plan(rolling(scaling))


def test_what_the_refusal_of_a_batch_names_is_accepted() -> None:
    assert plan(rolling(Scaling(max_copies=40), copies=4, batch=2))
    assert plan(rolling(Scaling(max_copies=20)))


# Pools: SageMaker falls back to the next type until it has the instances (developer guide,
# realtime-endpoints-heterogeneous), so one instance of either type holds at most 8 copies.


def test_copies_that_fit_no_mix_of_the_pools_are_a_problem() -> None:
    report = check(case("hostile/pools_certain_but_warning.json"))

    assert {found.rule for found in report.problems} == {"over-committed"}
    assert report.problems[0].fix == "set CopyCount=8 of I, or InitialInstanceCount=25"
    assert "pool-too-small" not in {found.rule for found in report.warnings}


def test_copies_that_a_mix_with_a_larger_type_holds_stay_a_warning(tmp_path: Path) -> None:
    template = case("hostile/pools_certain_but_warning.json")
    (variant,) = template["Resources"]["C"]["Properties"]["ProductionVariants"]
    variant["InstancePools"][1]["InstanceType"] = "ml.g5.12xlarge"
    template["Resources"]["I"]["Properties"]["RuntimeConfig"]["CopyCount"] = 8

    report = check(template)

    assert not report.problems
    assert "pool-too-small" in {found.rule for found in report.warnings}


def test_a_type_of_the_pools_that_is_not_known_is_not_judged() -> None:
    template = case("hostile/pools_certain_but_warning.json")
    template["Parameters"] = {"Type": {"Type": "String"}}
    (variant,) = template["Resources"]["C"]["Properties"]["ProductionVariants"]
    variant["InstancePools"].append({"InstanceType": {"Ref": "Type"}, "Priority": 3})

    report = check(template)

    assert not report.problems
    assert any("Type" in opened.what for opened in report.unresolved)


@pytest.mark.parametrize(("instances", "is_planned"), [(2, False), (3, True)])
def test_copies_that_fit_each_type_in_another_way_are_not_proven_on_a_mix(instances: int, is_planned: bool) -> None:
    """On a p4d (80 CPUs, 800 GiB) a and b share an instance, on a g5 (144 CPUs, 384 GiB) both copies of a do."""
    deployment = Deployment(
        name="x",
        instance_type="ml.p4d.24xlarge",
        instances=instances,
        fallback_instance_types=["ml.g5.48xlarge"],
        components=[
            Component(name="a", model="Qwen/Qwen3-8B", copies=2, tensor_parallel=4, cpus=50, memory_mib=100_000),
            Component(name="b", model="Qwen/Qwen3-8B", copies=1, tensor_parallel=4, cpus=10, memory_mib=300_000),
        ],
    )
    if is_planned:
        assert plan(deployment)
        return
    sentence = r"every mix of the pools at the start is not judged: .*; with 3 instances, the copies fit any mix"
    with pytest.raises(SizingError, match=sentence):
        plan(deployment)


# Questions that took minutes. The search has a budget of steps, so that each is answered, whatever the machine.


def test_a_ceiling_that_no_endpoint_has_is_refused_by_its_bound() -> None:
    component = Component(model="Qwen/Qwen3-8B", copies=1, scaling=Scaling(max_copies=200_000))
    with pytest.raises(SizingError, match=r"max_copies=200000: give at most 1,000 \(100 instances of 8 accelerators"):
        plan(Deployment(name="x", instance_type="ml.g6e.12xlarge", components=[component]))


@pytest.mark.parametrize("instances", [12, 16])
@pytest.mark.parametrize("seed", range(8))
def test_five_unequal_components_on_many_instances_are_answered(seed: int, instances: int) -> None:
    draw = random.Random(seed)  # noqa: S311 (no secret)
    components = [
        Component(
            name=f"c{at}",
            model="Qwen/Qwen3-8B",
            copies=draw.randint(6, 12),
            tensor_parallel=draw.choice([1, 2, 4]),
            cpus=draw.randint(4, 40),
            memory_mib=draw.randint(20, 250) * 1024,
        )
        for at in range(5)
    ]
    wanted = Deployment(name="x", instance_type="ml.p4d.24xlarge", instances=instances, components=components)
    with contextlib.suppress(SizingError):
        placement = plan(wanted).placement
        assert [sum(column) for column in zip(*placement, strict=True)] == [part.copies for part in components]
