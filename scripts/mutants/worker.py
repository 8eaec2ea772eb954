"""Tries changes one after the other in forks of one process, which has imported everything but the library.

A fork starts in milliseconds with aws-cdk's process running; a new interpreter needs seconds for both. What a change
leaves behind in Python ends with its fork. The process of aws-cdk is shared, so a fork that is stopped in the middle of
a call ends this worker, and its caller starts another.

The caller writes one line of JSON for each change, a list of tests in the order in which they are to run, and reads
one line: the test that fails, or null.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

LONGEST_SECONDS = 900
_RELOADED = ("replicas_cdk", "stacks", "app", "deployments", "tests")
"""Packages that a fork imports itself: the library, and what imports it."""
_FIRST = 12
_OPTIONS = ["--exitfirst", "--quiet", "-p", "no:cacheprovider", "-m", "not slow and not soak"]


def main(folders: Sequence[str]) -> int:
    """Import what the tests import, then try what the caller asks for until its end of the pipe closes."""
    import pytest

    answers = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    pytest.main([*_OPTIONS, "--collect-only", *folders])
    for name in [name for name in sys.modules if name.partition(".")[0] in _RELOADED]:
        del sys.modules[name]
    sys.dont_write_bytecode = True
    gc.collect()
    gc.freeze()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        failure, is_whole = _try(json.loads(line))
        print(json.dumps(failure), file=answers, flush=True)
        if not is_whole:
            break
    os._exit(0)  # the interpreter would wait for aws-cdk's process in vain


def _try(tests: Sequence[str]) -> tuple[str | None, bool]:
    """Return the test that fails, and whether this process can go on."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(LONGEST_SECONDS)  # without a handler it ends the fork
        os.close(read)
        _run(tests, write)
    os.close(write)
    with os.fdopen(read) as pipe:
        failure = pipe.read()
    _, status = os.waitpid(child, 0)
    return (failure or "no test runs") if status != 0 else None, not os.WIFSIGNALED(status)


def _run(tests: Sequence[str], write: int) -> NoReturn:
    """Run tests until one fails, write its name and end the process."""
    import pytest

    class FirstFailure:
        @staticmethod
        def pytest_runtest_logreport(report: pytest.TestReport) -> None:
            if report.failed:
                os.write(write, report.nodeid.encode())

    code = 1
    try:
        # Few tests are collected in a moment, and one of the first mostly fails.
        for some in filter(None, (tests[:_FIRST], tests[_FIRST:])):
            code = int(pytest.main([*_OPTIONS, *some], plugins=[FirstFailure()]))
            if code != 0:
                break
    finally:
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
