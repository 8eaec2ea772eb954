"""Recommendations: against the article, against trying everything, and against what `plan` and `forecast` say."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from replicas import Component, Deployment, EndpointPlan, Traffic, plan
from replicas.catalogue.instances import Instance
from replicas.catalogue.models import find_model
from replicas.cli.tables.recommend import recommendation_lines
from replicas.errors import RecommendError, SizingError
from replicas.forecast import Load, forecast
from replicas.load import Trace, TracedRequest
from replicas.recommend import Objective, Recommendation, Requirements, recommend
from replicas.recommend.candidates import weights_on_offer

ARTICLE = Requirements(
    model="llama-2-13b",
    load=Load(users=300, input_tokens=1000, output_tokens=50),
    engines=("tgi-1.1.0",),
)
BRIEFLY = replace(ARTICLE, duration_seconds=20)
NAMES = {"Component": Component, "Deployment": Deployment, "Traffic": Traffic}


@pytest.fixture(scope="module")
def article() -> Recommendation:
    return recommend(ARTICLE)


@pytest.mark.slow
def test_the_articles_layout_is_found_and_nothing_is_cheaper_per_token(article: Recommendation) -> None:
    """8 copies of Llama 2 13B on the 8 cards of a p4d, as the article chose them: no other layout beats it."""
    best = article.best

    assert best is not None
    assert (best.candidate.instance.name, best.instances, best.copies) == ("ml.p4d.24xlarge", 1, 8)
    assert (best.candidate.component.accelerators, best.candidate.weights.label) == (1, "none")
    assert best.forecast is not None
    assert best.forecast.confidence == "calibrated"
    # The article measured 25.66 requests a second and a median of 9.78 s.
    assert best.forecast.points[0].requests_per_second_elapsed == pytest.approx(25.66, rel=0.15)
    assert best.forecast.points[0].latency_p50_seconds == pytest.approx(9.78, rel=0.15)
    assert any("8 copies unquantized" in sentence for sentence in article.why())


@pytest.mark.slow
def test_the_lines_are_a_deployment_with_the_same_numbers(article: Recommendation) -> None:
    best, lines = article.best, article.lines()
    assert best is not None
    assert lines is not None

    planned, pasted = best.plan, plan(deployments_of(lines)[0])

    assert without_reasons(pasted) == without_reasons(planned)
    assert pasted.components[0].traffic == Traffic(users=300, input_tokens=1000, output_tokens=50)
    again = forecast(pasted, pasted.components[0], [ARTICLE.load])
    assert best.forecast is not None
    assert again == replace(best.forecast, component=again.component)


@pytest.mark.slow
def test_the_ranking_is_by_cost(article: Recommendation) -> None:
    costs = [each.option.usd_per_million_output_tokens for each in article.ranked[:10]]

    cents = [round(cost, 2) for cost in costs if cost is not None]
    assert len(cents) == len(costs)
    assert cents == sorted(cents)
    for each in article.ranked:
        assert not each.option.shortfalls
        if each.option.usd_per_hour is not None:
            assert all((twin.usd_per_hour or 0) >= each.option.usd_per_hour for twin in each.dearer)


@pytest.mark.slow
@pytest.mark.parametrize(
    "load",
    [
        Load(users=40, input_tokens=500, output_tokens=100),
        Load(requests_per_second=4, input_tokens=500, output_tokens=100),
    ],
    ids=["users", "arrivals"],
)
def test_the_best_is_the_cheapest_of_everything_that_can_be_tried(load: Load) -> None:
    """Each degree, quantization and number of instances, planned and forecast in full without any of the pruning."""
    objective = Objective(latency_p90_seconds=6.5, ttft_p90_seconds=2.0)
    types, most = ("ml.g5.xlarge", "ml.g6.12xlarge", "ml.g6e.xlarge"), 4
    seconds = 30.0
    tried: list[tuple[float, float]] = []
    weights = [("Qwen/Qwen3-8B", None), ("Qwen/Qwen3-8B-AWQ", None), ("Qwen/Qwen3-8B-FP8", None)]
    for name, (model, quantization), degree, count in product(types, weights, (1, 2, 4), range(1, most + 1)):
        component = Component(model=model, quantization=quantization, tensor_parallel=degree)
        try:
            planned = plan(Deployment(name="x", instance_type=name, instances=count, components=[component]))
        except SizingError:
            continue
        point = forecast(planned, planned.components[0], [load], duration_seconds=seconds).points[0]
        holds = (point.latency_p90_seconds or 99) <= 6.5 and (point.ttft_p90_seconds or 99) <= 2.0
        if holds and not point.refused:
            tokens = (load.requests_per_second or 0.0) * load.output_tokens or point.output_tokens_per_second
            hourly = planned.usd_per_hour or 0.0
            tried.append((hourly / 3600 / tokens * 1e6, hourly))

    requirements = Requirements(
        model="Qwen/Qwen3-8B",
        load=load,
        objective=objective,
        instance_types=types,
        max_instances=most,
        duration_seconds=seconds,
    )
    best = recommend(requirements).best

    assert best is not None
    assert best.usd_per_million_output_tokens == pytest.approx(min(tried)[0])


def test_what_cannot_be_held_is_listed_with_how_far_it_is() -> None:
    requirements = replace(ARTICLE, objective=Objective(latency_p90_seconds=0.5), instance_types=("ml.p4d.24xlarge",))

    found = recommend(requirements)

    assert found.best is None
    assert found.lines() is None
    nearest = found.missed[0].option
    assert nearest.measured is None, "a request alone takes longer: nothing to simulate"
    assert nearest.shortfalls[0].sentence.endswith("s, wanted 0.5 s")
    assert [each.option.missed_by for each in found.missed] == sorted(each.option.missed_by for each in found.missed)


def test_more_instances_are_taken_only_where_fewer_miss() -> None:
    requirements = replace(
        BRIEFLY,
        objective=Objective(latency_p90_seconds=9.0),
        instance_types=("ml.p4d.24xlarge",),
        quantizations=("none",),
    )

    best = recommend(requirements).best

    assert best is not None
    assert best.instances > 1
    part = best.candidate.component
    fewer = plan(replace(best.deployment, instances=best.instances - 1, components=[unpinned(best.deployment)]))
    (point,) = forecast(fewer, fewer.components[0], [requirements.load], duration_seconds=20).points
    assert point.latency_p90_seconds is not None
    assert point.latency_p90_seconds > 9.0
    assert fewer.components[0].copies == part.copies * (best.instances - 1)


def test_a_budget_bounds_the_instances() -> None:
    requirements = replace(ARTICLE, objective=Objective(max_usd_per_hour=10.0), instance_types=("ml.p4d.24xlarge",))

    found = recommend(requirements)

    assert found.best is None
    assert "25.25 USD an hour, wanted 10" in found.missed[0].option.shortfalls[0].sentence


def test_arrivals_above_what_the_copies_answer_are_not_carried() -> None:
    """They answer 27.5 a second at most: 60 s of a growing queue would look as if they held the latency."""
    requirements = replace(
        ARTICLE,
        load=Load(requests_per_second=29, input_tokens=1000, output_tokens=50),
        instance_types=("ml.p4d.24xlarge",),
        quantizations=("none",),
        max_instances=1,
    )

    found = recommend(requirements)

    assert found.best is None
    assert {short.what for short in found.missed[0].option.shortfalls} >= {"rate"}


def test_what_has_no_price_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """p4d is the best where its price is known."""
    known = Instance.price
    monkeypatch.setattr(
        Instance, "price", lambda self, region=None: None if self.family == "p4d" else known(self, region)
    )

    found = recommend(replace(BRIEFLY, instance_types=("ml.p4d.24xlarge", "ml.p5.48xlarge")))

    families = [each.option.candidate.instance.family for each in found.ranked]
    assert families == sorted(families, reverse=True)
    assert set(families) == {"p4d", "p5"}


def test_a_region_without_prices_is_said_to_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Instance, "price", lambda self, region=None: None)

    found = recommend(replace(BRIEFLY, region="eu-west-1", instance_types=("ml.p4d.24xlarge", "ml.p5.48xlarge")))

    assert {each.option.usd_per_hour for each in found.ranked} == {None}
    assert found.best is not None
    assert "No layout that meets the objective has a known price" in found.why()[0]
    assert deployments_of(found.lines() or "")[0].region == "eu-west-1"


def test_a_region_without_the_instance_type_is_the_reason() -> None:
    found = recommend(replace(ARTICLE, region="eu-north-1", instance_types=("ml.p4d.24xlarge",)))

    assert found.best is None
    assert found.reasons == {"no hosting price in the region": 4}


def test_quantized_weights_of_another_model_of_the_same_shape_are_not_on_offer() -> None:
    """The table has AWQ weights of Llama 3.1 8B Instruct only: they are not the base model's."""
    instruct = weights_on_offer(find_model("NousResearch/Meta-Llama-3.1-8B-Instruct"), table=True)
    base = weights_on_offer(find_model("NousResearch/Meta-Llama-3.1-8B"), table=True)

    assert {"none", "awq", "gptq", "fp8"} <= {offer.label for offer in instruct}
    assert [(offer.label, offer.quantization) for offer in base] == [("none", None), ("fp8", "fp8")]


