"""Foreign text on its way to a terminal or a log of GitHub Actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from replicas.escaping import log_line, log_lines, printable, uri_of, workflow_command


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
