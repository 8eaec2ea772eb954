"""The pages of docs/ as a site: navigation, notes, links. `make docs-site` builds it, and fails on a broken link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.site import pages
from tests.conftest import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md"))


def test_the_navigation_lists_every_page_once() -> None:
    decisions = (DOCS / "decisions" / "index.md").read_text()
    listed = [
        *pages.entries((DOCS / "index.md").read_text()),
        *(f"decisions/{name}" for name in pages.entries(decisions)),
    ]

    assert sorted([*listed, "index"]) == PAGES


def test_the_start_page_has_the_four_kinds_of_documentation() -> None:
    """Tutorials, how-to guides, reference and explanation: the kinds of diataxis.fr."""
    headings = re.findall(r"^## (.+)$", (DOCS / "index.md").read_text(), re.MULTILINE)

    assert headings == ["Tutorials", "How-to guides", "Reference", "Explanation"]


@pytest.mark.parametrize("name", ["cli", "models", "decisions/index", "api/replicas", "api/replicas_cdk"])
def test_a_page_that_is_generated_as_a_whole_says_so_below_its_title(name: str) -> None:
    title, empty, first = (DOCS / f"{name}.md").read_text().split("\n")[:3]

    assert title.startswith("# ")
    assert empty == ""
    assert first.startswith("This page is generated ")


def test_a_page_with_a_generated_part_says_so_below_its_title_on_the_site() -> None:
    text = pages.page("rules", DOCS / "rules.md", "# Rules\n\nText.\n\n<!-- table: rules -->\n<!-- end -->\n")

    assert text.startswith(f"# Rules\n\n{pages.NOTE}\n\nText.")
    assert pages.page("a", DOCS / "a.md", "# A\n\nText.\n") == "# A\n\nText.\n"


def test_the_links_below_a_heading_become_its_table_of_contents() -> None:
    text = pages.page(
        "index", DOCS / "index.md", "# Start\n\n## Guides\n\n- [Own `model`](guides/own.md): how.\n\n## Next\n"
    )

    assert "```{toctree}\n:hidden:\n:caption: Guides\n\nOwn model <guides/own>\n```" in text
    assert text.count("toctree") == 1


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("[claims.json](../replicas/catalogue/data/claims.json)", "`replicas/catalogue/data/claims.json`"),
        ("[the file](../Makefile#docs)", "the file (`Makefile`)"),
        ("[sizing](sizing.md#weights)", "[sizing](sizing.md#weights)"),
        ("[gone](../missing.md)", "[gone](../missing.md)"),
        ("![picture](../README.md)", "![picture](../README.md)"),
    ],
)
def test_a_link_to_a_file_outside_the_docs_becomes_its_path(link: str, shown: str) -> None:
    assert pages.without_links_out(link, DOCS / "sizing.md") == shown


def test_a_link_within_the_docs_stays_a_link_from_a_folder() -> None:
    page = DOCS / "guides" / "lora.md"

    assert pages.without_links_out("[rules](../rules.md)", page) == "[rules](../rules.md)"
    assert pages.without_links_out("[the app](../../app.py)", page) == "the app (`app.py`)"


def test_code_in_a_docstring_is_code_even_before_a_letter() -> None:
    assert pages.docstring("Two `Model`s of ``x``.") == "Two ``Model``\\ s of ``x``."


def test_the_requirements_of_the_site_agree_with_those_of_the_tests() -> None:
    """Its requirements come on top of the others, in the same versions (`make lock`)."""

    def pins(path: Path) -> dict[str, str]:
        lines = [line.split(" ;")[0] for line in path.read_text().splitlines() if "==" in line]
        return dict(line.split("==") for line in lines)

    site, dev = pins(ROOT / "scripts" / "site" / "requirements.txt"), pins(ROOT / "requirements-dev.txt")

    assert {name: version for name, version in site.items() if dev.get(name, version) != version} == {}
    assert "sphinx" not in dev
    assert "sphinx" in site


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize(
    "message",
    [
        "There is not enough hardware resources on the instances for this endpoint to create a copy of the inference",
        "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error",
        "The container for the inference component did not pass the ping health check",
        "Inference Component has no capacity to process this request",
        "Inference Component Name header is required",
        "No updates are to be performed.",
    ],
)
def test_troubleshooting_has_the_messages_of_a_failing_endpoint_in_awss_words(message: str) -> None:
    """The embedded AWS answers with the same words, each with the place that quotes it."""
    source = "".join(path.read_text() for path in (ROOT / "packages" / "embedded-aws" / "embedded_aws").rglob("*.py"))

    assert message in re.sub(r'"\s*"', "", source)
    assert message in (DOCS / "troubleshooting.md").read_text()
