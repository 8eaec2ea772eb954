"""What a shell offers after the tab key, by the protocol between a shell and Click."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from replicas.cli.commands import COMMANDS
from tests.conftest import ROOT
from tests.terminal import REPLICAS

pytestmark = pytest.mark.slow


def completed(line: str, folder: Path = ROOT) -> list[str]:
    """https://click.palletsprojects.com/en/stable/shell-completion/: the words so far, and the place of the last."""
    variables = {"_REPLICAS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = subprocess.run(
        [REPLICAS], cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=True, timeout=180
    )
    return done.stdout.split()


def test_commands_are_completed() -> None:
    assert completed("replicas te") == ["teardown"]
    assert completed("replicas ") == list(COMMANDS)


def test_options_of_a_command_are_completed() -> None:
    assert completed("replicas plan --expl") == ["--explain"]


def test_names_of_deployments_are_completed() -> None:
    assert completed("replicas status llama-3-1-8b-g") == ["llama-3-1-8b-g5", "llama-3-1-8b-g6e"]


@pytest.mark.parametrize("content", [None, "print('noise')\n1 / 0\n"], ids=["no file", "a file that raises"])
def test_without_deployments_no_name_is_offered(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "deployments.py").write_text(content)
    assert completed("replicas status ll", tmp_path) == []
