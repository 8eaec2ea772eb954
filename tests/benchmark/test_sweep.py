"""Ctrl-C at any moment: what the load generator says is read to its end."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from replicas.benchmark import sweep

ORDER = {"label": "2 users", "users": 2, "settings": {"duration_seconds": 10}}

_CUT_IN_A_LINE = """
import os, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: told.append(1))
told = []
sys.stdout.write('{"elapsed": 1.0, "users": 2, ')
sys.stdout.flush()
os.kill(os.getppid(), signal.%s)
deadline = time.monotonic() + 180
while not told and time.monotonic() < deadline:
    time.sleep(0.01)
print('"requests": %%d, "errors": 0, "is_over": true}' %% (3 if told else 0))
print('{"interrupted": true}')
"""


@pytest.mark.parametrize("ending", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_end_in_the_middle_of_a_line_loses_none_of_it(ending: str) -> None:
    seen: list[sweep.Progress] = []
    former = signal.getsignal(signal.SIGINT)
    with sweep._Ending() as asked:
        command = [sys.executable, "-c", _CUT_IN_A_LINE % ending]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            asked.tells(process)
            is_whole = sweep._followed(process, ORDER, lambda _, now: seen.append(now))
    assert (is_whole, asked.is_asked) == (False, True)
    assert [now.requests for now in seen] == [3], "it was told, and its last word was heard"
    assert signal.getsignal(signal.SIGINT) is former


def test_the_second_ctrl_c_does_not_wait() -> None:
    with sweep._Ending() as asked:
        signal.raise_signal(signal.SIGINT)
        assert asked.is_asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_line_that_was_cut_off_for_good_is_no_answer() -> None:
    command = [sys.executable, "-c", "import sys; sys.stdout.write('{\"elapsed\": 1')"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert not sweep._followed(process, ORDER, lambda *_: pytest.fail("nothing was told"))
