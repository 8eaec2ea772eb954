"""Placement against a packer that tries everything; the budget of the search; what is not judged."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.endpoint.packing import (
    STEPS,
    Budget,
    Counts,
    DoesNotFit,
    Fits,
    NotJudged,
    Resources,
    fewest_instances,
    most_copies,
    place,
    total_of,
)
from tests.endpoint.hard_question import ENOUGH_INSTANCES, INSTANCES, PERMILLE
from tests.examples import examples

Problem = tuple[list[Resources], Counts, Resources, int]


def everything(needs: list[Resources], copies: Counts, instance: Resources, instances: int) -> bool:
    """Whether the copies fit, decided by putting each copy on each instance. It shares no code with `place`."""
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


def assert_valid(packing: Fits, needs: list[Resources], copies: Counts, instance: Resources, instances: int) -> None:
    """Every copy has a place, and no instance gives more than it has."""
    rows = packing.rows
    assert len(rows) == instances
    assert (tuple(map(sum, zip(*rows, strict=True))) if rows else (0,) * len(needs)) == copies
    for row in rows:
        assert all(count >= 0 for count in row)
        total = total_of(needs, row)
        assert total.accelerators <= instance.accelerators
        assert total.cpus <= instance.cpus
        assert total.memory_mib <= instance.memory_mib


quarters = st.integers(1, 32).map(lambda quarter: Fraction(quarter, 4))
needs_ = st.builds(Resources, st.integers(1, 8), quarters, st.integers(1, 40))
hosts = st.builds(Resources, st.integers(1, 12), quarters, st.integers(8, 80))


@st.composite
def small_problems(draw: st.DrawFn) -> Problem:
    """At most 7 copies on at most 3 instances, often with needs that are equal or just fill a host."""
    needs = draw(st.lists(needs_, min_size=1, max_size=3))
    if draw(st.booleans()):
        needs.append(needs[0])
    counts: list[int] = []
    for _ in needs:
        counts.append(draw(st.integers(0, max(0, min(4, 7 - sum(counts))))))
    return needs, tuple(counts), draw(hosts), draw(st.integers(1, 3))


@examples(75)
@given(small_problems())
def test_a_placement_is_found_exactly_where_one_exists(problem: Problem) -> None:
    needs, copies, host, instances = problem
    packing = place(needs, copies, host, instances)
    assert packing.fits is everything(needs, copies, host, instances)
    if packing.fits:
        assert_valid(packing, needs, copies, host, instances)


def test_every_demand_of_three_sizes_on_up_to_three_instances_is_decided_as_trying_everything_decides_it() -> None:
    """Given every demand of up to 2 copies of 3 sizes, when placed on 1 to 3 instances of 7, both answers agree."""
    host = Resources(7, Fraction(100), 100)
    for sizes in [(2, 3, 5), (3, 4, 7), (1, 3, 4)]:
        needs = [Resources(size, Fraction(1), 1) for size in sizes]
        for copies in product(range(3), repeat=3):
            for instances in (1, 2, 3):
                assert place(needs, copies, host, instances).fits is everything(needs, copies, host, instances)


@st.composite
def full_instances(draw: st.DrawFn) -> Problem:
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


@examples(75)
@given(full_instances())
def test_copies_that_were_taken_out_of_full_instances_go_in_again(problem: Problem) -> None:
    needs, copies, host, instances = problem
    packing = place(needs, copies, host, instances)
    assert packing.fits
    assert_valid(packing, needs, copies, host, instances)
    assert fewest_instances(needs, copies, host) == instances
    assert not place(needs, copies, host, instances - 1).fits


@examples(50)
@given(
    st.lists(needs_, min_size=1, max_size=4),
    st.lists(st.integers(0, 12), min_size=4, max_size=4),
    hosts,
    st.integers(1, 8),
)
def test_a_larger_question_is_judged_and_its_placement_is_valid(
    needs: list[Resources], counts: list[int], host: Resources, instances: int
) -> None:
    copies = tuple(counts[: len(needs)])
    packing = place(needs, copies, host, instances)
    assert packing.fits is not None
    if packing.fits:
        assert_valid(packing, needs, copies, host, instances)


@examples(50)
@given(small_problems())
def test_the_fewest_instances_hold_all_copies_and_one_less_does_not(problem: Problem) -> None:
    needs, copies, host, _ = problem
    if sum(copies) > 5:
        return
    enough = [instances for instances in range(sum(copies) + 1) if everything(needs, copies, host, instances)]
    assert fewest_instances(needs, copies, host) == (enough[0] if enough else DoesNotFit())


@examples(50)
@given(small_problems())
def test_the_most_copies_fit_and_one_more_does_not(problem: Problem) -> None:
    needs, copies, host, instances = problem
    fitting = [count for count in range(copies[0] + 1) if everything(needs, (count, *copies[1:]), host, instances)]
    assert most_copies(needs, copies, 0, host, instances) == (max(fitting) if fitting else DoesNotFit())


@examples(50)
@given(small_problems(), st.randoms(use_true_random=False))
def test_the_order_of_the_components_does_not_decide(problem: Problem, random: object) -> None:
    needs, copies, host, instances = problem
    order = list(range(len(needs)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = place([needs[index] for index in order], tuple(copies[index] for index in order), host, instances)
    assert shuffled.fits is place(needs, copies, host, instances).fits


def test_three_copies_of_5_accelerators_do_not_fit_two_instances_of_8_although_the_sum_does() -> None:
    copy, instance = Resources(5, Fraction(1), 1), Resources(8, Fraction(96), 1000)
    assert 3 * copy.accelerators <= 2 * instance.accelerators
    assert place([copy], (3,), instance, 2) == DoesNotFit()
    assert fewest_instances([copy], (3,), instance) == 3


def test_different_copies_share_instances_where_greed_by_size_would_fail() -> None:
    """6 + 4 + 4 and 5 + 5 + 4 fill two hosts of 14; the largest first would put 6 with 5."""
    needs = [Resources(size, Fraction(1), 1) for size in (6, 5, 4)]
    packing = place(needs, (1, 2, 3), Resources(14, Fraction(96), 1000), 2)
    assert packing.fits
    assert sorted(packing.rows) == [(0, 2, 1), (1, 0, 2)]


def test_a_copy_larger_than_an_empty_instance_fits_no_number_of_them() -> None:
    assert fewest_instances([Resources(9, Fraction(1), 1)], (1,), Resources(8, Fraction(96), 1000)) == DoesNotFit()


def test_a_component_without_copies_may_be_larger_than_an_instance() -> None:
    needs, host = [Resources(9, Fraction(1), 1), Resources(4, Fraction(1), 1)], Resources(8, Fraction(96), 1000)
    assert fewest_instances(needs, (0, 3), host) == 2
    assert most_copies(needs, (2, 3), 0, host, 2) == 0


def test_no_copies_need_no_instance() -> None:
    needs, host = [Resources(1, Fraction(1), 1)], Resources(8, Fraction(96), 1000)
    assert fewest_instances(needs, (0,), host) == 0
    assert fewest_instances([], (), host) == 0
    assert place(needs, (0,), host, 2) == Fits((((0,), 2),))


def test_copies_need_an_instance_even_where_they_claim_nothing() -> None:
    nothing, host = Resources(0, Fraction(0), 0), Resources(8, Fraction(96), 1000)
    assert fewest_instances([nothing], (3,), host) == 1
    assert place([nothing], (3,), host, 0) == DoesNotFit()
    assert place([nothing, Resources(8, Fraction(1), 1)], (3, 2), host, 2) == Fits((((3, 1), 1), ((0, 1), 1)))


def test_quarters_of_a_core_add_up_exactly() -> None:
    tenth = Resources.of(1, 0.1, 1)
    assert place([tenth], (10,), Resources(10, Fraction(1), 1000), 1) == Fits((((10,), 1),))


def test_components_with_the_same_claims_are_placed_in_their_order() -> None:
    need, host = Resources(2, Fraction(1), 1), Resources(8, Fraction(96), 1000)
    assert place([need, need], (5, 3), host, 2) == Fits((((4, 0), 1), ((1, 3), 1)))


def test_five_components_on_twelve_instances_are_judged() -> None:
    """The question that a search by remainders alone did not answer in 25 seconds, on both sides of the truth."""
    needs = [Resources.of(size, cpus, memory) for size, cpus, memory in FIVE]
    host, spent = Resources(8, Fraction(72), 589_824), []
    for copies in ((9, 8, 7, 8, 7), (9, 9, 9, 9, 9), (12, 12, 4, 12, 4), (7, 7, 7, 7, 7)):
        for instances in range(10, 14):
            budget = Budget()
            assert place(needs, copies, host, instances, budget=budget).fits is not None
            spent.append(budget.spent)
        assert isinstance(fewest_instances(needs, copies, host), int)
    assert max(spent) < STEPS // 10


FIVE = [(1, 9, 60_000), (2, 11, 71_000), (3, 31, 233_000), (2, 23, 130_000), (1, 17, 99_000)]


@pytest.mark.parametrize("huge", [10**6, 10**18, 10**300], ids=["million", "10^18", "10^300"])
def test_the_work_does_not_grow_with_the_number_of_copies(huge: int) -> None:
    needs, host = [Resources(5, Fraction(1), 1), Resources(3, Fraction(1), 1)], Resources(8, Fraction(96), 1000)
    packing = place(needs, (huge, huge), host, huge)
    assert packing == Fits((((1, 1), huge),))
    assert place(needs, (huge, huge), host, huge - 1) == DoesNotFit()
    assert fewest_instances(needs, (huge, huge), host) == huge
    assert most_copies(needs, (huge, huge), 0, host, huge // 3) == DoesNotFit()
    assert most_copies(needs, (2 * huge, huge), 0, host, huge) == huge


def test_a_question_beyond_the_budget_is_not_judged_and_says_so_in_numbers() -> None:
    needs, host = [Resources(1, Fraction(1), size) for size in PERMILLE], Resources(8, Fraction(96), 1000)
    copies = (1,) * len(needs)

    packing = place(needs, copies, host, INSTANCES)

    assert isinstance(packing, NotJudged)
    assert packing.fits is None
    assert packing.enough_instances == ENOUGH_INSTANCES
    assert packing.why == (
        f"{STEPS:,} search steps neither placed 36 copies with 35 different reservations on 12 instances nor "
        "proved that they do not fit; 14 instances are enough"
    )
    assert place(needs, copies, host, ENOUGH_INSTANCES).fits
    assert place(needs, copies, host, INSTANCES - 1) == DoesNotFit()


def test_a_question_beyond_the_budget_has_no_fewest_instances_and_no_most_copies() -> None:
    needs, host = [Resources(1, Fraction(1), size) for size in PERMILLE], Resources(8, Fraction(96), 1000)
    copies = (1,) * len(needs)

    fewest = fewest_instances(needs, copies, host, budget=Budget(20_000))
    most = most_copies(needs, copies, 0, host, INSTANCES, budget=Budget(20_000))

    assert isinstance(fewest, NotJudged)
    assert isinstance(most, NotJudged)
    assert (fewest.instances, fewest.enough_instances) == (INSTANCES, ENOUGH_INSTANCES)


@st.composite
def adversarial(draw: st.DrawFn) -> tuple[list[Resources], Counts, Resources]:
    """Many different claims of all sizes, often without accelerators, so that an instance has countless layouts."""
    claim = st.builds(
        Resources, st.integers(0, 1), st.integers(1, 96).map(lambda x: Fraction(x, 4)), st.integers(1, 99)
    )
    needs = draw(st.lists(claim, min_size=8, max_size=12))
    copies = tuple(draw(st.lists(st.integers(0, 10**4), min_size=len(needs), max_size=len(needs))))
    return needs, copies, Resources(64, Fraction(96), draw(st.integers(99, 400)))


@examples(15)
@given(adversarial(), st.integers(0, 2_000))
def test_no_question_takes_more_steps_than_its_budget(
    question: tuple[list[Resources], Counts, Resources], steps: int
) -> None:
    needs, copies, host = question
    for ask in (
        lambda budget: place(needs, copies, host, 3, budget=budget),
        lambda budget: place(needs, copies, host, sum(copies) // 5, budget=budget),
        lambda budget: fewest_instances(needs, copies, host, budget=budget),
        lambda budget: most_copies(needs, copies, 0, host, sum(copies) // 5, budget=budget),
    ):
        budget = Budget(steps)
        answer = ask(budget)
        assert budget.spent <= steps
        if isinstance(answer, NotJudged):
            assert place(needs, copies, host, answer.enough_instances).fits or answer.copies < sum(copies)


def test_an_answer_does_not_depend_on_the_budget_where_both_give_one() -> None:
    needs = [Resources.of(size, cpus, memory) for size, cpus, memory in FIVE]
    host = Resources(8, Fraction(72), 589_824)
    for instances in range(10, 14):
        answers = {
            place(needs, (9, 8, 7, 8, 7), host, instances, budget=Budget(steps)).fits for steps in (0, 99, STEPS)
        }
        assert len(answers - {None}) == 1
