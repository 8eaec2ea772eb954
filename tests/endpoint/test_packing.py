"""Placement against a packer that tries everything."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from replicas.endpoint.packing import Counts, Resources, fewest_instances, place


def everything(needs: list[Resources], copies: Counts, instance: Resources, instances: int) -> bool:
    """Whether the copies fit, found by putting each copy on each instance. Shares no code with `place`."""
    singles = [need for need, count in zip(needs, copies, strict=True) for _ in range(count)]
    for homes in product(range(instances), repeat=len(singles)):
        rooms = [[instance.accelerators, instance.cpus, instance.memory_mib] for _ in range(instances)]
        for need, home in zip(singles, homes, strict=True):
            rooms[home][0] -= need.accelerators
            rooms[home][1] -= need.cpus
            rooms[home][2] -= need.memory_mib
        if all(left >= 0 for room in rooms for left in room):
            return True
    return False


def assert_valid(
    placement: list[Counts], needs: list[Resources], copies: Counts, instance: Resources, instances: int
) -> None:
    """Every copy has a place, and no instance gives more than it has."""
    assert len(placement) == instances
    assert tuple(map(sum, zip(*placement, strict=True))) == copies
    for row in placement:
        assert all(count >= 0 for count in row)
        assert sum(count * need.accelerators for count, need in zip(row, needs, strict=True)) <= instance.accelerators
        assert sum(count * need.cpus for count, need in zip(row, needs, strict=True)) <= instance.cpus
        assert sum(count * need.memory_mib for count, need in zip(row, needs, strict=True)) <= instance.memory_mib


quarters = st.integers(1, 32).map(lambda quarter: Fraction(quarter, 4))
needs_ = st.builds(Resources, st.integers(1, 8), quarters, st.integers(1, 40))
hosts = st.builds(Resources, st.integers(1, 12), quarters, st.integers(8, 80))


@st.composite
def small_problems(draw: st.DrawFn) -> tuple[list[Resources], Counts, Resources, int]:
    """At most 7 copies on at most 3 instances, often with needs that are equal or just fill a host."""
    needs = draw(st.lists(needs_, min_size=1, max_size=3))
    if draw(st.booleans()):
        needs.append(needs[0])
    counts: list[int] = []
    for _ in needs:
        counts.append(draw(st.integers(0, max(0, min(4, 7 - sum(counts))))))
    return needs, tuple(counts), draw(hosts), draw(st.integers(1, 3))


@settings(max_examples=300, deadline=None)
@given(small_problems())
def test_a_placement_is_found_exactly_where_there_is_one(
    problem: tuple[list[Resources], Counts, Resources, int],
) -> None:
    needs, copies, host, instances = problem
    found = place(needs, copies, host, instances)
    assert (found is not None) == everything(needs, copies, host, instances)


@settings(max_examples=300, deadline=None)
@given(small_problems())
def test_a_placement_holds_every_copy_and_overloads_no_instance(
    problem: tuple[list[Resources], Counts, Resources, int],
) -> None:
    needs, copies, host, instances = problem
    found = place(needs, copies, host, instances)
    if found is not None:
        assert_valid(found, needs, copies, host, instances)


@st.composite
def full_instances(draw: st.DrawFn) -> tuple[list[Resources], Counts, Resources, int]:
    """Instances filled to the last accelerator, then emptied: a placement exists, and hardly any other does."""
    accelerators = draw(st.integers(6, 16))
    sizes: list[int] = []
    instances = draw(st.integers(2, 4))
    for _ in range(instances):
        left = accelerators
        while left:
            sizes.append(draw(st.integers(1, left) if left < 3 else st.integers(2, left)))
            left -= sizes[-1]
    kinds = draw(st.permutations(sorted(set(sizes))))
    needs = [Resources(size, Fraction(1, 4), 128) for size in kinds]
    return needs, tuple(map(sizes.count, kinds)), Resources(accelerators, Fraction(96), 10**6), instances


@settings(max_examples=300, deadline=None)
@given(full_instances())
def test_copies_that_were_taken_out_of_full_instances_go_in_again(
    problem: tuple[list[Resources], Counts, Resources, int],
) -> None:
    needs, copies, host, instances = problem
    found = place(needs, copies, host, instances)
    assert found is not None
    assert_valid(found, needs, copies, host, instances)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(needs_, min_size=1, max_size=4),
    st.lists(st.integers(0, 12), min_size=4, max_size=4),
    hosts,
    st.integers(1, 8),
)
def test_a_larger_placement_is_valid_too(
    needs: list[Resources], counts: list[int], host: Resources, instances: int
) -> None:
    copies = tuple(counts[: len(needs)])
    found = place(needs, copies, host, instances)
    if found is not None:
        assert_valid(found, needs, copies, host, instances)


@settings(max_examples=100, deadline=None)
@given(small_problems())
def test_the_fewest_instances_hold_all_copies_and_one_less_does_not(
    problem: tuple[list[Resources], Counts, Resources, int],
) -> None:
    needs, copies, host, _ = problem
    if not sum(copies) or sum(copies) > 5:
        return
    fewest = fewest_instances(needs, copies, host)
    enough = [instances for instances in range(1, sum(copies) + 1) if everything(needs, copies, host, instances)]
    assert fewest == (enough[0] if enough else None)


@settings(max_examples=100, deadline=None)
@given(small_problems(), st.randoms(use_true_random=False))
def test_the_order_of_the_components_does_not_decide(
    problem: tuple[list[Resources], Counts, Resources, int], random: object
) -> None:
    needs, copies, host, instances = problem
    order = list(range(len(needs)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = place([needs[index] for index in order], tuple(copies[index] for index in order), host, instances)
    assert (shuffled is None) == (place(needs, copies, host, instances) is None)


def test_three_copies_of_5_accelerators_do_not_fit_two_instances_of_8_although_the_sum_does() -> None:
    copy, instance = Resources(5, Fraction(1), 1), Resources(8, Fraction(96), 1000)
    assert 3 * copy.accelerators <= 2 * instance.accelerators
    assert place([copy], (3,), instance, 2) is None
    assert fewest_instances([copy], (3,), instance) == 3


def test_different_copies_share_instances_where_greed_by_size_would_fail() -> None:
    """6 + 4 + 4 and 5 + 5 + 4 fill two hosts of 14; the largest first would put 6 with 5."""
    needs = [Resources(size, Fraction(1), 1) for size in (6, 5, 4)]
    found = place(needs, (1, 2, 3), Resources(14, Fraction(96), 1000), 2)
    assert found is not None
    assert sorted(found) == [(0, 2, 1), (1, 0, 2)]


def test_a_copy_larger_than_an_empty_instance_fits_no_number_of_them() -> None:
    assert fewest_instances([Resources(9, Fraction(1), 1)], (1,), Resources(8, Fraction(96), 1000)) is None


def test_quarters_of_a_core_add_up_exactly() -> None:
    third = Resources.of(1, 0.1, 1)
    assert place([third], (10,), Resources(10, Fraction(1), 1000), 1) == [(10,)]
