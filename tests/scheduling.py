"""Which worker runs what, and how many workers there are.

Files that share what is computed once run on one worker, and what is long begins first.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

TOGETHER = {
    "stacks": tuple(
        f"tests/stacks/test_{name}.py" for name in ("templates", "validation", "updates", "options", "article")
    ),
    "recommend": ("tests/recommend/", "tests/cli/test_recommend.py", "tests/test_docs.py"),
}
"""Files, by the beginning of their paths, that one worker runs: they share a synthesised app, or simulations."""
LONG = (
    "tests/benchmark/",
    *(path for paths in TOGETHER.values() for path in paths),
    "tests/teardown/",
    "tests/cli/test_fault_matrix.py",
    "tests/preflight/",
    "tests/staging/",
    "tests/cli/test_production.py",
)
"""What begins first. A long file that begins last would leave the other workers without work."""


class Scheduling(LoadFileScheduling):
    """Gives a worker a whole file, or all files that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((name for name, paths in TOGETHER.items() if file.startswith(paths)), file)


MORE_WORKERS = 2
"""Workers above the number of cores in a run with slow tests: those wait for an embedded AWS for much of their time."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Number of workers of `--numprocesses auto`; None: as many as cores, which tests that only compute fill."""
    return None if "not slow" in config.option.markexpr else (os.cpu_count() or 1) + MORE_WORKERS


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Schedule `--dist loadfile`."""
    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what is long first. The order within a file stays."""
    items.sort(key=lambda item: next((place for place, path in enumerate(LONG) if item.nodeid.startswith(path)), 99))
