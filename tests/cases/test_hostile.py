"""Templates that are made to mislead: what is printed forges nothing, and what explodes is refused, or read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import Run

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["esc.json", "nl.json"])
@pytest.mark.parametrize("form", ["text", "github"])
def test_names_of_resources_print_no_control_character_and_no_line_of_their_own(run: Run, name: str, form: str) -> None:
    """A terminal obeys ESC [, and a log of GitHub Actions each line that begins with `::`."""
    outcome = run("check", str(HERE / "hostile" / name), "--region", "us-west-2", "--format", form)

    assert outcome.code == 1
    assert not set(outcome.out) & {"\x1b", "\r"}
    begins = {line.split()[0] for line in outcome.out.splitlines() if line.startswith("::")}
    assert begins <= ({"::error", "::warning", "::notice"} if form == "github" else set())
    assert "0 problems, 0 warnings" not in outcome.out.splitlines()


def test_claims_on_a_type_that_no_table_has_are_not_called_fine(run: Run) -> None:
    """500 copies of 98 GiB on one ml.m5.xlarge, which has 16: no fact of this project says so."""
    outcome = run("check", str(HERE / "hostile" / "cpu_over.json"), "--region", "us-west-2")

    assert outcome.code != 0
    assert "not judged: C: anything about it: instance type ml.m5.xlarge is not in the table" in outcome.said


def test_aliases_that_double_again_and_again_are_refused_in_one_line(run: Run) -> None:
    outcome = run("check", str(HERE / "hostile" / "bomb.yaml"))

    assert outcome.code == 1
    assert outcome.out == ""
    assert outcome.err.splitlines() == [f"{HERE}/hostile/bomb.yaml: expands to more than 250000 values"]


def test_conditions_that_double_again_and_again_are_read_once_each(run: Run) -> None:
    outcome = run("check", str(HERE / "hostile" / "cond.json"))

    assert (outcome.code, outcome.out) == (0, "0 problems, 0 warnings: the template has no endpoint\n")


def test_a_fixed_name_that_an_update_would_take_twice_is_found_where_the_copies_fit(run: Run) -> None:
    outcome = run("check", str(HERE / "templates" / "t2.json"), "--region", "us-west-2", "--json")

    rules = {(finding["logical_id"], finding["rule"]) for finding in outcome.json["problems"]}
    assert outcome.code == 1
    assert {("Model", "fixed-name"), ("Role", "role-cannot-pull")} <= rules
    assert "over-committed" not in {rule for _, rule in rules}
