"""The command `replicas cost`: its JSON, what it marks and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

DEPLOYMENTS = """
from replicas.sizing import Component, Deployment

MODEL = "NousResearch/Meta-Llama-3.1-8B-Instruct"
DEPLOYMENTS = [
    Deployment(name="known", instance_type="ml.g5.12xlarge", components=[Component(model=MODEL)]),
    Deployment(name="estimated", instance_type="ml.p4de.24xlarge", components=[Component(model=MODEL)]),
    Deployment(name="unknown", instance_type="ml.g6.16xlarge", components=[Component(model=MODEL)]),
    Deployment(
        name="two",
        instance_type="ml.g5.12xlarge",
        components=[Component(model=MODEL, name=name, copies=2) for name in ("a", "b")],
    ),
]
"""


@pytest.fixture
def folder(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "deployments.py").write_text(DEPLOYMENTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_estimate_has_a_tilde_and_an_unknown_price_a_word(run: Any, folder: Path) -> None:
    assert "~31.56" in run("cost", "estimated").out
    assert "price: ~31.56 USD an hour in us-west-2, estimate, of 2026-11-22\n" in run("cost", "estimated").out
    assert "price of ml.g6.16xlarge in us-west-2: unknown\n" in run("cost", "unknown").out
    assert "7.09 USD an hour in us-west-2, indicative" in run("cost", "known").out


def test_all_of_them_add_up_and_name_what_is_in_no_sum(run: Any, folder: Path) -> None:
    document = run("cost", "--all", "--json").json
    assert document["usd_per_hour"]["start"] == pytest.approx(7.09 + 31.56 + 7.09)
    assert document["unpriced"] == ["unknown"]
    shown = run("cost", "--all").out
    assert "all deployments with their initial copies: 45.74 USD an hour, 33,390.20 a month\n" in shown
    assert "price unknown and not in the sums: unknown\n" in shown


def test_another_region_has_its_own_prices_or_none(run: Any, folder: Path) -> None:
    document = run("cost", "known", "--region", "eu-west-1", "--json").json
    assert (document["region"], document["price"]) == ("eu-west-1", None)


def test_a_load_gives_tokens_a_price(run: Any, folder: Path) -> None:
    document = run("cost", "two", "--component", "b", "--rate", "1.5", "--json").json
    assert [part["load"] is not None for part in document["components"]] == [False, True]
    (point,) = {repr(point) for point in document["components"][1]["points"].values()}
    assert "'usd_per_million_tokens': None" not in point
    assert "USD for a million output tokens" in run("cost", "known", "--users", "8").out


def test_a_load_that_cannot_be_forecast_is_exit_code_1(run: Any, folder: Path) -> None:
    refused = run("cost", "known", "--users", "8", "--input-tokens", "100000")
    assert (refused.code, refused.out) == (1, "")
    assert "input_tokens=100,000" in refused.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give exactly one of NAME, --model, --config and --all"),
        (["known", "--all"], "give exactly one of NAME, --model, --config and --all"),
        (["known", "--region", "mars"], "region 'mars' is not known"),
        (["known", "--users", "1", "--rate", "1"], "give exactly one of users, requests_per_second, burst and trace"),
        (["two", "--users", "1"], "--component a or b"),
        (["two", "--component", "c"], "no component 'c'"),
        (["known", "--rate", "-1"], "requests_per_second=-1.0"),
    ],
)
def test_wrong_usage_is_exit_code_2(run: Any, folder: Path, arguments: list[str], message: str) -> None:
    refused = run("cost", *arguments)
    assert refused.code == 2
    assert message in " ".join(refused.err.replace("│", " ").split())


def test_a_deployment_that_does_not_fit_is_named_beside_the_others(run: Any, folder: Path) -> None:
    (folder / "deployments.py").write_text(
        DEPLOYMENTS.replace('name="two"', 'name="two", instances=1').replace("copies=2", "copies=9")
    )
    refused = run("cost", "--all", "--json")
    assert refused.code == 1
    assert len(refused.json["deployments"]) == 3
    (problem,) = refused.json["refused"][0]["problems"]
    assert "accelerators" in problem
