"""Helpers measure ahead of a search: they change no figure, and none of them outlives its search."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest

from replicas.recommend import Requirements, helpers, recommend
from replicas.recommend.candidates import candidates
from replicas.recommend.measuring import Gauge
from tests.recommend.test_objectives import ONE_CARD

ON_LINUX = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads the children of a process in /proc")
COMMAND = """
import sys
from replicas.cli import main
from replicas.recommend import helpers
helpers.usable_cores = lambda: 2
sys.argv = ["replicas", *"recommend llama-2-13b --rate 200 --input-tokens 1000 --output-tokens 50".split()]
main()
"""


@pytest.fixture
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helpers, "usable_cores", lambda: 2)
    monkeypatch.setattr(helpers, "FEWEST_TYPES", 1)


def work_of(requirements: Requirements) -> tuple[helpers._Work, list[helpers._Group]]:
    """Return all layouts of requirements as work, one group for each engine."""
    fitting, _ = candidates(requirements, requirements.resolved())
    groups: dict[object, helpers._Group] = {}
    for layout in fitting:
        group = groups.setdefault(layout.engine, helpers._Group(layout.engine, helpers.Record(), []))
        group.trials.append(helpers.Trial(layout, 10, "quick"))
    return helpers._Work(fitting, deque(groups.values())), list(groups.values())


def test_a_helper_returns_the_records_of_this_process() -> None:
    work, groups = work_of(ONE_CARD)
    gauge = Gauge.of(ONE_CARD)
    for group in groups:
        for trial in group.trials:
            trial.run(gauge)

    helper = helpers._Helper(ONE_CARD)
    helper.start()
    try:
        helper.work_on(work)
    finally:
        helper.end()

    assert {group.engine: group.record for group in groups} == gauge.records
    assert gauge.simulated > 0
    assert work.next() is None


def test_a_search_has_the_same_document_with_any_number_of_processes(
    monkeypatch: pytest.MonkeyPatch, two_processes: None
) -> None:
    started: list[helpers._Helper] = []
    start = helpers._Helper.__init__

    def counted(self: helpers._Helper, requirements: Requirements) -> None:
        start(self, requirements)
        started.append(self)

    monkeypatch.setattr(helpers._Helper, "__init__", counted)
    together = recommend(ONE_CARD).to_document()
    monkeypatch.setattr(helpers, "usable_cores", lambda: 1)
    alone = recommend(ONE_CARD).to_document()

    assert len(started) == 1
    assert _return_code(started[0]) is not None
    assert together == alone


@pytest.mark.parametrize("moment", ["before it begins", "never starts"])
def test_a_search_does_not_need_its_helpers(monkeypatch: pytest.MonkeyPatch, two_processes: None, moment: str) -> None:
    if moment == "never starts":
        monkeypatch.setattr(sys, "executable", "/no/such/python")
    else:
        monkeypatch.setattr(helpers, "_PROGRAM", "raise SystemExit(1)")

    broken = recommend(ONE_CARD).to_document()
    monkeypatch.setattr(helpers, "FEWEST_TYPES", 99)

    assert broken == recommend(ONE_CARD).to_document()


def test_a_helper_with_other_layouts_measures_nothing() -> None:
    work, groups = work_of(ONE_CARD)
    helper = helpers._Helper(replace(ONE_CARD, instance_types=ONE_CARD.instance_types[:1]))
    helper.start()
    try:
        helper.work_on(work)
    finally:
        helper.end()

    assert not any(group.record.measured for group in groups)
    assert work.next() is groups[0]


def test_helpers_end_with_an_interrupt(two_processes: None) -> None:
    running: list[helpers._Helper] = []

    def interrupted() -> None:
        with helpers.helpers(ONE_CARD, 1) as processes:
            running.extend(processes._processes)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert [_return_code(helper) for helper in running] == [-signal.SIGKILL]


def _return_code(helper: helpers._Helper) -> int | None:
    assert helper._process is not None
    return helper._process.returncode


def test_few_instance_types_start_no_helper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helpers, "usable_cores", lambda: 8)
    monkeypatch.setattr(helpers, "_Helper", None)

    with helpers.helpers(ONE_CARD, helpers.FEWEST_TYPES - 1) as few:
        assert few._processes == []


@ON_LINUX
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_search_leaves_no_helper_and_no_traceback(number: signal.Signals) -> None:
    search = subprocess.Popen([sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 120
        while not (children := _children(search.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert children
        search.send_signal(number)
        _, messages = search.communicate(timeout=60)
    finally:
        search.kill()

    assert search.returncode == 130
    assert b"Traceback" not in messages
    assert _have_ended(children)


@ON_LINUX
@pytest.mark.slow
def test_a_helper_ends_when_its_search_was_killed() -> None:
    search = subprocess.Popen([sys.executable, "-c", COMMAND], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not (children := _children(search.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        search.kill()
        search.wait()

    assert _have_ended(children)


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _have_ended(processes: list[int]) -> bool:
    """Wait until all processes have ended: one that was interrupted as it started ends by itself within seconds."""
    deadline = time.monotonic() + 120
    while any(map(_runs, processes)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(processes) and not any(map(_runs, processes))


def _runs(process: int) -> bool:
    """True unless the process has ended. One that init has not collected yet counts as ended."""
    try:
        return Path(f"/proc/{process}/exe").readlink() != Path()
    except OSError:
        return False
