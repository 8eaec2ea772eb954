"""Every page in a real Chromium: nothing overflows, nothing is loaded, figures have a text, and axe finds nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scripts import chromium
from tests.pages import examples

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
WIDTHS = (400, 800, 1280)
KINDS = tuple(examples._WRITERS)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return examples.write_pages(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    missing = chromium.missing()
    if missing and "CI" in os.environ:
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    with chromium.chromium() as started:
        yield started


@dataclass
class Opened:
    """An open page, what its console said, and what it asked for."""

    page: Page
    said: list[str]
    requests: list[str]

    def ask(self, script: str) -> Any:
        """Return the value of an expression on the page."""
        return self.page.evaluate(script)


@pytest.fixture
def opened(browser: Browser, pages: Mapping[str, Path]) -> Iterator[Any]:
    contexts = []

    def open_page(kind: str, width: int = 1280, **options: Any) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page, said, requests = context.new_page(), [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(pages[kind].as_uri())
        page.evaluate("dispatchEvent(new Event('beforeprint'))")  # draws what is not near the part that is shown
        return Opened(page, said, requests)

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_overflows_and_the_console_is_silent(opened: Any, kind: str, width: int) -> None:
    shown = opened(kind, width)
    assert shown.ask("document.documentElement.scrollWidth") <= width
    outside = shown.ask(
        """[...document.querySelectorAll('body *')].filter((element) => {
          const box = element.getBoundingClientRect();
          return box.right > innerWidth + 1 && box.width && !element.closest('.wide, .code, .skip, .hidden, #tip');
        }).map((element) => element.outerHTML.slice(0, 100))"""
    )
    assert outside == []
    assert shown.said == []
    assert [url for url in shown.requests if not url.startswith("file:")] == []
    assert len(shown.requests) == 1, "the page is one file"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(opened: Any, kind: str, scheme: str) -> None:
    """All rules of axe-core that apply, with those about colour contrast (WCAG 2 AA) and text alternatives."""
    shown = opened(kind, color_scheme=scheme)
    shown.ask("document.querySelectorAll('details').forEach((element) => { element.open = true; })")
    shown.ask("document.querySelectorAll('.panel').forEach((part) => { part.style.contentVisibility = 'visible'; })")
    shown.ask(chromium.AXE.read_text())
    found = shown.ask("axe.run({resultTypes: ['violations', 'passes']})")
    assert [(rule["id"], rule["nodes"][0]["html"], rule["nodes"][0]["any"]) for rule in found["violations"]] == []
    assert "color-contrast" in {rule["id"] for rule in found["passes"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_its_numbers_as_text(opened: Any, kind: str) -> None:
    shown = opened(kind)
    assert shown.ask("document.querySelectorAll('figure').length") or kind == "fleet"
    without = shown.ask(
        """[...document.querySelectorAll('figure')]
          .filter((figure) => !(figure.closest('.what-if') || figure).querySelector('table td, table tbody th'))
          .map((figure) => figure.textContent.slice(0, 80))"""
    )
    assert without == []
    unnamed = shown.ask(
        """[...document.querySelectorAll('svg')]
          .filter((svg) => svg.getAttribute('aria-hidden') !== 'true' && !svg.getAttribute('aria-label')).length"""
    )
    assert unnamed == 0
    charts = shown.ask("document.querySelectorAll('[data-chart]').length")
    assert shown.ask("document.querySelectorAll('[data-chart] svg').length") == charts


def test_a_page_of_another_script_is_refused_by_its_policy(opened: Any) -> None:
    shown = opened("report of one")
    shown.ask(
        """(() => { const script = document.createElement('script');
        script.textContent = 'window.ran = true'; document.body.append(script); })()"""
    )
    assert shown.ask("window.ran") is None
    assert "Content Security Policy" in " ".join(shown.said)


def test_hostile_text_is_shown_and_does_nothing(opened: Any) -> None:
    shown = opened("report")
    text = shown.ask("document.body.textContent")
    assert "<img src=x onerror=alert(2)>" in text
    assert "{{ 7 * 7 }}" in text
    assert "\\u202e" in text
    assert "\u202e" not in text
    assert shown.said == []


def test_an_accelerator_says_its_memory_under_the_pointer(opened: Any) -> None:
    shown = opened("report of one")
    shown.page.hover(".card >> nth=2")
    tip = shown.page.inner_text("#tip")
    assert "Accelerator 2: llama-2-13b, copy 3" in tip
    assert "weights: 24.24 GiB, 61%" in tip, "24.24 GiB is the size in the table, 39.50 GiB is the card"


def test_the_what_if_shows_the_layout_that_is_chosen(opened: Any) -> None:
    shown = opened("report of one")
    place = shown.page.locator("[data-what-if]").first
    place.scroll_into_view_if_needed()
    data = place.evaluate("(place) => JSON.parse(place.querySelector('script').textContent)")
    other = next(layout for layout in data["layouts"] if layout["degree"] == 2 and not layout["problem"])
    place.locator("select[name=type]").select_option(other["type"])
    place.locator("select[name=degree]").select_option("2")
    load = place.locator("input[name=load]")
    load.focus()
    load.press("Home")
    answer = place.locator(".answer").inner_text()
    assert f"{other['copies']} copies on 1 x {other['type']}, 2 accelerators each, {data['loads'][0]} users" in answer
    rates = place.locator("tr", has_text="requests answered a second").locator("td").all_inner_texts()
    assert rates[0] == f"{data['layouts'][0]['points'][0]['rate']:.3g}"
    assert rates[1] == f"{other['points'][0]['rate']:.3g}"


def test_a_layout_that_does_not_fit_says_why(opened: Any) -> None:
    shown = opened("report of one")
    place = shown.page.locator("[data-what-if]").first
    place.scroll_into_view_if_needed()
    data = place.evaluate("(place) => JSON.parse(place.querySelector('script').textContent)")
    refused = [layout for layout in data["layouts"] if layout["problem"]]
    for layout in refused[:1]:
        place.locator("select[name=type]").select_option(layout["type"])
        place.locator("select[name=degree]").select_option(str(layout["degree"]))
    if refused:
        assert "Not possible:" in place.locator(".answer").inner_text()


def test_a_printed_page_has_every_chart(opened: Any) -> None:
    shown = opened("report of one")
    shown.page.emulate_media(media="print")
    assert shown.ask("getComputedStyle(document.querySelector('.what-if form')).display") == "none"
    assert shown.ask("document.querySelectorAll('[data-chart] svg').length") == 3
