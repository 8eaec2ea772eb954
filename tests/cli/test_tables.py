"""Tables at the width of any terminal: numbers and names stay whole, and what is left out is named."""

from __future__ import annotations

import json
import re

import pytest
from rich.console import Console

from replicas.cli.tables.columns import Table
from tests.commands import Run

WIDTHS = (40, 80, 200)


def printed(table: Table, width: int) -> str:
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(table, crop=False)
    return capture.get()


def sample() -> Table:
    table = Table(">tokens", "model", "engine", ">USD/h", may_go=("engine", "USD/h"))
    table.add_row("53,376", "NousResearch/Llama-2-7b-chat-hf", "tgi-1.1.0", "25.25")
    return table


def test_a_table_that_fits_shows_every_column_and_leaves_nothing_out() -> None:
    text = printed(sample(), 200)
    assert re.search(r"53,376 +NousResearch/Llama-2-7b-chat-hf +tgi-1.1.0 +25.25", text)
    assert "Left out" not in text


def test_a_column_that_may_go_is_left_out_and_named_with_the_width_that_shows_it() -> None:
    text = printed(sample(), 60)
    assert re.search(r"53,376 +NousResearch/Llama-2-7b-chat-hf +25.25", text)
    assert "tgi-1.1.0" not in text
    width = int(re.search(r"Left out at 60 columns: engine. COLUMNS=(\d+)", " ".join(text.split()))[1])  # type: ignore[index]
    assert "Left out" not in printed(sample(), width)
    assert "Left out" in printed(sample(), width - 1)


def test_a_table_whose_important_columns_do_not_fit_is_a_list_of_whole_values() -> None:
    assert printed(sample(), 20).splitlines() == [
        "tokens 53,376",
        "  model:",
        "    NousResearch/Llama-2-7b-chat-hf",
        "  engine: tgi-1.1.0",
        "  USD/h: 25.25",
    ]


def test_columns_with_one_title_are_left_out_together() -> None:
    table = Table("users", "req/s", "off by", "p50 s", "off by", may_go=("off by",))
    table.add_row("10", "1.00", "+1%", "2.00", "+22222222%")
    assert "+1%" not in printed(table, 40)


def test_prose_wraps_between_words_and_keeps_each_of_them() -> None:
    table = Table("value", "why", prose=("why",))
    table.add_row("53,376", "what is left of arn:aws:iam::111122223333:role/name after [weights] and buffers")
    text = printed(table, 60)
    assert all(word in text for word in ["53,376", "arn:aws:iam::111122223333:role/name", "[weights]", "buffers"])
    assert max(map(len, text.splitlines())) <= 60


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", [("models",), ("instances",), ("plan",), ("cost", "--all")])
def test_no_command_prints_a_part_of_a_number_or_a_name(
    run: Run, monkeypatch: pytest.MonkeyPatch, width: int, command: tuple[str, ...]
) -> None:
    """Every word of the table at 1,000 columns is the only kind of word that a narrower table may hold."""
    monkeypatch.setenv("COLUMNS", "1000")
    whole = set(run(*command).out.split())
    monkeypatch.setenv("COLUMNS", str(width))
    narrow = run(*command).out
    table, _, left_out = narrow.partition("Left out at")
    words = [word for line in table.splitlines() for word in line.split() if "─" not in word]
    cut = [word for word in words if word not in whole and word.rstrip(":") not in whole]
    assert not cut, cut[:5]
    if width < 200:
        assert left_out or table.count(": ") > 50  # columns are left out and named, or it is a list


@pytest.mark.parametrize("width", WIDTHS)
def test_a_plan_shows_every_value_of_its_document_at_any_width(
    run: Run, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    documents = json.loads(run("plan", "llama-13b-mistral-7b", "--json").out)["components"]
    text = run("plan", "llama-13b-mistral-7b").out
    for component in documents:
        assert component["model"] in text
        assert f"{component['kv_cache_tokens']:,}" in text
        assert f"{component['weights_gib_per_accelerator']:.2f}" in text


def test_every_deployment_keeps_its_name_and_its_cache_at_80_columns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = run("plan").out
    for plan in json.loads(run("plan", "--json").out)["deployments"]:
        assert plan["name"] in text
        for component in plan["components"]:
            assert f"{component['kv_cache_tokens']:,}" in text


def test_every_model_keeps_its_name_at_80_and_at_40_columns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = json.loads(run("models", "--json").out)
    for width in ("40", "80"):
        monkeypatch.setenv("COLUMNS", width)
        text = run("models").out
        assert all(model["model"] in text for model in listed)
