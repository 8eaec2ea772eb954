"""Facts, effects and the report of a review, whatever the revisions hold."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas import plan
from replicas.deployment.file import load_catalogue
from replicas.errors import ReviewError
from replicas.review.effects import changed_paths
from replicas.review.facts import Fact, facts
from replicas.review.markdown import review_markdown
from replicas.review.result import Comparison, Review, Verdict
from replicas.template.updates import same
from tests.conftest import ROOT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "Ref"]), inner, max_size=2),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    (production,) = load_catalogue(ROOT / "docs" / "examples" / "production.py")
    return plan(production).to_document()


def test_a_plan_has_the_three_values_of_what_scales(document: dict[str, Any]) -> None:
    shown = {fact.what: fact.after for fact in facts(None, document)}
    assert shown["chat: copies"] == "2 / 2 / 5"
    assert shown["code: copies"] == "0 / 1 / 2"
    assert shown["instances"] == "1 / 1 / 2 x ml.g6e.12xlarge"
    assert shown["USD an hour"] == "13.12 / 13.12 / 26.23"
    assert shown["options, USD a month"] == "5.00"


def test_what_older_code_did_not_print_is_no_change(document: dict[str, Any]) -> None:
    """Bounds, scaling, options and prices came later: a base without them differs in nothing that it knows."""
    fixed = plan(next(iter(load_catalogue(ROOT / "deployments.py")))).to_document()
    old = {key: value for key, value in fixed.items() if key not in ("schema", "bounds", "adds", "price")}
    old["components"] = [
        {key: value for key, value in part.items() if key not in ("scaling", "rollout", "traffic")}
        for part in fixed["components"]
    ]
    assert not [fact for fact in facts(old, fixed) if fact.differs]
    assert [fact.what for fact in facts(old, fixed) if fact.before is None] == []


def test_a_number_that_older_code_did_not_print_is_no_change_and_one_that_it_printed_is(
    document: dict[str, Any],
) -> None:
    fixed = plan(next(iter(load_catalogue(ROOT / "deployments.py")))).to_document()
    (part,) = fixed["components"]
    old = {key: value for key, value in fixed.items() if key not in ("schema", "bounds", "adds", "price")}
    old["components"] = [{"model": part["model"], "copies": part["copies"] - 1, "cpus": part["cpus"] + 1}]
    assert {fact.what for fact in facts(old, fixed) if fact.differs} == {"copies", "CPUs of a copy"}


@pytest.mark.parametrize("schema", ["replicas.plan/2", "replicas.plan/x", "replicas.check/1", 1])
def test_a_plan_of_a_version_that_this_code_cannot_read_is_refused(document: dict[str, Any], schema: object) -> None:
    with pytest.raises(ReviewError, match=r"this version reads replicas\.plan/0 to replicas\.plan/1"):
        facts(None, document | {"schema": schema})


@given(JSON, JSON)
def test_paths_are_named_where_and_only_where_two_pieces_of_json_differ(old: Any, new: Any) -> None:
    assert bool(changed_paths(old, new)) == (not same(old, new))
    assert len(changed_paths(old, new)) == len(changed_paths(new, old))


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_nothing_that_a_revision_holds_leaves_its_cell_or_its_code_span(name: str, value: str, problem: str) -> None:
    fact = Fact("model", value, value + "x", always=True)
    compared = Comparison(name, Verdict.CHANGED, None, None, (fact,), problems_before=(problem,))
    text = review_markdown(Review("main", "head", 1, (compared,), None, None, head_deploys=True))
    lines = text.splitlines()

    (heading,) = [line for line in lines if line.startswith("### ")]
    assert re.fullmatch(r"### `[^`]*`: changed", heading)
    (row,) = [line for line in lines if line.startswith("| model |")]
    assert row.count("|") == 4
    assert re.fullmatch(r"- `[^`]*`", lines[lines.index("It could not be planned before:") + 1])


def test_a_review_that_is_too_long_for_a_comment_is_cut_and_says_so() -> None:
    many = tuple(
        Comparison(f"deployment-{number}", Verdict.CHANGED, None, None, (Fact("copies", "1", "2", always=True),))
        for number in range(500)
    )
    text = review_markdown(Review("main", "head", 500, many, None, None, head_deploys=True), limit=5000)
    assert len(text) <= 5000
    assert text.endswith("_Cut at 5,000 characters: `replicas review --base main` prints the full text._\n")


def test_warnings_that_a_change_brings_or_ends_are_shown_and_those_that_stay_are_not() -> None:
    compared = Comparison(
        "chat",
        Verdict.CHANGED,
        {},
        {},
        (),
        warnings=("3 of 4 accelerators run no copy", "no alarm calls anybody"),
        warnings_before=("no alarm calls anybody", "one request at a time"),
    )
    text = review_markdown(Review("a", "b", 1, (compared,), None, None, True))
    assert "> [!WARNING]\n> - `3 of 4 accelerators run no copy`\n" in text
    assert "Its plan no longer warns:\n- `one request at a time`\n" in text
    assert "no alarm calls anybody" not in text
    document = compared.to_document()
    assert document["warnings"] == ["3 of 4 accelerators run no copy", "no alarm calls anybody"]
    assert document["warnings_before"] == ["no alarm calls anybody", "one request at a time"]
