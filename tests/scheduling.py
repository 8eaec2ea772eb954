"""Which worker runs what: files that share what is computed once run on one worker, and what is long begins first."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

TOGETHER = {
    "stacks": ("tests/stacks/",),
    "recommend": ("tests/recommend/", "tests/cli/test_recommend.py", "tests/test_docs.py"),
}
"""Files, by the beginning of their paths, that one worker runs: they share a synthesised app, or simulations."""
LONG = ("tests/end_to_end/", "tests/benchmark/", *(path for paths in TOGETHER.values() for path in paths))
"""What begins first. A long file that begins last would leave the other workers without work."""


class Scheduling(LoadFileScheduling):
    """Gives a worker a whole file, or all files that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((name for name, paths in TOGETHER.items() if file.startswith(paths)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Schedule `--dist loadfile`."""
    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what is long first. The order within a file stays."""
    items.sort(key=lambda item: next((place for place, path in enumerate(LONG) if item.nodeid.startswith(path)), 99))
