"""Foreign text on its way to a terminal, a log of GitHub Actions, a page, Markdown and CSV."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replicas.escaping import (
    Answer,
    code_span,
    csv_row,
    json_text,
    log_line,
    log_lines,
    page_value,
    printable,
    uri_of,
    without_commands,
    without_controls,
    workflow_command,
)


@pytest.mark.parametrize("text", ["", "plain text", "Grüße, 模型, emoji 🚀", "a:b, 100 %"])
def test_a_text_that_can_be_read_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x9b31m", r"\x9b31m"),  # the control sequence introducer in one character
        ("a\u202eb", r"a\u202eb"),  # text after it is shown from right to left
        ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
        ("a\u2028b\u2029c\x85", r"a\u2028b\u2029c\x85"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),  # tag characters are not shown at all
    ],
)
def test_what_a_terminal_obeys_or_hides_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("::error::forged", r"\::error::forged"),
        ("  ::stop-commands::x", r"  \::stop-commands::x"),
        ("a ##[add-mask]b", r"a ##\[add-mask]b"),
        ("problem: a::b", "problem: a::b"),
        ("a line may be wrapped before ::error::forged", r"a line may be wrapped before \::error::forged"),
        ("\u3000::error::forged", "\u3000\\::error::forged"),  # white space, too, which the runner trims
        ("a\n::error::forged", r"a\n::error::forged"),
    ],
)
def test_no_line_is_a_command_of_github(text: str, line: str) -> None:
    """Commands as the runner parses them: actions/toolkit, docs/commands.md."""
    assert log_line(text) == line


def test_a_message_of_several_lines_keeps_them() -> None:
    assert log_lines("first\n::second::\x1b") == "first\n\\::second::\\x1b"


def test_a_command_escapes_its_message_and_its_properties() -> None:
    """The escapes of @actions/core: % first, then line ends, and in properties colons and commas."""
    command = workflow_command("error", "50 %\nof: a, b", file="a,b:c%.json", line=3, title=None)

    assert command == "::error file=a%2Cb%3Ac%25.json,line=3::50 %25\\nof: a, b"


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("cdk.out/a b.template.json", "cdk.out/a%20b.template.json"),
        ("C:/x#y", "C%3A/x%23y"),
        ("/home/x y", "file:///home/x%20y"),
        ("a\udcff", "a%FF"),
    ],
)
def test_a_path_is_a_uri(path: str, uri: str) -> None:
    assert uri_of(Path(path)) == uri


@pytest.mark.parametrize("text", ["::error::forged", "a ##[add-mask]b", "a\x1b[2Jb\n::x"])
def test_the_gateway_may_be_passed_twice(text: str) -> None:
    assert log_line(log_line(text)) == log_line(text)


def test_commands_are_found_between_colours() -> None:
    assert without_commands("\x1b[1mbold\x1b[0m ::error::x\n::debug::y") == (
        "\x1b[1mbold\x1b[0m \\::error::x\n\\::debug::y"
    )


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["Hello", " world\n", "\tcode: a::b"], "Hello world\n\tcode: a::b"),
        (["::error::forged"], r"\::error::forged"),
        (["fine\n", ":", ":", "error::forged"], "fine\n\\::error::forged"),
        (["fine\n  :", ":stop-commands::x"], "fine\n  \\::stop-commands::x"),
        (["a #", "#", "[add-mask]b"], r"a ##\[add-mask]b"),
        (["ends with #", "1 and :"], "ends with #1 and :"),
        (["a\x1b", "[2J", "b"], r"a\x1b[2Jb"),
        (["one\r", "\ntwo\rthree"], "one\ntwo\\rthree"),
        (["👩\u200d🔧"], "👩\u200d🔧"),  # a joiner of an emoji
        (["a\u202eb"], r"a\u202eb"),
    ],
)
def test_an_answer_keeps_its_lines_and_gives_no_command_whatever_its_pieces(pieces: list[str], shown: str) -> None:
    answer = Answer()
    assert "".join([*map(answer.piece, pieces), answer.end()]) == shown


@pytest.mark.parametrize("cut", range(1, 12))
def test_an_answer_is_the_same_wherever_it_is_cut(cut: int) -> None:
    text = "x\n::a::b\n ##[c]\r\n:"
    answer, whole = Answer(), Answer()
    assert answer.piece(text[:cut]) + answer.piece(text[cut:]) + answer.end() == whole.piece(text) + whole.end()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝"])
def test_no_cell_of_a_csv_file_is_a_formula(start: str) -> None:
    """The characters of https://owasp.org/www-community/attacks/CSV_Injection."""
    (cell,) = csv_row({"name": f"{start}HYPERLINK(1)"}).values()
    assert cell.startswith("'")
    assert "\n" not in cell
    assert "\r" not in cell


def test_numbers_and_names_of_a_csv_file_stay() -> None:
    assert csv_row({"users": -1, "p50": None, "name": "llama-2-7b"}) == {"users": -1, "p50": None, "name": "llama-2-7b"}


def test_a_json_document_stays_the_same_and_holds_no_command() -> None:
    document = {"text": "##[add-mask]x\n::error::y"}
    text = json_text(document)
    assert json.loads(text) == document
    assert "##[" not in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]


def test_a_code_span_cannot_be_closed_and_hides_nothing() -> None:
    assert code_span("a`b\n<b>\x1b[2J") == r"`a b <b>\x1b[2J`"


def test_colours_of_a_tool_stay_only_where_they_are_wanted() -> None:
    text = "\x1b[31mred\x1b[0m \x1b[2Jgone\u202e"
    assert without_controls(text) == "red [2Jgone"
    assert without_controls(text, keeps_colours=True) == "\x1b[31mred\x1b[0m [2Jgone"


def test_a_page_shows_what_is_invisible_and_leaves_other_values() -> None:
    assert page_value("a\u202eb\nc") == "a\\u202eb\nc"
    assert page_value(1.5) == 1.5
