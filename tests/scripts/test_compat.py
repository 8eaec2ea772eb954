"""`make compat`: which versions it tries, and that it says which ones it cannot try."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scripts import compat
from scripts.guide import programs
from scripts.package import PackageError
from tests.conftest import ROOT


def only(*versions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "installs", lambda python, folder: python in versions)


def test_the_newest_python_that_installs_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only("3.12", "3.13", monkeypatch=monkeypatch)

    tried = list(compat.combinations(["oldest", "newest"], tmp_path))

    assert tried == [("oldest", "3.11"), ("newest", "3.11"), ("newest", "3.13")]
    assert capsys.readouterr().out == "Python 3.14: skipped, because it cannot be installed on this computer\n"


def test_where_one_python_alone_installs_the_others_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch=monkeypatch)

    assert list(compat.combinations(["newest"], tmp_path)) == [("newest", "3.11")]
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "Python 3.14",
        "Python 3.13",
        "Python 3.12",
    ]


def test_the_oldest_needs_no_other_python(tmp_path: Path) -> None:
    assert list(compat.combinations(["oldest"], tmp_path)) == [("oldest", "3.11")]


def test_the_range_of_python_is_that_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["requires-python"] == f">={compat.PYTHONS[0]}"
    named = [line.rpartition(" ")[2] for line in project["classifiers"] if "Python :: 3." in line]
    assert list(compat.PYTHONS[: len(named)]) == named


def test_this_python_is_used_for_its_own_version() -> None:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert compat.interpreter(own) == sys.executable
    assert compat.interpreter("3.99") == "3.99"


def test_a_version_that_nobody_promises_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"^make compat CDK=other: versions to try are oldest, newest$"):
        compat.main(["other"])


def test_ci_tries_the_oldest() -> None:
    assert "make compat CDK=oldest\n" in (ROOT / ".ci" / "run").read_text()


class Recorded:
    """An environment that answers as its programs would."""

    def __init__(self, folder: Path, answer: str) -> None:
        self.folder, self.answer = folder, answer

    def run(self, *command: str) -> str:
        return self.answer if command[1] == "run_all.py" else "3.11.7\n"

    def version(self, distribution: str) -> str:
        assert distribution == "aws-cdk-lib"
        return "2.262.0\n"


def counts(**changes: int) -> str:
    made = {"app": 1, **dict.fromkeys(programs(), 1), "tests": 0, **changes}
    return "".join(f"{name} {count}\n" for name, count in made.items())


def test_every_example_is_written_run_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compat.synthesise(Recorded(tmp_path, counts()))  # type: ignore[arg-type]

    written = {path.stem: path.read_text() for path in (tmp_path / "programs").iterdir()}
    assert written.items() >= programs().items()
    assert capsys.readouterr().out == "aws-cdk-lib 2.262.0, Python 3.11.7: 10 examples synthesised\n"


@pytest.mark.parametrize("answer", [counts(scaling=0), counts(tests=1), "app 1\n"])
def test_an_example_without_template_fails(tmp_path: Path, answer: str) -> None:
    with pytest.raises(PackageError):
        compat.synthesise(Recorded(tmp_path, answer))  # type: ignore[arg-type]


def test_the_runner_counts_the_templates_of_each_program(tmp_path: Path) -> None:
    """Without aws-cdk: an app is whatever has a folder of templates."""
    (tmp_path / "programs").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.template.json").write_text("{}")
    one = "from pathlib import Path\nfrom types import SimpleNamespace\napp = SimpleNamespace(outdir='out')\n"
    (tmp_path / "programs" / "one.py").write_text(one)
    (tmp_path / "programs" / "two.py").write_text("def test_it():\n    print('tested 0')\n")

    done = subprocess.run(
        [sys.executable, "-c", compat.RUN_ALL], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout == "one 1\ntested 0\ntwo 0\n"
    assert not (tmp_path / "out").exists()
