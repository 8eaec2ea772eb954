"""Runs tests for one mutation after the other, each in a fork of a process that has imported all modules but the
library.

A fork starts in milliseconds and shares the running jsii process of aws-cdk. A new interpreter would need seconds for
both. The Python state of a mutation ends with its fork. Because the jsii process is shared, a fork that is stopped
during a call ends this worker, and the caller starts a new one.

For each mutation, the caller writes one line of JSON, the list of tests in the order to run, and reads one line: the
test that failed, or null.
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
"""Packages that each fork imports itself: the library, and the packages that import the library."""
_FIRST = 12
_OPTIONS = ["--exitfirst", "--quiet", "-p", "no:cacheprovider", "-m", "not slow and not soak"]


def main(folders: Sequence[str]) -> int:
    """Import the modules of the tests, then run the requested tests until the caller closes the pipe."""
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
    os._exit(0)  # a normal exit would wait forever for the jsii process


def _try(tests: Sequence[str]) -> tuple[str | None, bool]:
    """Return the test that fails (None if all pass), and whether this process can continue."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(LONGEST_SECONDS)  # SIGALRM has no handler, so it ends the fork
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
        # Collecting a few tests is fast, and one of the first usually fails.
        for some in filter(None, (tests[:_FIRST], tests[_FIRST:])):
            code = int(pytest.main([*_OPTIONS, *some], plugins=[FirstFailure()]))
            if code != 0:
                break
    finally:
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
