"""The line that a synth prints for each stack."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from replicas import Component, Deployment, plan
from stacks.summary import summary_line

ARTICLE = Component(model="NousResearch/Llama-2-13b-chat-hf", name="llama", engine="tgi-1.1.0", copies=4)
DECLARED = Component(model="x/y", name="other", copies=1, weights_gib=10, kv_bytes_per_token=100_000)


def deployment(*components: Component) -> Deployment:
    return Deployment(name="article", instance_type="ml.p4d.24xlarge", components=components)


def test_the_line_says_copies_price_and_class_of_forecast() -> None:
    """Price: replicas/catalogue/data; class: docs/forecast.md, tgi-1.1.0 was fitted to eight copies of this model."""
    eight = replace(ARTICLE, copies=8)
    assert summary_line(plan(deployment(eight))) == (
        "article: 8 x NousResearch/Llama-2-13b-chat-hf on 1 x ml.p4d.24xlarge; "
        "25.25 USD an hour (us-west-2, indicative); forecast: "
        "calibrated: requests a second with a median error of 2%, at worst 8%"
    )


def test_several_components_have_a_class_each_and_none_where_no_forecast_is_possible() -> None:
    line = summary_line(plan(deployment(ARTICLE, DECLARED), to_deploy=False))
    assert "; forecast: unmeasured: requests a second with a median error of " in line
    assert line.endswith(" (llama), none (other)")


def test_a_synth_prints_a_line_for_each_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], context: dict[str, Any]
) -> None:
    (tmp_path / "deployments.py").write_text(
        "from replicas import Component, Deployment\n\n"
        "def entry(name, copies):\n"
        "    return Deployment(name=name, instance_type='ml.p4d.24xlarge', components=[Component("
        "model='NousResearch/Llama-2-13b-chat-hf', copies=copies)])\n\n"
        "DEPLOYMENTS = [entry('one', 8), entry('two', 4)]\n"
    )
    monkeypatch.chdir(tmp_path)
    app.main(context=context, outdir=str(tmp_path / "cdk.out"))
    lines = [line for line in capsys.readouterr().err.splitlines() if " on 1 x ml.p4d.24xlarge; " in line]
    assert [line.partition(":")[0] for line in lines] == ["one", "two"]


def test_an_app_without_a_deployment_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], context: dict[str, Any]
) -> None:
    (tmp_path / "deployments.py").write_text("DEPLOYMENTS = []\n")
    monkeypatch.chdir(tmp_path)
    app.main(context=context, outdir=str(tmp_path / "cdk.out"))
    assert "DEPLOYMENTS is empty: nothing is deployed" in capsys.readouterr().err


def test_a_synth_collects_garbage_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: dict[str, Any]
) -> None:
    """Python's default of 700 objects runs the collector ninety times in a synth of 30 stacks."""
    (tmp_path / "deployments.py").write_text("DEPLOYMENTS = []\n")
    monkeypatch.chdir(tmp_path)
    of_the_tests = gc.get_threshold()
    gc.set_threshold(700)
    try:
        app.main(context=context, outdir=str(tmp_path / "cdk.out"))
        assert gc.get_threshold()[0] == 100_000
    finally:
        gc.set_threshold(*of_the_tests)
