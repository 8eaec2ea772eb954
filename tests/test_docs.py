"""The docs say what is true now: generated parts are current, and every command they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from replicas import Component, Deployment
from replicas.deployment.file import load_catalogue
from scripts import draw_report, recommend_docs, write_docs
from scripts.forecast_docs import PLOT, draw
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", write_docs.PAGES, ids=name_of)
def test_generated_parts_are_what_the_commands_print_today(page: Path) -> None:
    """Every console block of the page is run here, and its output compared."""
    assert page.read_text() == write_docs.current(page), "`make docs` rebuilds it"


def test_the_picture_of_the_recommendation_is_one_of_todays_forecasts() -> None:
    assert recommend_docs.stale_pictures(redraw=False) == []


def test_the_plot_of_the_forecast_is_what_its_script_draws_today(tmp_path: Path) -> None:
    draw(tmp_path / "plot.svg")

    assert (tmp_path / "plot.svg").read_text() == PLOT.read_text()


def test_the_pictures_of_the_page_show_its_look_and_plans_of_today() -> None:
    assert draw_report.stale_pictures() == []


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))], ids=name_of)
def test_every_console_block_of_the_readme_and_the_guides_is_generated(page: Path) -> None:
    text = page.read_text()
    assert text.count("```console") == text.count("<!-- output: ")


def test_every_make_target_that_the_docs_name_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {
        target for page in PAGES for target in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }

    assert {"synth", "test", "diff"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_stack_that_the_readme_deploys_exists() -> None:
    stacks = {deployment.name for deployment in load_catalogue(ROOT / "deployments.py")}
    deployed = set(re.findall(r"npx cdk (?:deploy|diff|destroy) ([\w-]+)", README))

    assert deployed
    assert deployed <= stacks


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_between_files_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_readmes_example_of_an_endpoint_is_one_that_deploys() -> None:
    (example,) = re.findall(r"```python\n(Deployment\(.*?\n\))\n```", README, re.DOTALL)
    written = eval(example, {"Deployment": Deployment, "Component": Component})  # noqa: S307 (our own README)

    assert written in load_catalogue(ROOT / "deployments.py")
