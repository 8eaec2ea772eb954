"""A cost statement is one call from Python, of one deployment or of all."""

from __future__ import annotations

import pytest

from replicas import Component, Deployment
from replicas.cost import cost_of, cost_of_all
from replicas.errors import UsageError
from replicas.forecast import Load
from replicas.planning.sizing_options import SizingOptions, describe

MODEL = "mistralai/Mistral-7B-Instruct-v0.3"
LOAD = Load(users=8, input_tokens=1000, output_tokens=50)


def deployment(name: str, **options: object) -> Deployment:
    component = Component(model=MODEL, token_secret="hub-token", **options)  # type: ignore[arg-type]  # noqa: S106
    return Deployment(name=name, instance_type="ml.g5.12xlarge", components=[component])


def test_a_model_on_an_instance_type_has_a_statement() -> None:
    described = describe(None, SizingOptions(model=MODEL, instance=("ml.g5.12xlarge",)))

    without = cost_of(described)
    loaded = cost_of(described, load=LOAD)

    assert without.bounds["start"].usd_per_hour == pytest.approx(7.09)
    assert without.components[0].points["start"].usd_per_million_output_tokens is None
    price = loaded.components[0].points["start"].usd_per_million_output_tokens
    assert price is not None
    assert price > 0


def test_all_deployments_add_up_and_one_that_does_not_fit_hides_no_other() -> None:
    costs = cost_of_all([deployment("one"), deployment("too-many", copies=1000), deployment("two")])

    assert [statement.deployment for statement in costs.statements] == ["one", "two"]
    assert costs.usd_per_hour("start") == pytest.approx(2 * 7.09)
    (refusal,) = costs.refusals
    assert "too-many" in refusal.subject


def test_an_unknown_region_and_a_faulty_load_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="region 'mars' is not known"):
        cost_of_all([deployment("one")], region="mars")
    with pytest.raises(UsageError, match="give exactly one of users, requests_per_second, burst and trace"):
        cost_of_all([deployment("one")], load=Load(input_tokens=1, output_tokens=1))