def test_fp8_is_offered_on_every_card_as_in_a_plan_and_weight_only_is_said_aloud() -> None:
    """Ampere has no fp8 arithmetic; vLLM runs the weights by Marlin there (layers/quantization/fp8.py, use_marlin)."""
    requirements = Requirements(
        model="mistralai/Mistral-7B-Instruct-v0.3",
        load=Load(users=4, input_tokens=100, output_tokens=20),
        instance_types=("ml.g5.xlarge", "ml.g6e.xlarge"),
        quantizations=("fp8",),
    )

    found = recommend(requirements)

    assert {each.option.candidate.instance.name for each in found.ranked} == {"ml.g5.xlarge", "ml.g6e.xlarge"}
    assert 'quantization="fp8"' in (found.lines() or "")
    for name, said in (("ml.g5.xlarge", True), ("ml.g6e.xlarge", False)):
        why = recommend(replace(requirements, instance_types=(name,))).why()
        assert any("no fp8 arithmetic" in sentence for sentence in why) is said


def test_gated_weights_name_the_secret_to_fill_in() -> None:
    requirements = Requirements(
        model="meta-llama/Llama-3.1-8B-Instruct",
        load=Load(users=4, input_tokens=100, output_tokens=20),
        instance_types=("ml.g6e.xlarge",),
        quantizations=("none",),
    )

    assert any("--token-secret" in sentence for sentence in recommend(requirements).why())
    named = recommend(replace(requirements, token_secret="hub"))  # noqa: S106 (a name)
    assert deployments_of(named.lines() or "")[0].components[0].token_secret == "hub"  # noqa: S105
    assert not any("--token-secret" in sentence for sentence in named.why())


