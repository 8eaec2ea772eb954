"""Commands in a terminal of 40, 80 and 200 columns, read from the screen that an emulator draws."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replicas.cli.commands import COMMANDS, GROUPS
from tests.commands import Run
from tests.terminal import on_screen

pytestmark = pytest.mark.slow

OVER_COMMITTED = "docs/examples/over-committed.yaml"


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_every_name_and_every_cache_of_the_plans_stands_whole_on_the_screen(run: Run, columns: int) -> None:
    deployments = json.loads(run("plan", "--json").out)["deployments"]
    screen = on_screen("plan", columns=columns)
    assert screen.code == 0
    assert max(map(len, screen.rows)) <= columns
    for plan in deployments:
        assert plan["name"] in screen.words
        assert {f"{component['kv_cache_tokens']:,}" for component in plan["components"]} <= screen.words


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_word_of_a_finding_breaks_at_the_edge_of_the_screen(run: Run, columns: int) -> None:
    whole = set(run("check", OVER_COMMITTED).out.split())
    screen = on_screen("check", OVER_COMMITTED, columns=columns)
    assert screen.code == 1
    role = {"arn:aws:iam::123456789012:role/sagemaker"}  # with its indent it is wider than 40 columns
    assert whole - role <= screen.words


@pytest.mark.parametrize("columns", [40, 80])
def test_the_help_fits_the_screen_and_groups_the_commands(columns: int) -> None:
    screen = on_screen("-h", columns=columns)
    assert screen.code == 0
    titles = [row.removesuffix(":") for row in screen.rows if row.endswith(":") and not row.startswith(" ")]
    assert titles == ["Options", *GROUPS]
    assert all(entry.summary in screen.text for entry in COMMANDS.values())


def test_red_is_a_problem_and_cyan_its_fix() -> None:
    screen = on_screen("check", OVER_COMMITTED)
    assert screen.colours["problem:"] == {"red"}
    assert screen.colours["fix:"] == {"cyan"}
    assert screen.colours["Llama:"] == {"default"}


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_no_colour_where_none_is_wanted(variable: dict[str, str]) -> None:
    """https://no-color.org: NO_COLOR that is not empty, whatever its value."""
    screen = on_screen("check", OVER_COMMITTED, **variable)
    assert "problem:" in screen.words
    assert set().union(*screen.colours.values()) == {"default"}


def test_foreign_text_moves_no_cursor_and_wipes_no_finding(tmp_path: Path) -> None:
    """A logical id that would clear the screen, forge the last line and hide what follows."""
    name = "zz\x1b[2J\x1b[H0 problems, 0 warnings\x1b[8m"
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"Resources": {name: "x", "Bad": {"Type": "AWS::SageMaker::Model"}}}))
    screen = on_screen("check", str(template), columns=200)
    assert r"zz\x1b[2J\x1b[H0" in screen.words
    assert screen.rows[-1] != "0 problems, 0 warnings"
    assert screen.rows[0].startswith("problem:")


def test_a_command_that_is_misspelt_gets_the_near_one() -> None:
    screen = on_screen("plna", columns=40)
    assert screen.code == 2
    assert "no command 'plna'; try plan" in screen.text


def test_an_empty_list_says_so(tmp_path: Path) -> None:
    (tmp_path / "deployments.py").write_text("DEPLOYMENTS = []\n")
    screen = on_screen("plan", folder=tmp_path)
    assert screen.code == 0
    assert "DEPLOYMENTS is empty: nothing is deployed; add a Deployment(...)" in screen.text
