"""`replicas report`: its figures are those of `plan`, `cost` and `forecast`, and whatever has no figure is said."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from replicas import Component, Deployment, plan
from replicas.cost import statement
from replicas.deployment.file import find_deployment, load_catalogue
from replicas.deployment.options import Traffic
from replicas.forecast import forecast
from replicas.forecast.loads import FigureError
from replicas.forecast.requested_loads import loads_of
from replicas.load.options import LoadOptions
from replicas.pages import Mark
from replicas.pages.charts import number
from replicas.planning.document import plan_document
from replicas.planning.drawing import drawing_of
from replicas.report.bands import bands_of
from replicas.report.changes import changes_of
from replicas.report.charts import charts_of
from replicas.report.loads import curve, loads_around
from replicas.report.sections import section_of
from replicas.report.what_if import NARROW, WIDE, what_if
from replicas.review.result import Review
from replicas.units import GIB
from tests.commands import Run
from tests.conftest import ROOT
from tests.pages import examples

ARTICLE = find_deployment("llama-2-13b", ROOT / "deployments.py")
(PRODUCTION,) = load_catalogue(examples.PRODUCTION)


def words(html: str) -> str:
    """The text of HTML in one line."""
    return " ".join(unescape(re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", html, flags=re.DOTALL)).split())


def test_one_page_of_one_file_is_written_and_named(run: Run, tmp_path: Path) -> None:
    outcome = run("report", "llama-2-13b", "--output", str(tmp_path / "page"))
    assert outcome.code == 0, outcome.said
    assert outcome.out == f"{tmp_path / 'page' / 'index.html'}\n"
    assert [path.name for path in (tmp_path / "page").iterdir()] == ["index.html"]
    text = words((tmp_path / "page" / "index.html").read_text())
    assert "8 copies of NousResearch/Llama-2-13b-chat-hf" in text
    assert "USD an hour 25.25 25.25 25.25" in text, "the price of ml.p4d.24xlarge in us-west-2"


def test_the_page_has_the_start_of_a_new_copy_as_the_command_says_it(run: Run, tmp_path: Path) -> None:
    cold = run("forecast", "qwen3-8b", "--cold-start", "--json").json
    run("report", "qwen3-8b", "--output", str(tmp_path / "page"))
    text = words((tmp_path / "page" / "index.html").read_text())

    def range_of(low: float, high: float) -> str:
        return f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"

    for phase in cold["phases"]:
        seconds = "-" if phase["seconds"] is None else f"{phase['seconds']:.0f}"
        assert f"{phase['what']} {seconds} {range_of(phase['low_seconds'], phase['high_seconds'])} " in text
    for delay in cold["delays"]:
        seconds = "-" if delay["seconds"] is None else f"{delay['seconds']:.0f}"
        assert f"{delay['what']} {seconds} {range_of(delay['low_seconds'], delay['high_seconds'])} " in text
    for timeout in cold["timeouts"]:
        assert f"{timeout['name']} {timeout['seconds']} must cover " in text


def test_every_name_that_is_not_there_is_named_with_the_nearest(run: Run, tmp_path: Path) -> None:
    outcome = run("report", "llama-2-13", "nothing", "qwen3-8b", "--output", str(tmp_path / "page"))
    assert outcome.code == 1
    assert "no deployment 'llama-2-13'; near: llama-2-13b" in outcome.said
    assert "no deployment 'nothing'" in outcome.said
    assert not (tmp_path / "page").exists()


def test_an_output_that_is_a_file_is_refused_before_the_forecasts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page").write_text("")

    outcome = run("report", "llama-2-13b", "--output", str(tmp_path / "page" / "today"))

    assert outcome.code == 1
    assert f"{tmp_path / 'page'} is a file: name a folder" in outcome.said
    assert "forecasting" not in outcome.said


def test_entries_that_cannot_be_planned_are_on_the_page_with_their_reasons(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(examples.write_deployments(tmp_path))
    outcome = run("report", "--output", str(tmp_path / "report"))
    assert outcome.code == 1
    text = words((tmp_path / "report" / "index.html").read_text())
    assert "2 cannot be planned" in text
    assert text.count("problem ") >= 2
    assert "production" in text


def test_the_memory_of_an_accelerator_adds_up_to_what_a_process_sees() -> None:
    for deployment in (ARTICLE, PRODUCTION):
        planned = plan(deployment)
        drawing = drawing_of(plan_document(planned))
        assert drawing is not None
        for component, (name, parts) in zip(planned.components, drawing.components, strict=True):
            sizes = {part.kind: part.gib for part in parts}
            assert name == component.name
            assert sum(sizes.values()) == pytest.approx(component.memory.card / GIB, abs=0.01)
            assert sizes["weights"] == pytest.approx(component.memory.weights / GIB, abs=0.001)
            assert sizes["cache"] == pytest.approx(component.memory.cache / GIB, abs=0.001)
            reserve = component.memory.card * (1 - component.memory.share) - component.memory.outside
            assert sizes.get("reserve", 0) == pytest.approx(reserve / GIB, abs=0.01)
            assert sum(part.height for part in parts) == pytest.approx(100, abs=0.1)


def test_every_accelerator_is_drawn_once_with_the_copy_that_occupies_it() -> None:
    (instance,) = drawing_of(plan_document(plan(PRODUCTION))).instances  # type: ignore[union-attr]
    owners = [(copy.component, copy.number, [card.index for card in copy.accelerators]) for copy in instance.copies]
    assert owners == [("chat", 1, [0]), ("chat", 2, [1]), ("code", 1, [2])]
    assert [card.index for card in instance.free] == [3]


def test_instances_with_the_same_copies_are_drawn_once() -> None:
    twice = plan(replace(ARTICLE, instances=3, components=[replace(ARTICLE.components[0], copies=20)]))
    drawing = drawing_of(plan_document(twice))
    assert drawing is not None
    assert sum(instance.alike for instance in drawing.instances) + drawing.left_out == 3
    assert sum(instance.alike * len(instance.copies) for instance in drawing.instances) == 20


def test_a_plan_of_early_code_is_not_drawn() -> None:
    document = plan_document(plan(ARTICLE))
    document["components"] = [
        {key: value for key, value in component.items() if key != "card_gib"} for component in document["components"]
    ]
    assert drawing_of(document) is None


def test_a_model_without_a_cache_has_no_cache_in_its_drawing() -> None:
    search = plan(find_deployment("search", ROOT / "deployments.py"))
    drawing = drawing_of(plan_document(search))
    assert drawing is not None
    assert "cache" not in {part.kind for part in drawing.kinds}


# ---- forecasts


def test_the_charts_show_what_replicas_forecast_says() -> None:
    planned = plan(ARTICLE)
    (component,) = planned.components
    users = [load.users for load in loads_around(component)]
    assert users == [8, 32, 64, 128, 256], "1 to 32 users for each of 8 copies"
    said = forecast(planned, component, loads_of(component, LoadOptions(users=",".join(map(str, users)))))
    rate, latency, first = charts_of(curve(planned, component))
    assert rate.lines[0].values == [point.requests_per_second for point in said.points]
    assert [line.values for line in latency.lines] == [
        [point.latency_p50_seconds for point in said.points],
        [point.latency_p90_seconds for point in said.points],
    ]
    assert first.lines[0].values == [point.ttft_p50_seconds for point in said.points]
    assert rate.marks == (Mark(label=str(said.limits.first), value=float(said.limits.users or 0)),)


def test_declared_users_are_marked_between_lighter_and_heavier_loads() -> None:
    planned = plan(PRODUCTION)
    own = curve(planned, planned.components[0], requests=2)
    assert [load.users for load in own.loads] == [16, 32, 64, 128, 256]
    marks = {mark.label: mark.value for mark in charts_of(own)[0].marks}
    assert marks["declared"] == 64


def test_a_declared_rate_is_the_axis() -> None:
    traffic = Traffic(requests_per_second=2, input_tokens=500, output_tokens=20)
    rated = replace(ARTICLE, components=[replace(ARTICLE.components[0], traffic=traffic)])
    planned = plan(rated)
    own = curve(planned, planned.components[0], requests=2)
    assert own.by_rate
    assert [load.requests_per_second for load in own.loads] == [0.5, 1, 2, 3, 4]
    assert charts_of(own)[0].x == "arrivals a second"


def test_a_model_that_generates_nothing_has_no_time_to_the_first_token() -> None:
    planned = plan(find_deployment("search", ROOT / "deployments.py"))
    own = curve(planned, planned.components[0], requests=2)
    assert [chart.title for chart in charts_of(own)] == ["Requests a second", "Latency"]


def test_a_component_that_takes_short_prompts_gets_short_prompts() -> None:
    short = replace(ARTICLE, components=[replace(ARTICLE.components[0], max_input_tokens=200, max_total_tokens=220)])
    (component,) = plan(short).components
    assert {(load.input_tokens, load.output_tokens) for load in loads_around(component)} == {(170, 50)}


def test_a_load_without_a_forecast_says_why_and_has_no_chart() -> None:
    by_hand = Deployment(
        name="by-hand",
        instance_type="ml.g5.12xlarge",
        components=[
            Component(
                model="somebody/unknown",
                engine="vllm-0.29.0",
                weights_gib=10,
                kv_bytes_per_token=100_000,
                copies=1,
                max_total_tokens=4096,
            )
        ],
    )
    section = section_of(by_hand, NARROW, 2)
    assert section.is_planned
    reasons = [sentence for severity, sentence in section.findings if severity == "not judged"]
    assert "its layers are not known" in reasons[0]
    assert reasons[0] in words(section.html)
    assert "data-chart" not in section.html


def test_the_band_holds_the_measurements_that_the_error_leaves_possible() -> None:
    """An error is relative to the measurement: 25 % off means a measurement of 0.8 or 1.33 times the forecast."""
    planned = plan(ARTICLE)
    (component,) = planned.components
    said = forecast(planned, component, loads_of(component, LoadOptions(users="100,200")))
    rate = FigureError(confidence="extrapolated", runs=20, sources=3, median=0.25, worst=0.6)
    figures = {
        "requests_per_second": rate,
        "latency": replace(rate, median=1.2),
        "ttft": replace(rate, confidence="unmeasured", runs=11, sources=2),
    }
    assert said.measured_error is not None
    judged = replace(said, measured_error=replace(said.measured_error, figures=figures))
    (rates,) = bands_of(judged, "requests_per_second", [10.0, None])
    assert (rates.low, rates.high) == ([8.0, None], [pytest.approx(13.333, abs=0.001), None])
    (latency,) = bands_of(judged, "latency", [1.0])
    assert (latency.low, latency.high) == ([None], [None]), "beyond a factor of two every value is possible"
    assert bands_of(judged, "ttft", [1.0]) == (), "too few runs have it"
    assert bands_of(replace(said, measured_error=None), "latency", [3.0]) == ()


def test_the_overview_has_the_highest_rate_of_the_chart() -> None:
    planned = plan(ARTICLE)
    rates = charts_of(curve(planned, planned.components[0], requests=2))[0].lines[0].values
    assert section_of(ARTICLE, NARROW, 2).rates == number(max(rate for rate in rates if rate is not None))


def test_the_page_states_the_class_with_its_basis() -> None:
    section = section_of(ARTICLE, NARROW, 2)
    planned = plan(ARTICLE)
    said = curve(planned, planned.components[0], requests=2).forecast
    assert said is not None
    assert f"{said.confidence.capitalize()}: {said.basis}." in words(section.html).replace(" :", ":")


def test_the_costs_are_those_of_the_statement() -> None:
    section = section_of(PRODUCTION, NARROW, 2)
    cost = statement(plan(PRODUCTION))
    assert section.usd_per_hour == tuple(bound.usd_per_hour for bound in cost.bounds.values())
    text = words(section.html)
    assert "copies of chat 2 2 5" in text
    assert "USD an hour 13.12 13.12 26.23" in text


# ---- what if


def test_each_layout_of_the_what_if_is_what_plan_and_forecast_say_of_it() -> None:
    planned = plan(ARTICLE)
    own = curve(planned, planned.components[0], requests=2)
    offer = what_if(ARTICLE, planned, 0, own, replace(NARROW, requests=2))
    declared, *others = offer.layouts
    assert (declared.instance_type, declared.degree, declared.copies) == ("ml.p4d.24xlarge", 1, 8)
    assert {(layout.degree, layout.copies) for layout in others if layout.instance_type == "ml.p4d.24xlarge"} == {
        (1, 4),
        (2, 4),
    }
    assert len({layout.instance_type for layout in others}) == 3
    for layout in others:
        assert layout.plan is not None
        again = plan(
            replace(
                ARTICLE,
                instance_type=layout.instance_type,
                components=[
                    replace(
                        ARTICLE.components[0],
                        copies=layout.copies,
                        tensor_parallel=layout.degree,
                        cpus=None,
                        memory_mib=None,
                    )
                ],
            )
        )
        assert layout.plan.usd_per_hour == again.usd_per_hour
        assert layout.plan.components[0].kv_cache_tokens == again.components[0].kv_cache_tokens
        assert layout.curve is not None
        said = forecast(again, again.components[0], offer.loads, duration_seconds=layout.curve.duration_seconds)
        points = layout.to_data(offer.loads, 0)["points"]
        assert [point["rate"] for point in points] == [point.requests_per_second for point in said.points]


def test_the_what_if_has_the_price_of_the_lasting_rate_and_what_is_refused() -> None:
    """TGI refuses requests above its limit of 128 at once on a copy; the page counts them, and prices the answers."""
    entry = replace(
        ARTICLE,
        components=[replace(ARTICLE.components[0], traffic=Traffic(users=1500, input_tokens=100, output_tokens=20))],
    )
    planned = plan(entry)
    offer = what_if(entry, planned, 0, curve(planned, planned.components[0], requests=2), replace(NARROW, requests=2))

    for layout in offer.layouts:
        data = layout.to_data(offer.loads, 0)
        assert layout.plan is not None
        price = layout.plan.instance.price_usd_per_hour("us-west-2")
        assert price is not None
        assert data["usd"] == pytest.approx(price * layout.instances)
        occupied = layout.copies * layout.degree / layout.plan.accelerators_used
        for point, load in zip(data["points"], offer.loads, strict=True):
            tokens = point["rate"] * load.output_tokens
            assert point["usd"] == pytest.approx(data["usd"] * occupied / 3600 / tokens * 1e6, rel=1e-6)
            if (load.users or 0) <= 128:
                assert point["refused"] == 0
    fewest = next(layout for layout in offer.layouts if (layout.instance_type, layout.copies) == ("ml.p4d.24xlarge", 4))
    assert fewest.to_data(offer.loads, 0)["points"][-1]["refused"] > 0


def test_a_layout_that_does_not_fit_is_offered_with_the_reason() -> None:
    """A Llama 2 70B of two bytes a parameter has no room on two cards of 40 GB."""
    large = find_deployment("llama-2-70b", ROOT / "deployments.py")
    planned = plan(large)
    own = curve(planned, planned.components[0], requests=2)
    offer = what_if(large, planned, 0, own, replace(NARROW, requests=2))
    (refused,) = [layout for layout in offer.layouts if (layout.instance_type, layout.degree) == ("ml.p4d.24xlarge", 2)]
    assert refused.plan is None
    assert "GiB" in str(refused.to_data(offer.loads, 0)["problem"])


def test_other_components_keep_their_copies() -> None:
    planned = plan(PRODUCTION)
    own = curve(planned, planned.components[0], requests=2)
    offer = what_if(PRODUCTION, planned, 0, own, replace(WIDE, requests=2))
    assert {layout.instance_type for layout in offer.layouts} == {"ml.g6e.12xlarge"}
    assert {layout.copies for layout in offer.layouts} == {1, 2}
    assert all(layout.plan and layout.plan.components[1].copies == 1 for layout in offer.layouts)


# ---- before and after


def test_the_difference_in_money_is_after_minus_before() -> None:
    review = examples.review()
    changes = changes_of(review)
    changed, new, refused = changes.changes
    start = changed.money[1]
    after = plan(replace(PRODUCTION, instance_type="ml.g6e.24xlarge", fallback_instance_types=())).usd_per_hour
    assert start.before == plan(PRODUCTION).usd_per_hour
    assert start.after == after
    assert start.difference == pytest.approx((after or 0) - (start.before or 0))
    assert new.money[1].before == 0, "nothing was paid for a deployment that is new"
    assert refused.money[1].difference is None
    assert changes.unpriced == ["refused"]
    assert changes.total.difference == pytest.approx((start.difference or 0) + (new.money[1].after or 0))
    assert [bool(drawn) for _, drawn, _ in changed.drawings] == [True, True]


def test_named_deployments_alone_are_compared() -> None:
    assert [change.name for change in changes_of(examples.review(), ["new"]).changes] == ["new"]


def test_an_update_that_was_not_compared_is_not_said_to_change_nothing() -> None:
    compared = replace(examples.review(), templates=None, failure="no cdk")
    assert isinstance(compared, Review)
    assert changes_of(compared).changes[0].update == ()