def test_every_fault_of_a_wish_is_told_at_once() -> None:
    requirements = Requirements(
        model="lama-2-13b",
        load=Load(users=0, input_tokens=0, output_tokens=10),
        objective=Objective(latency_p90_seconds=-1),
        engines=("triton",),
        instance_types=("ml.p4d.24xlarg",),
        region="mars-north-1",
        max_instances=0,
    )

    with pytest.raises(RecommendError) as refused:
        recommend(requirements)

    told = "\n".join(refused.value.problems)
    assert len(refused.value.problems) == 8
    for fault in (
        "lama-2-13b",
        "users=0",
        "input_tokens=0",
        "latency_p90",
        "triton",
        "p4d.24xlarg",
        "mars",
        "max_inst",
    ):
        assert fault in told


def test_a_quantization_that_is_not_on_offer_is_refused_with_those_that_are() -> None:
    with pytest.raises(RecommendError, match=r"quantization 'mxfp4': on offer .*: none, gptq, awq, fp8"):
        recommend(replace(ARTICLE, quantizations=("mxfp4",)))


def test_the_same_wish_gives_the_same_document() -> None:
    requirements = replace(BRIEFLY, instance_types=("ml.g6e.12xlarge",))

    assert recommend(requirements).to_document() == recommend(requirements).to_document()


def deployments_of(lines: str) -> list[Deployment]:
    """What a user gets who pastes the lines."""
    _, _, entries = lines.partition("\n\n")
    found: list[Deployment] = eval(f"[{entries}]", dict(NAMES))  # noqa: S307 (our own lines)
    return found


def unpinned(deployment: Deployment) -> Component:
    return replace(deployment.components[0], copies=None)


def without_reasons(planned: EndpointPlan) -> dict[str, Any]:
    parts = [vars(replace(part, reasons={})) | {"engine": str(part.engine)} for part in planned.components]
    return vars(planned) | {"components": parts}


@pytest.mark.parametrize(
    "load",
    [
        Load(burst=60, input_tokens=500, output_tokens=60),
        Load(users=20, input_tokens=500, input_stddev=400, output_tokens=60, output_stddev=60, distinct_prompts=9),
        Load.of_trace(Trace(tuple(TracedRequest(number / 4, 400 + number, 40, (1,)) for number in range(80)))),
    ],
    ids=lambda load: load.description,
)
def test_a_recommendation_takes_every_kind_of_load(load: Load) -> None:
    wanted = Requirements(model="llama-3.1-8b", load=load, instance_types=("ml.g6e.xlarge",), quantizations=("none",))
    document = recommend(wanted, top=1).to_document()
    assert document["load"] == load.to_document()
    (ranked,) = document["ranked"]
    assert ranked["forecast"]["points"][0]["latency_p90_seconds"] < 60


def test_a_trace_with_a_request_beyond_the_context_is_refused_with_all_other_faults() -> None:
    trace = Trace((TracedRequest(0.0, 9, 5), TracedRequest(1.0, 200_000, 5)))
    with pytest.raises(RecommendError) as refused:
        recommend(Requirements(model="llama-3.1-8b", load=Load.of_trace(trace), max_instances=0))
    assert "max_instances=0: 1 to" in str(refused.value)
    assert "the longest request of the trace has 200,005 tokens: NousResearch" in str(refused.value)


@pytest.mark.slow
def test_layouts_whose_error_bands_overlap_are_counted(article: Recommendation) -> None:
    """The price of a token lies within the median error of the rate, which each forecast states."""
    bands, unmeasured = [], 0
    for ranked in article.ranked:
        result = ranked.option.forecast
        figure = result.measured_error.figures.get("requests_per_second") if result and result.measured_error else None
        usd = result.points[-1].usd_per_million_output_tokens if result else None
        if usd is None or figure is None or figure.confidence == "unmeasured":
            unmeasured += 1
        else:
            bands.append((usd * (1 - figure.median), usd * (1 + figure.median)))
    overlapping = sum(low <= min(high for _, high in bands) for low, _ in bands)

    (line,) = [line for line in recommendation_lines(article, 5) if "error bands" in line] or [""]

    assert overlapping > 1 or not line
    assert overlapping < 2 or line.startswith(f"{overlapping} of {len(bands) + unmeasured} layouts have error bands")
