"""pytest plugin that records the functions of the construct library that each test calls, and the time of the test.

The record only decides the order of tests: the shortest test that calls a mutated function runs first.
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
"""Environment variable with the path of the record file."""


class Record(TypedDict):
    """Duration of a test, and the functions that it calls."""

    seconds: float
    functions: list[str]
    """Called functions of the library, as `module.py:Class.function`."""


class Recorder:
    """Records which functions of a folder's modules each test calls."""

    def __init__(self, folder: Path) -> None:
        """Record functions of the modules in `folder`."""
        self._folder = str(folder)
        self._names: dict[CodeType, str | None] = {}
        self._entered: set[str] = set()
        self.records: dict[str, Record] = {}
        self._failed: set[str] = set()

    @property
    def of_passed(self) -> dict[str, Record]:
        """Return the records of passing tests. A test that fails without a mutation cannot detect one."""
        return {test: record for test, record in self.records.items() if test not in self._failed}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a failed test."""
        if report.failed:
            self._failed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Record the calls of one test and its fixtures."""
        self._entered, start = set(), time.process_time()
        sys.settrace(self._watch)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            seconds = round(time.process_time() - start, 3)
            self.records[item.nodeid] = {"seconds": seconds, "functions": sorted(self._entered)}

    def _watch(self, frame: FrameType, _event: str, _argument: Any) -> None:
        """Record a call. Returning None tells Python not to trace the lines of the function."""
        code = frame.f_code
        if code not in self._names:
            path = Path(code.co_filename)
            is_here = str(path.parent) == self._folder
            self._names[code] = f"{path.name}:{code.co_qualname}" if is_here else None
        if name := self._names[code]:
            self._entered.add(name)


def pytest_configure(config: pytest.Config) -> None:
    """Start recording. The option `-p` loads this module."""
    import replicas_cdk

    config.pluginmanager.register(Recorder(Path(replicas_cdk.__file__).parent), "touching")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write the record file."""
    recorder = config.pluginmanager.get_plugin("touching")
    assert isinstance(recorder, Recorder)  # noqa: S101 (registered above)
    Path(os.environ[RECORD]).write_text(json.dumps(recorder.of_passed))
