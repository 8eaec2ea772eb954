"""What every page has in common: escaped text, a policy without sources, and charts with their numbers as a table."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from replicas.benchmark.report import write_report as write_benchmark
from replicas.pages import Band, Chart, Line, Mark, render, write_page
from replicas.pages.charts import number
from scripts import chromium
from tests.conftest import ROOT
from tests.pages import examples
from tests.pages.examples import HOSTILE

TEMPLATE = """{% extends "base.html.jinja" %}
{% import "parts.html.jinja" as parts %}
{% block title %}{{ title }}{% endblock %}
{% block main %}{{ title }}{{ parts.chart(chart) }}{{ parts.code(title) }}{{ title | spans }}{% endblock %}
"""


def chart(**fields: object) -> Chart:
    values: dict[str, object] = {
        "title": HOSTILE,
        "x": "users",
        "y": "seconds",
        "xs": [1, 1000],
        "lines": [Line(name="p50", values=[0.25, None])],
        "bands": [Band(name="error", low=[0.2, 10.0], high=[0.3, 12.34])],
        "marks": [Mark(label=HOSTILE, value=2)],
    }
    return Chart(**{**values, **fields})  # type: ignore[arg-type]


@pytest.fixture
def page(tmp_path: Path) -> str:
    template = tmp_path / "test.html.jinja"
    template.write_text(TEMPLATE)
    return render(template, title=HOSTILE, chart=chart())


def test_foreign_text_ends_no_element_and_hides_nothing(page: str) -> None:
    assert page.count("<script>") == 2, "those of the page itself"
    assert "<img" not in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "\\x1b[31m" in page
    assert "{{ 7 * 7 }}" in page, "a text is no template"


def test_the_data_of_a_chart_is_json_that_ends_no_script(page: str) -> None:
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', page)
    assert "<" not in data
    assert json.loads(data)["title"] == HOSTILE.replace("\u202e", "\\u202e").replace("\x1b", "\\x1b")


def test_the_policy_allows_the_own_style_and_scripts_by_their_hash_and_no_source(page: str) -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', page)
    policy = policy.replace("&#39;", "'")
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*", policy)
    for element, directive in (("script", "script-src"), ("style", "style-src")):
        for content in re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL):
            digest = base64.b64encode(sha256(content.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in directives[directive]


def test_nothing_is_loaded(page: str) -> None:
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', page) == []
    (style,) = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    assert not re.search(r"@import|url\(", style)


def test_the_numbers_of_a_chart_are_a_table() -> None:
    assert chart().columns == ["users", "p50", "error, lowest", "error, highest"]
    assert chart().rows == [["1", "0.25", "0.20", "0.30"], ["1,000", "-", "10", "12.3"]]


def test_a_chart_of_named_points_names_them_in_its_table() -> None:
    named = chart(names=["first", "second"], labels=["a", "b"], bands=())
    assert named.columns == ["users", "of", "p50"]
    assert named.rows == [["first", "a", "0.25"], ["second", "b", "-"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0"), (0.0123, "0.012"), (0.5, "0.50"), (9.87, "9.87"), (12.34, "12.3"), (1234.5, "1,234")],
)
def test_a_number_has_about_three_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_page_is_written_as_utf_8_into_a_new_folder(tmp_path: Path) -> None:
    template = tmp_path / "test.html.jinja"
    template.write_text('{% extends "base.html.jinja" %}{% block title %}{{ text }}{% endblock %}')
    write_page(tmp_path / "a" / "b" / "index.html", template, text="größer")
    assert "<title>größer</title>" in (tmp_path / "a" / "b" / "index.html").read_text(encoding="utf-8")


def test_the_bundle_of_the_charts_is_what_its_packages_make(tmp_path: Path) -> None:
    if not (chromium.FOLDER / "node_modules" / "esbuild").is_dir():
        missing = "esbuild is not installed: `make browser` installs it"
        pytest.fail(missing) if "CI" in os.environ else pytest.skip(missing)
    made = tmp_path / "plot.min.js"
    script = json.loads((chromium.FOLDER / "package.json").read_text())["scripts"]["charts"]
    command = script.replace("../../replicas/pages/assets/plot.min.js", str(made))
    environment = {**os.environ, "PATH": f"{chromium.FOLDER / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", command], cwd=chromium.FOLDER, env=environment, check=True)
    assert made.read_bytes() == (ROOT / "replicas" / "pages" / "assets" / "plot.min.js").read_bytes()


def test_the_page_of_a_benchmark_has_its_forecast_or_says_why_there_is_none(tmp_path: Path) -> None:
    measured = examples.result()
    page = write_benchmark(measured, tmp_path).read_text()
    assert "The forecast is of the class extrapolated" in page
    assert '"name":"forecast","values":[4.0,40.0,160.0]' in page
    without = write_benchmark(
        replace(measured, forecast={"missing": "no deployment of that name"}), tmp_path
    ).read_text()
    assert "No forecast: no deployment of that name." in without
