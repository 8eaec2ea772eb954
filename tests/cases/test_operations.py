"""Operations that went wrong once: odd results, two AWSs over one file, Ctrl-C, an artifact that hides what follows."""

from __future__ import annotations

import fcntl
import json
import math
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from embedded_aws import records
from embedded_aws.saved import StateError, StateFile
from replicas.benchmark.history import find_runs, history_document, write_history
from replicas.benchmark.result import load
from replicas.benchmark.runs import new_folder
from replicas.errors import OperationError
from replicas.status.status import ComponentStatus, Difference, StackStatus, Status, with_problems
from tests.conftest import ROOT
from tests.documents import validated
from tests.test_workflows import Comment

HOSTILE = ROOT / "tests" / "cases" / "hostile"
ODD_RESULTS = sorted(HOSTILE.glob("history-crash-*.json"))


# ---- results of benchmarks


def sound_result() -> dict[str, Any]:
    """A result that can be read: the first odd one, with its odd forecast removed."""
    return {**json.loads(ODD_RESULTS[0].read_text()), "forecast": None}


def stored(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(text)
    return folder


def changed(**fields: Any) -> str:
    return json.dumps({**sound_result(), **fields})


def with_point(**fields: Any) -> str:
    result = sound_result()
    return json.dumps({**result, "points": [{**result["points"][0], **fields}]})


ODD = {
    **{path.name: path.read_text() for path in ODD_RESULTS},
    "no JSON": "{",
    "empty": "",
    "a list": "[]",
    "nested too deeply": "[" * 100_000,
    "an integer of 5,000 digits": changed(users=[1]).replace("[1]", f"[{'9' * 5000}]"),
    "another schema": changed(schema="replicas.benchmark/99"),
    "no schema": changed(schema=None),
    "NaN": with_point(requests_per_second_window=math.nan),
    "infinity": with_point(success_percent=math.inf),
    "an infinite number in digits": with_point(success_percent=1.5).replace("1.5", "1e999"),
    "text for a number": with_point(success_percent="100"),
    "a number for text": changed(started=5),
    "true for a number": with_point(users=True),
    "a missing key": json.dumps({key: value for key, value in sound_result().items() if key != "points"}),
    "a point without its keys": changed(points=[{}]),
    "points that are no list": changed(points=5),
    "a subject that is no object": changed(subject=None),
    "a forecast that is text": changed(forecast="x"),
    "forecast points that are no list": changed(
        forecast={"confidence": "x", "basis": "x", "routing": "RANDOM", "points": 5}
    ),
    "forecast errors that are a number": changed(
        forecast={
            "confidence": "x",
            "basis": "x",
            "routing": "RANDOM",
            "points": [
                {
                    "users": 1,
                    "requests_per_second_elapsed": 1.0,
                    "requests_per_second_window": 1.0,
                    "latency_p50_seconds": None,
                    "ttft_p50_seconds": None,
                    "errors": 5,
                }
            ],
        }
    ),
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_an_odd_result_is_listed_with_its_reason_and_hides_no_other(tmp_path: Path, text: str) -> None:
    sound = stored(tmp_path / "sound", json.dumps(sound_result()))
    odd = stored(tmp_path / "odd", text)
    runs, unreadable = find_runs(tmp_path)
    assert [run.folder for run in runs] == [sound]
    (reason,) = unreadable
    assert reason.startswith(str(odd / "result.json"))
    document = validated(json.loads(json.dumps(history_document(runs, unreadable), allow_nan=False)))
    assert document["unreadable"] == [reason]
    with pytest.raises(OperationError):
        load(odd)


def test_a_result_that_is_no_text_or_too_large_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicas.benchmark.result._LARGEST", 20_000)
    stored(tmp_path / "sound", json.dumps(sound_result()))
    (stored(tmp_path / "binary", "") / "result.json").write_bytes(b"\xff\xfe")
    stored(tmp_path / "large", changed(plan={"x": "x" * 30_000}))
    _, unreadable = find_runs(tmp_path)
    assert len(unreadable) == 2
    assert "larger than" in unreadable[1]


@pytest.mark.slow
def test_the_page_names_what_was_not_read(tmp_path: Path) -> None:
    stored(tmp_path / "sound", json.dumps(sound_result()))
    stored(tmp_path / "odd", "<b>")
    runs, unreadable = find_runs(tmp_path)
    write_history(runs, tmp_path / "index.html", unreadable)
    page = (tmp_path / "index.html").read_text()
    assert "odd/result.json cannot be read" in page


def test_benchmarks_begun_in_one_second_keep_two_folders(tmp_path: Path) -> None:
    now = datetime(2026, 11, 28, 9, 0, 0)
    names = [new_folder(tmp_path / "chat", now).name for _ in range(3)]
    assert names == ["2026-11-28T09-00-00", "2026-11-28T09-00-00-2", "2026-11-28T09-00-00-3"]


# ---- the state file of an embedded AWS

SPELLINGS: dict[str, Callable[[Path], Path]] = {
    "the same path": lambda file: file,
    "a symbolic link": lambda file: _linked(file, Path.symlink_to),
    "a link to a link": lambda file: _linked(_linked(file, Path.symlink_to), Path.symlink_to),
    "a hard link": lambda file: _linked(file, Path.hardlink_to),
    "a way through another folder": lambda file: file.parent / "sub" / ".." / file.name,
    "a linked folder": lambda file: _linked(file.parent, Path.symlink_to) / file.name,
}


def _linked(target: Path, link: Callable[[Path, Path], None]) -> Path:
    path = target.with_name(f"{target.name}-link")
    link(path, target)
    return path


@pytest.mark.parametrize("is_new", [True, False], ids=["a new file", "a saved state"])
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_state_file_is_held_by_one_embedded_aws_whatever_its_spelling(
    tmp_path: Path, spelling: Callable[[Path], Path], is_new: bool
) -> None:
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    path = tmp_path / "folder" / "s.state"
    if not is_new:
        first = StateFile(path)
        first.save("precious")
        first.release()
    held = StateFile(path)
    other = spelling(path)
    with pytest.raises(StateError, match="another embedded AWS uses"):
        StateFile(other)
    held.save("later")
    held.release()
    again = StateFile(path)
    assert again.load() == "later"
    again.release()


def test_saving_through_a_symbolic_link_keeps_the_link(tmp_path: Path) -> None:
    link = tmp_path / "link.state"
    link.symlink_to(tmp_path / "s.state")
    file = StateFile(link)
    file.save("state")
    file.release()
    assert link.is_symlink()
    reread = StateFile(tmp_path / "s.state")
    assert reread.load() == "state"
    reread.release()


def test_a_file_in_which_nothing_was_saved_leaves_no_trace(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "s.state")
    assert file.load() is None
    file.release()
    assert list(tmp_path.iterdir()) == []


# ---- Ctrl-C


@pytest.mark.slow
@pytest.mark.parametrize("pauses", [[0], [0.02], [0.5, 0.05], [0.5, 0.05, 0.05]], ids=str)
def test_ctrl_c_at_any_moment_leaves_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    started = _started_in_terminal("--foreground")
    try:
        record = _await_record()
        for pause in pauses:
            time.sleep(pause)
            os.write(started.terminal, b"\x03")
        started.process.wait(180)
        _await_end(record)
    finally:
        started.end()


@pytest.mark.slow
def test_a_server_in_the_foreground_ends_with_its_command_even_if_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    started = _started_in_terminal("--foreground")
    try:
        record = _await_record()
        started.process.send_signal(signal.SIGKILL)
        _await_end(record)
    finally:
        started.end()


class _Started:
    """A command with a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.terminal, inside = pty.openpty()
        command = [sys.executable, "-m", "embedded_aws", "start", "--port", "0", "--skip-bootstrap", *arguments]
        self.process = subprocess.Popen(
            command,
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inside)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


def _started_in_terminal(*arguments: str) -> _Started:
    return _Started(*arguments)


def _await_record() -> records.Record:
    deadline = time.monotonic() + 180
    while not (running := records.running()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return running[0]


def _await_end(record: records.Record) -> None:
    deadline = time.monotonic() + 180
    while records.exists(record) and time.monotonic() < deadline:
        time.sleep(0.05)
    alive = records.exists(record)
    if alive:
        os.kill(record.pid, signal.SIGKILL)
    assert not alive


# ---- the comment on a pull request

DISCLAIMER = "Written by the code of this pull request"
SWALLOWING = {
    "an open comment": (HOSTILE / "diff-hides-disclaimer.md").read_text(),
    "an open fence": "## all good\n\n```\n",
    "open details": "<details><summary>more</summary>\n",
    "an open tag": '<div title="',
    "a processing instruction": "<?",
    "CDATA": "<![CDATA[",
    "an open table": "<table><tr><td>",
}


@pytest.mark.parametrize("report", SWALLOWING.values(), ids=SWALLOWING)
def test_the_disclaimer_comes_before_anything_of_the_artifact(tmp_path: Path, report: str) -> None:
    comment = Comment(tmp_path)
    comment.members["diff.md"] = report.encode()
    done = comment.run()
    assert comment.written, done.stderr
    lines = comment.written[1].splitlines()
    assert lines[0] == "<!-- replicas-diff -->"
    assert lines[1].startswith(f"<sub>{DISCLAIMER}")
    assert lines[1].endswith("</sub>")
    assert lines[2] == ""
    assert lines[3].startswith("[The page with instances"), "no text of the artifact hides the link either"
    assert "\n".join(lines[4:]).strip() == report.strip()


# ---- status while an update runs


COMPONENT = ComponentStatus("c", "c", "InService", 2, 1, None, None, None, None, (), None, is_as_asked=False)


def status_of(stack: str, component: ComponentStatus = COMPONENT) -> Status:
    return Status(
        name="chat",
        region="us-west-2",
        stack=StackStatus("chat", stack, ()),
        endpoint_name="e",
        endpoint_status="InService",
        components=(component,),
        drift=(Difference("C", "Specification", "a", "b"),),
    )


@pytest.mark.parametrize("stack", ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "CREATE_IN_PROGRESS"])
def test_copies_that_come_and_go_in_an_update_are_no_problem(stack: str) -> None:
    assert with_problems(status_of(stack), ["gone"]).problems == ()


def test_the_same_copies_are_a_problem_when_the_stack_is_at_rest() -> None:
    assert len(with_problems(status_of("UPDATE_COMPLETE"), ["gone"]).problems) == 3


def test_a_component_that_failed_is_a_problem_in_an_update_too() -> None:
    failed = with_problems(
        status_of("UPDATE_IN_PROGRESS", replace(COMPONENT, status="Failed", failure="no capacity")), []
    )
    assert failed.problems == ("component c failed: no capacity",)
