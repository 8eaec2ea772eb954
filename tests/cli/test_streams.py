"""Streams that are closed, full or cannot encode, and a user without a home: one line, and never a traceback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.terminal import REPLICAS

pytestmark = pytest.mark.slow

FULL = Path("/dev/full")
SHORT, LONG = "--version", "plan llama-2-7b --json"


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `replicas` is the command of this project."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.replace("replicas", str(REPLICAS), 1)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


@pytest.mark.parametrize("arguments", [SHORT, LONG, "--help"])
def test_a_closed_stdout_is_refused_before_anything_is_done(arguments: str) -> None:
    done = shell(f"replicas {arguments} >&-")
    assert done.returncode == 1
    assert done.stderr == "standard output is closed: redirect it, for example to a file or to /dev/null\n"


@pytest.mark.parametrize("arguments", [SHORT, LONG, "--help"])
@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line(arguments: str) -> None:
    done = shell(f"replicas {arguments} > /dev/full")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("No space left on device")


@pytest.mark.parametrize("arguments", [SHORT, LONG])
def test_a_reader_that_goes_away_is_no_error_to_talk_about(arguments: str) -> None:
    done = shell(f"replicas {arguments} | true")
    assert done.stderr == ""


def test_a_check_whose_reader_went_away_did_not_prove_anything() -> None:
    """With pipefail, exit code 0 would say that all templates are proven."""
    done = shell("replicas check docs/examples/over-committed.yaml | sleep 0")
    assert done.returncode != 0


@pytest.mark.parametrize("closed", ["0<&-", "2>&-", "0<&- 2>&-"])
def test_other_closed_streams_change_nothing(closed: str) -> None:
    done = shell(f"replicas {SHORT} {closed}")
    assert (done.returncode, done.stdout[:9]) == (0, "replicas ")


def test_errors_that_nobody_can_read_keep_their_exit_code() -> None:
    assert shell("replicas plan nope 2>/dev/full").returncode == 1
    assert shell("replicas plan nope 2>&-").returncode == 1


def test_letters_that_the_stream_cannot_encode_are_escapes() -> None:
    done = shell("replicas plan 模型", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert "no deployment '\\u6a21\\u578b'" in done.stderr


@pytest.mark.parametrize("home", ["", "HOME=/nowhere"])
def test_nobody_needs_a_home(home: str) -> None:
    done = shell(f"env -u HOME {home} replicas plan llama-2-7b --json")
    assert done.returncode == 0
    assert done.stderr == ""
