"""Whatever a plan accepts also packs when everything is at its ceiling, by a packer that is not the product's."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations_with_replacement
from math import ceil, floor

import pytest

from replicas import ComponentPlan, EndpointPlan, plan
from replicas.errors import SizingError
from replicas.rules.hosting import host_types
from tests.planning.independent_packer import Amount, packs
from tests.planning.random_deployments import random_deployment


def check(seeds: range) -> int:
    """Check the deployments of some seeds, and return the number of those that a plan accepts."""
    accepted = 0
    for seed in seeds:
        try:
            planned = plan(random_deployment(seed))
        except SizingError:
            continue
        accepted += 1
        faults = list(faults_of(planned))
        assert not faults, f"seed {seed}: {faults}"
    return accepted


@pytest.mark.slow
def test_500_random_deployments_pack_at_their_ceilings() -> None:
    assert check(range(500)) > 150


@pytest.mark.soak
def test_10_000_random_deployments_pack_at_their_ceilings() -> None:
    assert check(range(500, 10_500)) > 3_000


def faults_of(planned: EndpointPlan) -> Iterator[str]:
    """What does not pack, on any mix of the instance types, and batches that UpdateInferenceComponent refuses."""
    levels = {
        "start": ([component.copies for component in planned.components], planned.instances),
        "ceiling": (list(map(most_of, planned.components)), planned.max_instances),
        "roll at the start": (with_batches(planned, at_ceiling=False), planned.max_instances),
        "roll at the ceiling": (with_batches(planned, at_ceiling=True), planned.max_instances),
    }
    types = [planned, *planned.fallbacks]
    for level, (copies, instances) in levels.items():
        for mix in combinations_with_replacement(types, instances):
            rooms = [room_of(there) for there in mix]
            demands = [(count, [claim_of(there.components[at]) for there in mix]) for at, count in enumerate(copies)]
            if not packs(demands, rooms):
                yield f"{level} on {[there.instance.name for there in mix]}: {copies}"
                break
    for component in planned.components:
        if component.rollout and not all(
            ceil(Fraction(count, 20)) <= component.rollout.batch_copies <= floor(Fraction(count, 2))
            for count in counts_of(component)
            if count
        ):
            yield f"{component.name}: batch {component.rollout.batch_copies} of {sorted(counts_of(component))}"
        if component.fewest_copies > component.most_copies or not component.fewest_copies <= component.copies:
            yield f"{component.name}: {component.fewest_copies} to {component.most_copies} from {component.copies}"


def most_of(component: ComponentPlan) -> int:
    """The most copies that autoscaling or a schedule may ask for."""
    schedules = component.scaling.schedules if component.scaling else ()
    return max(component.copies, component.most_copies, *(entry.max_copies or 0 for entry in schedules), 0)


def counts_of(component: ComponentPlan) -> set[int]:
    """Numbers of copies that a rolling update may meet."""
    schedules = component.scaling.schedules if component.scaling else ()
    floors = {entry.min_copies for entry in schedules}
    return {component.copies, component.fewest_copies, most_of(component), *floors}


def with_batches(planned: EndpointPlan, *, at_ceiling: bool) -> list[int]:
    """Copies of each component while all components with a rolling update roll."""
    return [
        (most_of(component) if at_ceiling else component.copies)
        + (component.rollout.batch_copies if component.rollout else 0)
        for component in planned.components
    ]


def claim_of(component: ComponentPlan) -> Amount:
    return Fraction(component.accelerators), Fraction(component.cpus), Fraction(component.memory_mib)


def room_of(planned: EndpointPlan) -> Amount:
    """What copies can claim on an instance, from the table of hosts and claims."""
    room = host_types()[planned.instance.name].claimable
    return Fraction(room.accelerators), room.cpus, Fraction(room.memory_mib)
