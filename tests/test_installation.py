"""How this project is installed: what it says about an extra that is missing, and where an editable install lies."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import Distribution
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from replicas import installation
from replicas.installation import EXTRA_OF, __version__, editable_paths, how_to_install, missing_module
from tests.conftest import ROOT

WITHOUT = """
import contextlib, io, json, sys
class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, NotInstalled())
from replicas.cli.main import main
for arguments in {commands}:
    sys.argv, code, told = ["replicas", *arguments], 0, io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    print(json.dumps([code, told.getvalue()]))
"""
EXTRAS = (*EXTRA_OF, "gevent")


def origin(monkeypatch: pytest.MonkeyPatch, record: dict[str, Any] | None) -> None:
    """Install the project from somewhere: `record` is what an installer writes about it (PEP 610)."""

    class Installed(Distribution):
        def read_text(self, filename: str) -> str | None:
            return json.dumps(record) if filename == "direct_url.json" and record is not None else None

        def locate_file(self, path: Any) -> Path:
            return Path(path)

    monkeypatch.setattr(Distribution, "from_name", classmethod(lambda cls, name: Installed()))


@pytest.mark.parametrize(
    ("record", "command"),
    [
        ({"url": "file:///src/my%20app", "dir_info": {"editable": True}}, "pip install -e '/src/my app[fleet]'"),
        ({"url": "file:///src/app", "dir_info": {}}, "pip install '/src/app[fleet]'"),
        (
            {"url": "file:///dist/sagemaker_replicas-1-py3-none-any.whl", "archive_info": {}},
            "pip install '/dist/sagemaker_replicas-1-py3-none-any.whl[fleet]'",
        ),
        (
            {"url": "https://git.example/r.git", "vcs_info": {"vcs": "git", "commit_id": "1f"}},
            "pip install 'sagemaker-replicas[fleet] @ git+https://git.example/r.git@1f'",
        ),
        (None, "install the extra from the same checkout, wheel or git+URL as this project"),
    ],
    ids=["editable checkout", "checkout", "wheel", "repository", "unknown"],
)
def test_an_extra_is_installed_from_where_the_project_came_from(
    monkeypatch: pytest.MonkeyPatch, record: dict[str, Any] | None, command: str
) -> None:
    origin(monkeypatch, record)

    assert how_to_install("fleet") == command
    expected = f"ortools is not installed. The extra `fleet` of sagemaker-replicas contains it: {command}"
    assert missing_module("ortools") == expected


@pytest.mark.parametrize(
    ("record", "embedded_aws"),
    [
        ({"url": "file:///src", "dir_info": {"editable": True}}, " -e /src/packages/embedded-aws"),
        ({"url": "file:///dist/sagemaker_replicas-1-py3-none-any.whl"}, " /dist/embedded_aws-*.whl"),
        (
            {"url": "https://git.example/r.git", "vcs_info": {"vcs": "git", "commit_id": "1f"}},
            " 'embedded-aws @ git+https://git.example/r.git@1f#subdirectory=packages/embedded-aws'",
        ),
    ],
    ids=["checkout", "wheel", "repository"],
)
def test_the_embedded_aws_comes_from_the_same_place(
    monkeypatch: pytest.MonkeyPatch, record: dict[str, Any], embedded_aws: str
) -> None:
    origin(monkeypatch, record)

    assert how_to_install("local").endswith(embedded_aws)


def test_every_folder_from_which_a_package_is_imported_is_an_editable_path() -> None:
    """Given the checkout that the tests run in, when its paths are listed, then they are the roots of its packages."""
    assert editable_paths() == [str(ROOT), str(ROOT / "constructs"), str(ROOT / "packages" / "embedded-aws")]


def test_an_installed_wheel_has_no_editable_path(monkeypatch: pytest.MonkeyPatch) -> None:
    site_packages = sysconfig.get_path("purelib")
    installed = SimpleNamespace(submodule_search_locations=[f"{site_packages}/replicas"])
    monkeypatch.setattr(installation, "find_spec", lambda package: installed if package == "replicas" else None)

    assert editable_paths() == []


def ended(*commands: list[str], absent: tuple[str, ...] = EXTRAS) -> list[tuple[int, str]]:
    """Exit code and stderr of commands where some modules are not installed: without a choice, those of all extras."""
    script = WITHOUT.format(absent=absent, commands=commands)
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [tuple(json.loads(line)) for line in told.splitlines()]


def test_the_base_alone_runs_what_asks_no_account() -> None:
    commands = (
        *(["--help"], ["plan", "llama-2-7b"], ["models"], ["instances"]),
        ["forecast", "llama-2-7b", "--users", "1"],
    )

    assert ended(*commands) == [(0, "")] * 5


def test_a_command_says_in_one_line_which_extra_it_lacks() -> None:
    commands = {
        ("status", "x", "--region", "us-west-2"): ("(boto3|botocore)", "aws"),
        ("preflight", "llama-2-7b"): ("(boto3|botocore)", "aws"),
        ("fleet", "docs/examples/fleet.yaml"): ("ortools", "fleet"),
        ("local", "start"): ("embedded_aws", "local"),
    }

    outcomes = ended(*map(list, commands))

    for (code, told), (module, extra) in zip(outcomes, commands.values(), strict=True):
        line = rf"{module} is not installed. The extra `{extra}` of sagemaker-replicas contains it: "
        assert code == 1
        assert re.search(line, told.splitlines()[-1])
        assert "Traceback" not in told


def test_a_benchmark_needs_an_extra_of_its_own_where_the_account_can_be_asked() -> None:
    ((code, told),) = ended(["benchmark", "x", "--region", "us-west-2"], absent=("locust",))

    assert code == 1
    assert told.startswith("locust is not installed. The extra `benchmark`")
    assert told.count("\n") == 1


def test_every_module_of_an_extra_comes_with_that_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert set(EXTRA_OF.values()) == set(project["optional-dependencies"]) - {"dev"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
