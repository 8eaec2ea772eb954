"""`make demo` leaves nothing behind, whatever happens in it. Its steps have their own tests end to end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from embedded_aws import process
from scripts import demo


@pytest.fixture(autouse=True)
def own_endings() -> Iterator[None]:
    """The demo ends with its process, and what it made of `kill` with it; here other tests follow."""
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("fault", [demo.DemoError("a step failed"), KeyboardInterrupt()], ids=["failure", "ctrl-c"])
@pytest.mark.slow
def test_the_embedded_aws_is_stopped_when_a_step_fails(
    fault: BaseException, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ran: list[str] = []

    def failing(environment: Mapping[str, str], changed: Path) -> None:
        assert len(process.running()) == 1
        assert environment["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
        assert "copies=7" in (changed / "deployments.py").read_text()
        ran.append(str(changed))
        raise fault

    monkeypatch.setattr(demo, "steps", failing)
    with pytest.raises(SystemExit, match="the embedded AWS is stopped, all its resources are gone"):
        demo.main()
    assert process.running() == []
    assert list((tmp_path / "replicas" / "local").glob("*")) == []
    assert not Path(ran[0]).exists()
    assert "AWS_ENDPOINT_URL" not in os.environ


def test_a_deployments_file_without_the_articles_row_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "deployments.py").write_text("DEPLOYMENTS = []\n")
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    with pytest.raises(demo.DemoError, match="the demo shows a change of that row"), demo.changed_copies():
        pass


def test_commands_that_run_together_are_printed_in_order(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "written"
    waiting = ("sh", "-c", f"until [ -e {written} ]; do sleep 0.01; done; echo first; echo last")
    writing = ("sh", "-c", f"touch {written}; echo one; echo two")
    demo.run_together({waiting: 1, writing: 5}, os.environ)
    output = [line for line in capfd.readouterr().out.splitlines() if not line.startswith("$ ")]
    assert output == ["last", "one", "two"]


def test_a_failure_of_one_of_two_commands_shows_all_that_it_printed(capfd: pytest.CaptureFixture[str]) -> None:
    failing, endless = ("sh", "-c", "echo first; echo last; exit 3"), ("sleep", "1000")
    with pytest.raises(demo.DemoError, match="ended with exit code 3"):
        demo.run_together({failing: 1, endless: 1}, os.environ)
    assert "first\nlast\n" in capfd.readouterr().out
