"""What layouts are held against, what they cost and what is said of them: each figure, not the order alone."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from replicas.errors import ReplicasError, UsageError
from replicas.forecast import Load, forecast
from replicas.load import Trace, TracedRequest
from replicas.load.load import lognormal
from replicas.load.objectives import Bound, Bounds
from replicas.load.options import LoadOptions
from replicas.planning.sizing_options import SizingOptions
from replicas.recommend import Objective, Recommendation, Requirements, recommend
from replicas.recommend.requested import requested, with_assumed_deviations
from replicas.recommend.speed import has_so_many_long_requests

ONE_CARD = Requirements(
    model="llama-2-13b",
    load=Load(requests_per_second=1, input_tokens=400, output_tokens=40),
    instance_types=("ml.g6e.xlarge", "ml.g6e.2xlarge", "ml.g6e.16xlarge"),
    duration_seconds=30,
)


@pytest.fixture(scope="module")
def one_card() -> Recommendation:
    return recommend(ONE_CARD)


def test_at_an_equal_price_unquantized_weights_come_first(one_card: Recommendation) -> None:
    priced = [each.option for each in one_card.ranked if each.option.usd_per_hour is not None]

    assert len({round(option.usd_per_million_output_tokens or 0, 2) for option in priced[:4]}) == 1
    assert priced[0].candidate.weights.label == "none"
    # fp8 is made of the weights that were asked for; TheBloke publishes the AWQ and GPTQ ones.
    assert [option.candidate.is_first_party for option in priced[:4]] == [True, True, False, False]
    assert any(sentence.endswith("at the same price.") for sentence in one_card.why())


def test_the_counts_add_up_with_unknown_prices_apart(one_card: Recommendation) -> None:
    counts = one_card.counts

    assert counts["hold_unpriced"] == 4, "four quantizations on ml.g6e.16xlarge, whose price no source gives"
    assert counts["dearer_hosts"] > 0
    assert counts["layouts"] == sum(counts.values()) - counts["layouts"]
    assert one_card.to_document()["counts"] == counts


def test_layouts_that_fall_in_the_full_forecast_are_still_counted() -> None:
    """At 95 % of the limit a quick forecast and a full one can differ; no twin may be lost on the way."""
    tight = replace(
        ONE_CARD, objective=Objective(latency_p90_seconds=2.4), load=replace(ONE_CARD.load, output_stddev=20)
    )
    counts = recommend(tight).counts
    assert counts["layouts"] == sum(counts.values()) - counts["layouts"]


def test_whether_an_unknown_price_is_within_the_budget_is_not_judged() -> None:
    found = recommend(
        replace(ONE_CARD, instance_types=("ml.g6e.16xlarge",), objective=Objective(max_usd_per_hour=1000.0))
    )

    assert found.best is None
    assert "the price is not known" in found.missed[0].option.shortfalls[0].sentence
    assert "not judged" in found.missed[0].option.shortfalls[0].sentence


def test_what_is_served_is_priced_and_not_what_is_offered(one_card: Recommendation) -> None:
    best = one_card.best
    assert best is not None
    assert best.measured is not None
    point = best.measured.point
    assert best.served_tokens_per_second == 40.0

    behind = replace(point, is_reached=False, requests_per_second=0.25)
    measured = replace(best.measured, forecast=replace(best.measured.forecast, points=(behind,)))
    overloaded = replace(best, measured=measured)

    assert overloaded.served_tokens_per_second == pytest.approx(10.0)
    assert overloaded.usd_per_million_output_tokens == pytest.approx(4 * (best.usd_per_million_output_tokens or 0))


def test_no_warning_of_the_forecast_is_dropped() -> None:
    load = Load(requests_per_second=1, input_tokens=400, output_tokens=40, input_stddev=400)
    found = recommend(replace(ONE_CARD, load=load, max_total_tokens=700, quantizations=("none",)), top=1)
    best = found.best
    assert best is not None

    again = forecast(best.plan, best.plan.components[0], [load], duration_seconds=30)

    assert any("drawn longer than a copy accepts" in warning for warning in again.warnings)
    assert set(again.warnings) <= set(best.warnings)
    assert set(best.warnings) <= set(found.to_document()["ranked"][0]["warnings"])


def test_cut_answers_are_priced_with_the_tokens_that_they_have() -> None:
    load = Load(requests_per_second=5, input_tokens=10, output_tokens=300, output_stddev=600)
    wish = replace(ONE_CARD, load=load, quantizations=("none",), instance_types=("ml.g6e.xlarge",), duration_seconds=90)
    whole, cut = (recommend(replace(wish, max_total_tokens=total), top=1).best for total in (4096, 320))
    assert whole is not None
    assert cut is not None
    assert whole.served_tokens_per_second == pytest.approx(1500.0, rel=0.06)
    assert cut.served_tokens_per_second < 1000.0


def test_each_time_is_bounded_at_its_percentile(one_card: Recommendation) -> None:
    best = one_card.best
    assert best is not None
    assert best.measured is not None
    point = best.measured.point
    for name in ("latency_p50", "latency_p99", "ttft_p50", "ttft_p90", "ttft_p99", "tpot_p50", "tpot_p90", "tpot_p99"):
        seconds = getattr(point, f"{name}_seconds")
        held, missed = (
            Objective.of_options(Bounds.parse(f"{name}={share * seconds}", option="--objective")).shortfalls(
                ONE_CARD.load, point, 1000.0
            )
            for share in (1.01, 0.99)
        )
        assert held == []
        assert len(missed) == 1
        assert name[-3:] in missed[0].what


def test_a_layout_that_misses_one_of_several_objectives_is_not_recommended(one_card: Recommendation) -> None:
    best = one_card.best
    assert best is not None
    assert best.measured is not None
    fastest = min(
        each.option.measured.point.tpot_p50_seconds or 9 for each in one_card.ranked if each.option.measured is not None
    )
    objective = Objective(ttft_p90_seconds=5.0, further=(Bound("tpot", "p50", 1.2 * fastest),))

    found = recommend(replace(ONE_CARD, objective=objective))

    for each in found.ranked:
        assert each.option.measured is not None
        assert (each.option.measured.point.tpot_p50_seconds or 9) <= 1.2 * fastest
    assert any("time per token p50" in miss.sentence for each in found.missed for miss in each.option.shortfalls)
    document = found.to_document()["objective"]
    assert document["bounds"] == {"latency_p90": 60.0, "ttft_p90": 5.0, "tpot_p50": 1.2 * fastest}


@pytest.mark.parametrize("stddevs", [(0, 0), (200, 0), (200, 20), (900, 90), (3000, 0)])
def test_the_share_of_long_requests_is_that_of_many_drawn_ones(stddevs: tuple[int, int]) -> None:
    load = Load(users=1, input_tokens=400, output_tokens=40, input_stddev=stddevs[0], output_stddev=stddevs[1])
    chance = random.Random(1)  # noqa: S311 (nothing secret)
    drawn = 20_000
    long = 0
    for _ in range(drawn):
        lengths = [
            chance.lognormvariate(*lognormal(mean, stddev)) if stddev else mean
            for mean, stddev in zip((400, 40), stddevs, strict=True)
        ]
        long += lengths[0] >= 400 and lengths[1] >= 40
    share = long / drawn
    assert has_so_many_long_requests(load, share - 0.02)
    assert not has_so_many_long_requests(load, share + 0.02)


def test_of_a_trace_the_long_requests_are_counted() -> None:
    requests = tuple(TracedRequest(float(number), 1000 if number == 0 else 10, 5) for number in range(10))
    load = Load.of_trace(Trace(requests))
    assert has_so_many_long_requests(load, 0.1)
    assert not has_so_many_long_requests(load, 0.11)


def test_lengths_without_a_deviation_get_the_assumed_one_and_it_is_said() -> None:
    said: list[str] = []
    sizing = SizingOptions(model="llama-2-13b")
    asked = LoadOptions(rate="2", input_tokens=1000, output_tokens=50, shared_tokens=200)

    load = requested(sizing, asked, tell=said.append).load

    assert (load.input_stddev, load.output_stddev) == (400.0, 25.0)
    assert "assumed to be 50% of their mean" in said[0]
    equal = replace(asked, input_stddev=0.0, output_stddev=0.0)
    assert requested(sizing, equal, tell=said.append).load.is_varied is False
    assert len(said) == 1
    assert with_assumed_deviations(LoadOptions(trace=Path("x"))) == LoadOptions(trace=Path("x"))


def test_every_fault_of_the_options_is_named_at_once(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text('{"timestamp": 5, "input_length": -1, "output_length": 2}\n{"timestamp": 1, "input')

    with pytest.raises(UsageError) as refused:
        requested(
            SizingOptions(model="lama-2-13b", instance=("ml.p9.huge",)),
            LoadOptions(trace=trace),
            objective="speed_p90=1,ttft_p90=-2",
            max_usd_per_hour=-1.0,
            max_instances=0,
        )

    for fault in (
        "line 1: input_length is not a whole number",
        "line 2: cut off",
        "'speed_p90=1' is not one of latency, ttft, tpot",
        "'ttft_p90=-2': the seconds must be a number above 0",
        "max_usd_per_hour=-1.0: more than 0",
        "max_instances=0: 1 to",
        "'lama-2-13b' is not in the table",
        "ml.p9.huge",
    ):
        assert fault in str(refused.value)


def test_a_time_is_bounded_once() -> None:
    with pytest.raises(ReplicasError, match="--ttft-p90 and --objective ttft_p90: give one of them"):
        requested(
            SizingOptions(model="llama-2-13b"),
            LoadOptions(users="3", input_tokens=10, output_tokens=10),
            objective="ttft_p90=1",
            ttft_p90_seconds=2.0,
        )
