"""Which test enters which function of the construct library, and how long it takes: a plugin of pytest.

It only decides the order in which tests are tried: the shortest test that enters a changed function comes first.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypedDict

import pytest

RECORD = "MUTANTS_RECORD"
"""Variable with the path of the file that the record is written to."""


class Record(TypedDict):
    """What one test does."""

    seconds: float
    functions: list[str]
    """Functions of the library that it enters, as `module.py:Class.function`."""


class Recorder:
    """Records the functions of some modules that each test enters."""

    def __init__(self, folder: Path) -> None:
        """Record functions of the modules in `folder`."""
        self._folder = str(folder)
        self._names: dict[CodeType, str | None] = {}
        self._entered: set[str] = set()
        self.records: dict[str, Record] = {}
        self._failed: set[str] = set()

    @property
    def of_passed(self) -> dict[str, Record]:
        """Records of the tests that pass: one that fails without a change notices none."""
        return {test: record for test, record in self.records.items() if test not in self._failed}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self._failed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Watch the calls of one test and of its fixtures."""
        self._entered, start = set(), time.process_time()
        sys.settrace(self._watch)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            seconds = round(time.process_time() - start, 3)
            self.records[item.nodeid] = {"seconds": seconds, "functions": sorted(self._entered)}

    def _watch(self, frame: FrameType, _event: str, _argument: Any) -> None:
        """See a call; that nothing is returned leaves the lines of the function unwatched."""
        code = frame.f_code
        if code not in self._names:
            path = Path(code.co_filename)
            is_here = str(path.parent) == self._folder
            self._names[code] = f"{path.name}:{code.co_qualname}" if is_here else None
        if name := self._names[code]:
            self._entered.add(name)


def pytest_configure(config: pytest.Config) -> None:
    """Start recording: this module is given with `-p`."""
    import replicas_cdk

    config.pluginmanager.register(Recorder(Path(replicas_cdk.__file__).parent), "touching")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write the record."""
    recorder = config.pluginmanager.get_plugin("touching")
    assert isinstance(recorder, Recorder)  # noqa: S101 (registered above)
    Path(os.environ[RECORD]).write_text(json.dumps(recorder.of_passed))
