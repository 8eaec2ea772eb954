"""The report says what matters, fits into a comment, and cannot be bent by the templates it is about."""

from __future__ import annotations

import re

import pytest

from replicas.review.template_report import TemplateReport, as_markdown, as_text
from replicas.template.changes import Fate, ServingChange, StackChange, Status

DIFF = (
    "Resources\n[~] AWS::SageMaker::Endpoint Endpoint replace\n └─ [~] EndpointName\n     ├─ [-] old\n     └─ [+] new"
)

SERVING = ServingChange(
    "AWS::SageMaker::Endpoint", "Endpoint", Fate.REPLACED, "A new one is created: callers must move."
)


def report(diff: str = DIFF, name: str = "llama") -> TemplateReport:
    return TemplateReport("main", 3, [StackChange(name, Status.CHANGED, (SERVING,))], {name: diff})


def test_nothing_changed_is_one_sentence() -> None:
    nothing = TemplateReport("main", 3, [])
    assert as_text(nothing) == as_markdown(nothing) == "No stack differs from `main`.\n"


def test_text_ends_with_the_call_outs_and_the_summary() -> None:
    *diff, headline, meaning, summary = as_text(report()).splitlines()
    assert diff[0] == "Stack llama"
    assert headline == "!! llama: endpoint `Endpoint` is replaced"
    assert "callers must move" in meaning
    assert summary == "Stacks against `main`: 1 changed, 2 unchanged."


def test_new_and_removed_stacks_take_a_line_each() -> None:
    changes = [StackChange("a", Status.NEW), StackChange("b", Status.REMOVED, has_endpoint=True)]
    lines = as_text(TemplateReport("main", 1, changes, base_has_app=False)).splitlines()
    assert lines[0] == "a: new stack"
    assert lines[1].startswith("b: removed stack: its endpoint keeps running")
    assert lines[2].endswith("The base has no cdk.json, so every stack is new.")


def test_colours_are_only_for_those_who_ask() -> None:
    red = "\x1b[31m[-] old\x1b[39m"
    assert red in as_text(report(red), colours=True)
    assert "\x1b" not in as_text(report(red))
    assert "\x1b" not in as_markdown(report(red))


def test_a_terminal_gets_no_other_control_characters() -> None:
    assert "\x1b[2J" not in as_text(report("\x1b[2J\x1b]0;title\x07\r\u202e"), colours=True)
    assert not re.search("[\x07\r\u202e]", as_text(report("\x07\r\u202e"), colours=True))


def test_markdown_has_summary_call_outs_and_a_folded_diff() -> None:
    text = as_markdown(report())
    assert text.startswith("Stacks against `main`: 1 changed, 2 unchanged.\n\n> [!CAUTION]\n> - `llama`: **endpoint ")
    assert "<details><summary><code>llama</code></summary>\n\n```diff\n" in text
    assert text.endswith("-      ├─ old\n+      └─ new\n```\n\n</details>\n")


def test_markdown_is_cut_with_a_note_and_stays_whole() -> None:
    changes = [StackChange(name, Status.CHANGED) for name in "abc"]
    long = TemplateReport("main", 3, changes, dict.fromkeys("abc", "[+] line\n" * 5000))
    text = as_markdown(long)
    assert len(text) <= 60_000
    assert text.endswith("_Cut at 60,000 characters. The full text: `make diff BASE=main`_\n")
    assert text.count("<details>") == text.count("</details>") == 2
    assert text.count("```") == 4


@pytest.mark.parametrize("limit", range(60, 1200, 13))
def test_markdown_never_exceeds_its_limit(limit: int) -> None:
    text = as_markdown(report(DIFF * 20), limit)
    assert len(text) <= max(limit, 80)
    assert text.count("<details>") == text.count("</details>")


def test_one_endless_line_is_cut_too() -> None:
    text = as_markdown(report("x" * 100_000))
    assert 59_000 < len(text) <= 60_000


@pytest.mark.parametrize("fence", ["```", "````", "~~~", "`" * 40])
def test_a_diff_cannot_leave_its_code_block(fence: str) -> None:
    text = as_markdown(report(f"[+] a\n{fence}\n</details>\n# Approved by everyone\n{fence}diff\n"))
    opening = re.search(r"^(`{3,})diff$", text, re.MULTILINE)
    assert opening
    closings = [match.end() for match in re.finditer(rf"^ {{0,3}}{opening[1]}`*\ *$", text, re.MULTILINE)]
    assert len(closings) == 1
    assert text[closings[0] :] == "\n\n</details>\n"


def test_a_diff_of_backticks_alone_does_not_hide_the_call_outs() -> None:
    text = as_markdown(report("`" * 100_000))
    assert len(text) <= 60_000
    assert "is replaced" in text


@pytest.mark.parametrize("name", ["<img src=x>", "a`b", "</code></summary>", "a\n\n# b", "[x](http://x)", "\x1b[31m"])
def test_names_cannot_leave_their_place(name: str) -> None:
    text = as_markdown(report(name=name))
    assert "<img" not in re.sub("`[^`]*`", "", text)
    assert text.count("</summary>") == text.count("</summary>\n\n```diff") + ("</summary>" in name)
    assert "\n# b" not in text
    assert text.splitlines()[3].startswith("> - `")
